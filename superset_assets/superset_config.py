"""Configuration of Superset, read by Superset itself through `SUPERSET_CONFIG_PATH`.

Belongs here: settings. Does not belong here: anything that is an asset (dashboards, roles), any secret value
(secrets are generated per installation, see `lagebild.secrets`) and any machine path (see `lagebild.paths`).

Settings of the installation come from the environment:
`LAGEBILD_HTTPS=1` when a reverse proxy terminates TLS in front of it (secure cookies, forwarded headers).
"""

from __future__ import annotations

import logging
import os
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader
from superset.config import TALISMAN_CONFIG as _SUPERSET_TALISMAN
from superset.config import THEME_DEFAULT as _SUPERSET_THEME

from lagebild import embedding as _embedding
from lagebild.paths import var_dir
from lagebild.secrets import secret
from superset_assets.access import sign_in as _sign_in
from superset_assets.access.frames import allow_frames as _allow_frames
from superset_assets.access.journal import FrugalEventLogger as _FrugalEventLogger
from superset_assets.access.security_manager import EveryStatement as _EveryStatement
from superset_assets.access.security_manager import LagebildSecurityManager as _LagebildSecurityManager
from superset_assets.access.security_manager import journal as _journal
from superset_assets.access.security_manager import keep_guests_quiet as _keep_guests_quiet
from superset_assets.access.security_manager import open_connection as _open_connection
from superset_assets.access.security_manager import pass_statement as _pass_statement
from superset_assets.access.security_manager import slow_down as _slow_down
from superset_assets.access.security_manager import validate_connection as _validate_connection
from superset_assets.answers import remember_by_release as _remember_by_release
from superset_assets.language import blueprint as _german_texts

_STATE = var_dir() / "superset"
_TEMPLATES = Path(__file__).parent / "templates"
_HTTPS = os.environ.get("LAGEBILD_HTTPS", "") == "1"
_MAP_HOST = "https://sgx.geodatenzentrum.de"

# --- Secrets and metadata ------------------------------------------------------------------------------
SECRET_KEY = secret("superset_secret_key", entropy_bytes=48)
GLOBAL_ASYNC_QUERIES_JWT_SECRET = secret("superset_async_queries_key", entropy_bytes=48)
# Writers wait for each other instead of failing: SQLite allows one at a time.
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_STATE / 'superset.db'}?check_same_thread=false&timeout=30"
SQLALCHEMY_EXAMPLES_URI = None
PREVENT_UNSAFE_DB_CONNECTIONS = True
# Whatever a connection or a statement says, it leads to a released file, read-only and locked, or nowhere.
CUSTOM_SECURITY_MANAGER = _LagebildSecurityManager
DB_SQLA_URI_VALIDATOR = _validate_connection
DB_CONNECTION_MUTATOR = _open_connection
SQL_QUERY_MUTATOR = _pass_statement
MUTATE_AFTER_SPLIT = _EveryStatement()
EVENT_LOGGER = _FrugalEventLogger()
PREVENT_UNSAFE_DEFAULT_URLS_ON_DATASET = True
DATASET_IMPORT_ALLOWED_DATA_URLS: list[str] = []
UPLOAD_FOLDER = str(_STATE / "uploads") + "/"
ALLOWED_EXTENSIONS: set[str] = set()

# --- Sessions, forms, headers --------------------------------------------------------------------------
WTF_CSRF_ENABLED = True
WTF_CSRF_TIME_LIMIT = 8 * 3600
SESSION_COOKIE_NAME = "lagebild_superset"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _HTTPS
PERMANENT_SESSION_LIFETIME = 8 * 3600
ENABLE_PROXY_FIX = _HTTPS
ENABLE_CORS = False
TALISMAN_ENABLED = True
TALISMAN_CONFIG: dict[str, Any] = deepcopy(_SUPERSET_TALISMAN)
TALISMAN_CONFIG["session_cookie_secure"] = _HTTPS
TALISMAN_CONFIG["frame_options"] = "SAMEORIGIN"
TALISMAN_CONFIG["referrer_policy"] = "same-origin"
# Nothing is fetched from anywhere but this server and the official German base map.
TALISMAN_CONFIG["content_security_policy"].update(
    {
        "img-src": ["'self'", "blob:", "data:", _MAP_HOST],
        "connect-src": ["'self'", _MAP_HOST],
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "frame-ancestors": ["'self'"],
    }
)
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []

