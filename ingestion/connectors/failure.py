"""What can go wrong on the way to a file, in German words an operator understands.

Messages name the file, the server's host and what to do: no secret, no content, no query string of an address.
"""

from __future__ import annotations


class ConnectorFailure(Exception):
    """A file could not be fetched; the text is one German sentence or two."""


class Unreachable(ConnectorFailure):
    """Nothing further will be had from this server in this run: no connection, or it does not let us in."""


class TooLarge(ConnectorFailure):
    """More bytes than agreed: continuing later would not help."""


class Transient(ConnectorFailure):
    """May succeed when tried again; `retry_after_s` is what the server asked for."""

    def __init__(self, message: str, retry_after_s: float | None = None, unreachable: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.unreachable = unreachable
