"""Trying again: exponential backoff with jitter, honouring what the server asks for (tenacity)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from ingestion.connectors.failure import Transient, Unreachable
from lagebild.connector import Retries

T = TypeVar("T")


def with_retries(policy: Retries, action: Callable[[], T]) -> T:
    """Result of `action`, repeated while it raises `Transient`.

    Raises the last `Transient`; `Unreachable` in its place where there was no connection at all.
    """
    backoff = wait_exponential_jitter(policy.first_wait_s, policy.max_wait_s, jitter=policy.first_wait_s)

    def wait(state: RetryCallState) -> float:
        asked = _asked_for(state)
        return backoff(state) if asked is None else max(asked, 0.0)

    def asked_for_too_much(state: RetryCallState) -> bool:
        # Asking earlier than the server wishes would be rude, waiting for hours would hold up the other sources.
        asked = _asked_for(state)
        return asked is not None and asked > policy.max_wait_s

    enough = stop_after_attempt(policy.attempts)
    retrying = Retrying(
        retry=retry_if_exception_type(Transient),
        stop=lambda state: enough(state) or asked_for_too_much(state),
        wait=wait,
        reraise=True,
    )
    try:
        return retrying(action)
    except Transient as error:
        if error.unreachable:
            raise Unreachable(str(error)) from error
        raise


def _asked_for(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.retry_after_s if isinstance(error, Transient) else None
