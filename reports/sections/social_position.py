"""Aufmerksamkeitsbedarf and social indices: where needs accumulate, how that follows, and how stable it is.

Belongs here: blocks from `mart_attention`, `mart_index` and their neighbours. Empty where an instance has neither.
"""

from __future__ import annotations

from collections.abc import Sequence

from lagebild import german
from lagebild.map_classes import CLASS_COLOURS
from reports.charts import maps, style
from reports.document import Block, Chart, Column, Note, Section, Table, Term, Terms, Text, arranged, section
from reports.facts import Area
from reports.reader import Reader
from reports.release import Row as Record
from reports.wording import grammar

_LISTED = 10


def attention(reader: Reader) -> Section:
    """The areas with raised need, strongest first, a map of the degrees, and the rule."""
    rows = _attention(reader)
    if not rows:
        return section("Aufmerksamkeitsbedarf", [])
    level = rows[0]["area_level"]
    raised = [row for row in rows if row["degree"]]
    raised.sort(
        key=lambda row: (-row["degree"], -(row["strong_burdens"] or 0), -row["burdens"], row["area_name"])
    )
    judged = [row for row in rows if row["degree"] is not None]
    plural = reader.plural(level)
    said = [
        f"Von {german.number(len(judged))} {grammar.dative_plural(plural)}, die sich für {rows[0]['year']} beurteilen "
        f"lassen, {_have(len(raised))} einen erhöhten Aufmerksamkeitsbedarf."
    ]
    if len(judged) < len(rows):
        count = len(rows) - len(judged)
        said.append(
            f"{grammar.capital(grammar.number_of(count, reader.singular(level), plural))} "
            f"{'ist' if count == 1 else 'sind'} nicht beurteilbar, weil zu viele Werte fehlen oder gesperrt sind."
        )
    blocks: list[Block | None] = [Text(" ".join(said)), _attention_map(reader, rows)]
    if raised:
        shown = raised[:_LISTED]
        rest = f" (die ersten {len(shown)} von {len(raised)})" if len(shown) < len(raised) else ""
        blocks.append(
            Table(
                f"{plural} mit erhöhtem Aufmerksamkeitsbedarf {rows[0]['year']}{rest}",
                (Column(reader.singular(level)), Column("Grad"), Column("Belastungen")),
                tuple((row["area_name"], row["degree_label"], row["burdens_text"] or "–") for row in shown),
            )
        )
    if rows[0]["rule_label"]:
        blocks.append(Note(f"Regel: {rows[0]['rule_label']}"))
    return section("Aufmerksamkeitsbedarf", blocks, new_page=True)


def _have(count: int) -> str:
    return "hat keiner" if count == 0 else f"hat {count}" if count == 1 else f"haben {german.number(count)}"


def _attention(reader: Reader) -> list[Record]:
    if not reader.release.has("mart_attention"):
        return []
    return reader.release.rows(
        """select * from mart_attention where area_system = ? and is_current_area and year = (
               select max(year) from mart_attention where area_system = ? and year <= ?)
           order by area_code""",
        [reader.system, reader.system, reader.year],
    )


def _attention_map(reader: Reader, rows: Sequence[Record]) -> Chart | None:
    degrees = {row["degree"]: row["degree_label"] for row in rows}
    ordered = sorted(degree for degree in degrees if degree is not None)
    # Four degrees on five colours: the lightest and the darkest stay the ends.
    colours = {degree: CLASS_COLOURS[min(degree + (degree > 1), 4)] for degree in ordered}
    legend = [maps.Category(degrees[degree], colours[degree]) for degree in ordered]
    legend.append(maps.Category("nicht beurteilbar", style.HIDDEN))
    patches = [
        maps.Patch(
            row["area_name"],
            reader.rings.get(row["area_key"], []),
            "nicht beurteilbar" if row["degree"] is None else row["degree_label"],
            "–" if row["burdens"] is None else grammar.number_of(row["burdens"], "Belastung", "Belastungen"),
        )
        for row in rows
    ]
    plural = grammar.dative_plural(reader.plural(rows[0]["area_level"]))
    caption = f"Aufmerksamkeitsbedarf nach {plural}, {rows[0]['year']}"
    return maps.choropleth(patches, legend, "", caption, width=style.FULL, height=250)


def area_attention(reader: Reader, area: Area) -> list[Block]:
    """The degree of one area with its burdens and derivation."""
    found = [row for row in _attention(reader) if row["area_key"] == area.key]
    if not found:
        return []
    row = found[0]
    if row["degree"] is None:
        reason = (row["empty_reason"] or "").rstrip(".")
        return [
            Text(
                f"Der Aufmerksamkeitsbedarf {row['year']} ist nicht beurteilbar{f': {reason}' if reason else ''}."
            )
        ]
    said = [f"Aufmerksamkeitsbedarf {row['year']}: {row['degree_label']}."]
    if row["burdens_text"]:
        said.append(f"{row['burdens_text'].rstrip('.')}.")
    if row["derivation"]:
        said.append(f"{row['derivation'].rstrip('.')}.")
    return [Text(" ".join(said))]