# --- Who may log in ------------------------------------------------------------------------------------
globals().update(_sign_in.settings(os.environ))
PUBLIC_ROLE_LIKE = None
FAB_API_SWAGGER_UI = False
FAB_PASSWORD_COMPLEXITY_ENABLED = True
RATELIMIT_ENABLED = True
# Static files count as well: one dashboard loads more than a hundred of them at once.
RATELIMIT_APPLICATION = "400 per second"
RATELIMIT_STORAGE_URI = "memory://"
# Per address and process: a whole town hall may sign in through one address at eight o'clock. Failed attempts are
# counted by `access.throttle`, for page and API, over all processes.
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "60 per minute"
# Guests of other websites see single public dashboards with a token of the query interface (docs/einbettung.md).
GUEST_ROLE_NAME = "Öffentlich"
GUEST_TOKEN_JWT_SECRET = secret(_embedding.SECRET_NAME, entropy_bytes=48)
GUEST_TOKEN_JWT_ALGO = _embedding.ALGORITHM
GUEST_TOKEN_JWT_AUDIENCE = _embedding.AUDIENCE
GUEST_TOKEN_JWT_EXP_SECONDS = _embedding.TOKEN_SECONDS

# --- Language and numbers ------------------------------------------------------------------------------
BABEL_DEFAULT_LOCALE = "de"
BABEL_DEFAULT_TIMEZONE = "Europe/Berlin"
LANGUAGES = {"de": {"flag": "de", "name": "Deutsch"}}
D3_FORMAT = {
    "decimal": ",",
    "thousands": ".",
    "grouping": [3],
    "currency": ["", "\u00a0€"],
    "percent": "\u00a0%",
}
D3_TIME_FORMAT = {
    "dateTime": "%d.%m.%Y, %H:%M Uhr",
    "date": "%d.%m.%Y",
    "time": "%H:%M",
    "periods": ["", ""],
    "days": ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
    "shortDays": ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
    "months": [
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ],
    "shortMonths": ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
}  # fmt: skip
CURRENCIES = ["EUR"]
CSV_EXPORT = {"encoding": "utf-8-sig", "sep": ";", "decimal": ","}

# --- Look ----------------------------------------------------------------------------------------------
APP_NAME = "Lagebild"
THEME_DEFAULT: dict[str, Any] = deepcopy(_SUPERSET_THEME)
_LOGO = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' width='150' height='32'><g fill='#1d5b8f'>"
    "<rect x='2' y='17' width='6' height='11'/><rect x='11' y='10' width='6' height='18'/>"
    "<rect x='20' y='4' width='6' height='24'/><text x='36' y='25' font-size='22' font-weight='600' "
    "font-family='Inter,Helvetica,Arial,sans-serif'>Lagebild</text></g></svg>"
)
THEME_DEFAULT["token"].update(
    {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": _LOGO,
        "colorPrimary": "#1d5b8f",
        "colorLink": "#1d5b8f",
        # Grey on white that still has the contrast of 4.5 : 1.
        "colorTextPlaceholder": "#6b6b6b",
    }
)
THEME_DARK = None
ENABLE_UI_THEME_ADMINISTRATION = False
# Classes of the maps, colour-blind safe (viridis family, light to dark). Five steps: nobody tells more apart.
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": "lagebild_karte",
        "label": "Lagebild Karte",
        "description": "Fünf Klassen von hell nach dunkel, auch bei Farbfehlsichtigkeit unterscheidbar",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#f0f3bd", "#a5d5b5", "#4fa9b5", "#2a6f9e", "#1f3a70"],
    }
]
# Okabe-Ito palette without its yellow, which is too light for lines on white.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "lagebild",
        "label": "Lagebild",
        "description": "Farben nach Okabe und Ito, auch bei Farbfehlsichtigkeit unterscheidbar",
        "isDefault": True,
        "colors": ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d"],
    }
]
MAPBOX_API_KEY = ""
# basemap.de of the German mapping agencies (CC BY 4.0); charts with their own geometry draw without it.
DECKGL_BASE_MAP = [
    [
        f"tile://{_MAP_HOST}/wmts_basemapde/tile/1.0.0/de_basemapde_web_raster_grau/default/GLOBAL_WEBMERCATOR/"
        "{z}/{y}/{x}.png",
        "basemap.de (grau)",
    ]
]

