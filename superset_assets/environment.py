"""How Superset's processes are started: environment and folders.

Belongs here: what `sync` and `server` share. Does not belong here: settings of Superset (`superset_config`).
"""

from __future__ import annotations

import os
from pathlib import Path

from lagebild.paths import PROJECT_ROOT, var_dir

CONFIG_FILE = Path(__file__).parent / "superset_config.py"


def state_dir() -> Path:
    """Folder of Superset's own state, created when missing."""
    folder = var_dir() / "superset"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def metadata_file() -> Path:
    return state_dir() / "superset.db"


def superset_environment() -> dict[str, str]:
    """Environment of every Superset process: this project's configuration and nothing of the caller's Flask."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("FLASK_", "SUPERSET_", "PYTEST_"))
    }
    python_path = [str(PROJECT_ROOT), *filter(None, [inherited.get("PYTHONPATH", "")])]
    return {
        **inherited,
        "LAGEBILD_VAR": str(var_dir()),
        "SUPERSET_CONFIG_PATH": str(CONFIG_FILE),
        "SUPERSET_HOME": str(state_dir()),
        "FLASK_APP": "superset.app:create_app()",
        # No pixel of a telemetry service on the pages.
        "SCARF_ANALYTICS": "false",
        "PYTHONPATH": os.pathsep.join(python_path),
    }
