"""Failed sign-ins are counted, for all processes of the server together: guessing passwords becomes slow.

Flask-Limiter counts requests per process and only those of the login page; the API has a login too. Here failures
count, whichever way they came: per account (a machine that guesses from many addresses) and per address (a machine
that tries many accounts). Names and addresses are kept as keyed hashes only.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Throttle:
    """`file`: where failures are counted; `key`: secret of the hashes."""

    file: Path
    key: str
    window_s: float = 900.0
    per_account: int = 10
    per_address: int = 50
    """Wider: everybody in the house may share one address."""

    def wait(self, account: str, address: str) -> int:
        """Seconds until the next try is taken; 0: now."""
        now = time.time()
        limits = ((f"account:{account.lower()}", self.per_account), (f"address:{address}", self.per_address))
        with closing(self._open()) as db:
            return max(self._wait(db, self.pseudonym(what), limit, now) for what, limit in limits)

    def failed(self, account: str, address: str) -> None:
        """Counts a failure."""
        now = time.time()
        with closing(self._open()) as db, db:
            db.execute("delete from failure where at < ?", [now - self.window_s])
            db.executemany(
                "insert into failure values (?, ?)",
                [
                    (self.pseudonym(f"account:{account.lower()}"), now),
                    (self.pseudonym(f"address:{address}"), now),
                ],
            )

    def succeeded(self, account: str) -> None:
        """The account's failures are forgiven; those of the address are not (one right guess among many)."""
        with closing(self._open()) as db, db:
            db.execute("delete from failure where who = ?", [self.pseudonym(f"account:{account.lower()}")])

    def pseudonym(self, what: str) -> str:
        """The same text always gives the same 16 characters; without the key nobody gets back."""
        return hmac.new(self.key.encode(), what.encode(), hashlib.sha256).hexdigest()[:16]

    def _wait(self, db: sqlite3.Connection, who: str, limit: int, now: float) -> int:
        # The failure that has to grow old before there is room again.
        row = db.execute(
            "select at from failure where who = ? and at >= ? order by at desc limit 1 offset ?",
            [who, now - self.window_s, limit - 1],
        ).fetchone()
        return 0 if row is None else max(1, round(row[0] + self.window_s - now))

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.file, timeout=10, isolation_level="IMMEDIATE")
        db.execute("create table if not exists failure (who text not null, at real not null)")
        db.execute("create index if not exists failure_who on failure (who, at)")
        self.file.chmod(0o600)
        return db
