"""Names made from labels and codes. Pure."""

from __future__ import annotations

import re
import unicodedata

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def identifier(text: str) -> str:
    """`text` as a lower-case identifier of letters, digits and single underscores, e.g. `age=0-17;sex=f` →
    `age_0_17_sex_f`. German letters are transcribed; an open upper end (`65+`) keeps its meaning as `65_plus`."""
    plain = text.lower().replace("+", "_plus").translate(_UMLAUTS)
    ascii_text = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text).strip("_")
