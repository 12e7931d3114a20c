"""How often somebody may ask. One counter per process of the interface."""

from __future__ import annotations

import time

from fastapi import HTTPException, Request
from limits import RateLimitItem
from limits.strategies import MovingWindowRateLimiter


def count(request: Request, limit: RateLimitItem, who: str) -> None:
    """Counts a request of `who`. Raises HTTPException 429, with the seconds to wait, when there were too many."""
    limiter: MovingWindowRateLimiter = request.app.state.limiter
    if not limiter.hit(limit, who):
        reset = limiter.get_window_stats(limit, who).reset_time
        wait = max(1, round(reset - time.time()))
        raise HTTPException(
            429, f"Zu viele Anfragen. Bitte {wait} Sekunden warten.", headers={"Retry-After": str(wait)}
        )


__all__ = ["count"]
