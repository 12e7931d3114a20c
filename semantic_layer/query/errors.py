"""What a caller can get wrong, said in German with the way out. Does not belong here: errors of our own making."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class QueryError(ValueError):
    """A question that cannot be answered as asked. `str(error)` is a German sentence for the reader."""


class GuardRefusal(QueryError):
    """A statement the guard does not let through. `rule` is a stable short name for logs and tests."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class ReleaseError(QueryError):
    """A release that does not exist, cannot be opened or is too old for the question."""


class QueryTimeout(QueryError):
    """The time limit ended the query."""


def did_you_mean(wrong: str, known: Iterable[str] | Mapping[str, str], limit: int = 3) -> str:
    """` Meinten Sie „sgb2_rate“ (SGB-II-Quote)?` – or nothing where nothing known is close.

    `known` are names, or names with their labels: both are compared, because planners type labels.
    """
    labels = known if isinstance(known, Mapping) else dict.fromkeys(known, "")
    lookup: dict[str, str] = {}
    for name, label in labels.items():
        lookup.setdefault(name.casefold(), name)
        if label:
            lookup.setdefault(label.casefold(), name)
    asked = wrong.casefold()
    near = difflib.get_close_matches(asked, list(lookup), n=limit * 2, cutoff=0.55)
    near += [text for text in lookup if len(asked) >= 4 and asked in text and text not in near]
    names = list(dict.fromkeys(lookup[text] for text in near))[:limit]
    if not names:
        return ""
    shown = [f"„{name}“ ({labels[name]})" if labels[name] else f"„{name}“" for name in names]
    return f" Meinten Sie {' oder '.join(shown)}?"


__all__ = ["GuardRefusal", "QueryError", "QueryTimeout", "ReleaseError", "did_you_mean"]
