"""Settings of the HTTP interface, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class ApiSettings:
    """`LAGEBILD_API_…`; the defaults suit one Kreis on one small machine."""

    anonymous: bool = True
    """Whether questions without a key are answered (released figures are public), in role `oeffentlich`."""
    rate_anonymous: str = "120/minute"
    """Per network address; notation of the library `limits`."""
    rate_key: str = "1200/minute"
    """Per key."""
    rate_guest: str = "60/minute"
    """Guest tokens of embedded dashboards, per network address: a page asks once, then every third minute."""
    timeout_seconds: float = 20.0
    """Longest time one question may take."""

    @classmethod
    def from_environment(cls) -> ApiSettings:
        """`LAGEBILD_API_ANONYMOUS` (0 or 1), `_RATE_ANONYMOUS`, `_RATE_KEY`, `_RATE_GUEST`, `_TIMEOUT_SECONDS`."""

        def setting(name: str, default: str) -> str:
            return os.environ.get(f"LAGEBILD_API_{name}", default)

        return cls(
            anonymous=setting("ANONYMOUS", "1") == "1",
            rate_anonymous=setting("RATE_ANONYMOUS", cls.rate_anonymous),
            rate_key=setting("RATE_KEY", cls.rate_key),
            rate_guest=setting("RATE_GUEST", cls.rate_guest),
            timeout_seconds=float(setting("TIMEOUT_SECONDS", str(cls.timeout_seconds))),
        )


__all__ = ["ApiSettings"]