# --- Features ------------------------------------------------------------------------------------------
FEATURE_FLAGS = {
    "ALERT_REPORTS": False,
    "ALLOW_FULL_CSV_EXPORT": False,
    "DASHBOARD_RBAC": False,
    "DATASET_FOLDERS": True,
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    "EMBEDDED_SUPERSET": True,
    "ENABLE_JAVASCRIPT_CONTROLS": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ESCAPE_MARKDOWN_HTML": False,
    "THUMBNAILS": False,
    "LISTVIEWS_DEFAULT_CARD_VIEW": False,
}
BLUEPRINTS = [_german_texts]


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 - the name is Superset's
    """Our templates come before Superset's own of the same name (see `templates/`)."""
    own, theirs = FileSystemLoader(_TEMPLATES), app.jinja_loader
    app.jinja_loader = ChoiceLoader([own, theirs] if theirs is not None else [own])
    _journal.watch(app)
    app.before_request(_slow_down)
    _remember_by_release()
    app.before_request(_keep_guests_quiet)
    _allow_frames(app)
    # Its warnings name who failed to sign in; the journal keeps a keyed hash instead.
    logging.getLogger("flask_appbuilder.security").setLevel(logging.ERROR)


HTML_SANITIZATION = True
SHOW_STACKTRACE = False

# --- Limits and caches ---------------------------------------------------------------------------------
ROW_LIMIT = 10_000
SAMPLES_ROW_LIMIT = 1_000
SQL_MAX_ROW = 50_000
DISPLAY_MAX_ROW = 10_000
DEFAULT_SQLLAB_LIMIT = 1_000
TABLE_VIZ_MAX_ROW_SERVER = 50_000
NATIVE_FILTER_DEFAULT_ROW_LIMIT = 1_000
SQLLAB_TIMEOUT = 30
SUPERSET_WEBSERVER_TIMEOUT = 60
SQLLAB_CTAS_NO_LIMIT = False
CACHE_CONFIG = {
    "CACHE_TYPE": "SimpleCache",
    "CACHE_DEFAULT_TIMEOUT": 300,
    "CACHE_THRESHOLD": 500,
    "CACHE_KEY_PREFIX": "lagebild_",
}
# Shared by the workers, and long: the release is part of the key (`answers`).
DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "FileSystemCache",
    "CACHE_DIR": str(_STATE / "cache"),
    "CACHE_DEFAULT_TIMEOUT": 86_400,
    "CACHE_THRESHOLD": 2_000,
    "CACHE_KEY_PREFIX": "lagebild_data_",
}
CELERY_CONFIG = None
RESULTS_BACKEND = None
STORE_CACHE_KEYS_IN_METADATA_DB = False
# SQL Lab's own word list, refused before the wall of `access.sql_wall` is reached; that one stands before charts too.
DISALLOWED_SQL_FUNCTIONS: dict[str, set[str]] = {
    "duckdb": {
        "read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "parquet_metadata", "parquet_schema",
        "read_json", "read_json_auto", "read_json_objects", "read_ndjson", "read_text", "read_blob", "glob",
        "sniff_csv", "read_xlsx", "st_read", "sqlite_scan", "postgres_scan", "getenv", "query", "query_table",
        "duckdb_settings", "duckdb_secrets", "duckdb_databases", "current_setting", "which_secret",
    }
}  # fmt: skip
