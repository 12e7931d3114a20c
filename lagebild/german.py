"""Numbers and days as German readers expect them. Pure; used wherever text is made for people."""

from __future__ import annotations

from datetime import date, datetime


def number(value: float, decimals: int | None = None) -> str:
    """1234.5 → `1.234,5`; without `decimals` as many as the value has, whole numbers none."""
    places = f".{decimals}f" if decimals is not None else ".0f" if value == int(value) else ""
    return f"{value:,{places}}".translate(str.maketrans(",.", ".,"))


def day(moment: date | datetime) -> str:
    """21.11.2026"""
    return f"{moment:%d.%m.%Y}"


__all__ = ["day", "number"]