def indices(reader: Reader) -> Section:
    """Every index of the instance: definition, map of the classes, sensitivity."""
    if not reader.release.has("mart_index"):
        return section("Soziale Indizes", [])
    blocks: list[Block | None] = []
    charts = []
    terms = []
    for index in reader.release.rows(
        "select * from dim_index where area_system = ? order by label", [reader.system]
    ):
        rows = _index(reader, index["index_id"])
        if not rows:
            continue
        known = [row for row in rows if row["value"] is not None]
        plural = grammar.dative_plural(reader.plural(index["area_level"]))
        said = [
            f"{index['definition'].rstrip('.')}.",
            f"Bestandteile: {index['parts_label'].rstrip('.')}." if index["parts_label"] else "",
            f"{german.number(len(known))} von {german.number(len(rows))} "
            f"{plural} haben einen Wert ({rows[0]['period_label']}).",
            _sensitivity(reader, index["index_id"], rows[0]["period_key"]) or "",
        ]
        terms.append(Term(index["label"], " ".join(part for part in said if part)))
        chart = _index_map(reader, index, rows)
        if chart is not None:
            charts.append(chart)
    if terms:
        blocks.append(Terms(tuple(terms)))
    blocks.extend(arranged(charts))
    return section("Soziale Indizes", blocks)


def _index(reader: Reader, index_id: str) -> list[Record]:
    return reader.release.rows(
        """select * from mart_index where index_id = ? and is_current_area and period_end = (
               select max(period_end) from mart_index where index_id = ? and year <= ?)
           order by area_code""",
        [index_id, index_id, reader.year],
    )


def _index_map(reader: Reader, index: Record, rows: Sequence[Record]) -> Chart | None:
    classes = {row["class_number"]: row["class_label"] for row in rows if row["class_number"] is not None}
    if not classes:
        return None
    ordered = sorted(classes)
    spread = [round(place * 4 / max(len(ordered) - 1, 1)) for place in range(len(ordered))]
    legend = [maps.Category(classes[n], CLASS_COLOURS[c]) for n, c in zip(ordered, spread, strict=True)]
    legend += [maps.Category("gesperrt", style.HIDDEN), maps.Category("keine Angabe", style.UNKNOWN)]
    patches = [
        maps.Patch(
            row["area_name"],
            reader.rings.get(row["area_key"], []),
            row["class_label"] or ("gesperrt" if row["empty_reason"] == "gesperrt" else "keine Angabe"),
            row["value_label"] or "keine Angabe",
        )
        for row in rows
    ]
    return maps.choropleth(
        patches, legend, "", f"{index['label']}, {rows[0]['period_label']}", width=style.HALF, height=150
    )


def _sensitivity(reader: Reader, index_id: str, period_key: str) -> str | None:
    """How much the order depends on how the index is computed: the least favourable variant."""
    if not reader.release.has("fct_index_sensitivity"):
        return None
    rows = reader.release.rows(
        """select * from fct_index_sensitivity where index_id = ? and period_key = ? and spearman is not null
           order by spearman limit 1""",
        [index_id, period_key],
    )
    if not rows:
        return None
    row = rows[0]
    shift = f"; ein Gebiet verschiebt sich um bis zu {grammar.number_of(row['largest_rank_shift'], 'Platz', 'Plätze')}"
    return (
        f"Am stärksten ändert sich die Reihenfolge bei der Variante „{row['variant_label']}“ (Rangkorrelation "
        f"{german.number(row['spearman'], 2)}{shift if row['largest_rank_shift'] else ''})."
    )


def area_indices(reader: Reader, area: Area) -> Table | None:
    """The indices of one area: value, class, place."""
    if not reader.release.has("mart_index"):
        return None
    found = reader.release.rows(
        """select * from mart_index where area_key = ? and year <= ?
           qualify row_number() over (partition by index_id order by period_end desc) = 1 order by index_label""",
        [area.key, reader.year],
    )
    if not found:
        return None
    return Table(
        "Soziale Indizes",
        (
            Column("Index"),
            Column("Stand"),
            Column("Wert", True),
            Column("Klasse"),
            Column("Rang"),
            Column("Bestandteile"),
        ),
        tuple(
            (
                row["index_label"],
                row["period_label"],
                row["value_label"] or "keine Angabe",
                row["class_label"] or "–",
                row["rank_label"] or "–",
                row["contribution_text"] or "–",
            )
            for row in found
        ),
    )


__all__ = ["area_attention", "area_indices", "attention", "indices"]
