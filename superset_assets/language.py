"""German texts of Superset's pages: its own translation with corrections.

Superset's German file leaves words English and has wrong ones ("Nicht in" for "Sign in"), and its language pack
needs a login, so that the login page itself would stay English. This blueprint answers the pack for everybody.
Belongs here: texts of Superset's frame. Does not belong here: texts of our charts (they are in `assets/`).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Response, request

_PACK_PATH = "/superset/language_pack/de/"
CORRECTIONS_FILE = Path(__file__).parent / "uebersetzung.yml"
FIXED_TEXTS = ("Data error", "N/A")
"""Headings and empty cells that Superset's scripts write without asking for a translation."""

blueprint = Blueprint("lagebild_language", __name__)


@cache
def _corrections() -> dict[str, str | list[str]]:
    """English text -> German one, or singular and plural."""
    corrections: dict[str, str | list[str]] = yaml.safe_load(CORRECTIONS_FILE.read_text(encoding="utf-8"))
    return corrections


@blueprint.app_context_processor
def _fixed_texts() -> dict[str, Any]:
    """For `templates/head_custom_extra.html`, whose script replaces them where they appear."""
    return {"lagebild_fixed_texts": {text: _corrections()[text] for text in FIXED_TEXTS}}


@cache
def german_pack() -> dict[str, Any]:
    """Superset's German pack (jed format) with the corrections of `uebersetzung.yml`."""
    import superset

    source = Path(superset.__file__).parent / "translations" / "de" / "LC_MESSAGES" / "messages.json"
    pack: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    pack["locale_data"]["superset"].update(
        {text: german if isinstance(german, list) else [german] for text, german in _corrections().items()}
    )
    return pack


@blueprint.before_app_request
def _answer_language_pack() -> Response | None:
    if request.path != _PACK_PATH:
        return None
    return Response(json.dumps(german_pack(), ensure_ascii=False), mimetype="application/json")
