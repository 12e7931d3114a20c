"""Official keys of German areas: Amtlicher Regionalschlüssel (ARS, 12 digits) and Amtlicher Gemeindeschlüssel (AGS, 8).

ARS = Land (2) + Regierungsbezirk (1) + Kreis (2) + Gemeindeverband (4) + Gemeinde (3); AGS = the same without the
Gemeindeverband. The area system `amtlich` has the levels bund (`DG`), land, regierungsbezirk, kreis, gemeindeverband,
gemeinde; a Gemeinde is known by its AGS, all others by the beginning of the ARS. Every area has a parent on the next
level: a Land without Regierungsbezirke is its own one (`010`), a kreisfreie Stadt its own Gemeindeverband.

Source: Destatis, Gemeindeverzeichnis-Informationssystem GV-ISys, explanations of the keys.
"""

from __future__ import annotations

from typing import Final

BUND: Final = "DG"
BUND_NAME: Final = "Deutschland"
LEVELS: Final = ("bund", "land", "regierungsbezirk", "kreis", "gemeindeverband", "gemeinde")
LEVEL_OF_LENGTH: Final = {2: "land", 3: "regierungsbezirk", 5: "kreis", 9: "gemeindeverband", 12: "gemeinde"}


def gemeinde_code(ars: str) -> str:
    """AGS of a 12-digit ARS."""
    return ars[:5] + ars[9:12]


def code_of(ars: str) -> str:
    """Code in the area system `amtlich` of an ARS of any length."""
    return gemeinde_code(ars) if len(ars) == 12 else ars


def parent_of(ars: str) -> str:
    """Code of the area one level above an ARS of 2, 3, 5, 9 or 12 digits."""
    return {2: BUND, 3: ars[:2], 5: ars[:3], 9: ars[:5], 12: ars[:9]}[len(ars)]
