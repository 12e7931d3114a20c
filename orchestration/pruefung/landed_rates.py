"""Counts nobody prints and every reader can compute: rates beside their base.

Belongs here: one rate and one printed base at a time, and what several rates over the same base say about it. Does not
belong here: rates inside a table with hidden cells (they are rows of its system, `system`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from disclosure.rates import Rounding, numerator_bounds
from orchestration.pruefung.verdict import HiddenCell, TableAudit, Verdict

NOT_PRINTED = "nicht gezeigt"


@dataclass(frozen=True)
class RateOverBase:
    """A printed rate, its printed base, and the name of the numerator that is not printed."""

    label: str
    base_label: str
    base: int
    value: Decimal
    decimals: int
    factor: int
    rounding: Rounding
    place: str

    def numerators(self, base: int) -> tuple[int, int] | None:
        """Smallest and largest whole numerator over `base`; None where none fits."""
        try:
            return numerator_bounds(self.value, self.decimals, base, self.factor, self.rounding)
        except ValueError:
            return None


def audit_rates(rates: Iterable[RateOverBase], threshold: int) -> TableAudit | None:
    """Interval of every numerator. None without rates.

    A base to which its rates fit no whole number is a misprint (or another base than assumed). Where all rates over it
    together fit one number only, nobody needs the printed one: that number is used and told.
    """
    by_base: dict[str, list[RateOverBase]] = defaultdict(list)
    for rate in rates:
        by_base[rate.base_label].append(rate)
    if not by_base:
        return None
    cells: list[HiddenCell] = []
    notes: list[str] = []
    for label, group in by_base.items():
        base = group[0].base
        if any(rate.numerators(base) is None for rate in group):
            found = _only_base(group)
            said = f"{label}: {len(group)} Quoten passen zu keiner ganzen Zahl unter dem Nenner {base}"
            if found is None:
                notes.append(f"{said}; sie bleiben außer Betracht.")
                continue
            notes.append(
                f"{said}, wohl aber zu {found} und sonst keinem bis {2 * base}: der Nenner ist errechenbar."
            )
            base = found
        cells += [_cell(rate, base, threshold) for rate in group]
    exact = sum(cell.lower == cell.upper for cell in cells)
    total = sum(map(len, by_base.values()))
    summary = (
        f"{total} Quoten mit gezeigtem Nenner: {exact} Zähler, die nicht gezeigt werden, sind genau bestimmt."
    )
    return TableAudit(
        "Aus Quoten errechenbare Zähler",
        threshold,
        tuple(cells),
        0,
        (summary,),
        tuple(notes),
        is_derived=True,
    )


def _only_base(group: Sequence[RateOverBase]) -> int | None:
    """The one base up to twice the printed one that all rates fit; one rate alone proves nothing."""
    if len(group) < 2:
        return None
    fitting = [
        base
        for base in range(1, 2 * group[0].base + 1)
        if all(rate.numerators(base) is not None for rate in group)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _cell(rate: RateOverBase, base: int, threshold: int) -> HiddenCell:
    bounds = rate.numerators(base)
    assert bounds is not None
    low, high = bounds
    verdict = Verdict.UNCRITICAL
    if 0 < high < threshold:
        verdict = Verdict.EXACT if low == high else Verdict.BELOW
    shown = format(rate.value, "f").replace(".", ",")
    unit = "%" if rate.factor == 100 else f"je {rate.factor}"
    reason = f"{shown} {unit} von {base} ({rate.base_label})" if verdict.is_disclosure else ""
    return HiddenCell(
        rate.label, rate.place, NOT_PRINTED, float(low), float(high), float(low), float(high), verdict, reason
    )
