"""The keys of an instance: one for pseudonyms, one pair for the originals; generated once, in the protected zone.

Belongs here: where they lie and how they come to be. Whoever loses them loses the link between half-years (pseudonyms)
and the originals for good: they belong into the backup of the protected zone and nowhere else.
"""

from __future__ import annotations

import secrets as random_source
from pathlib import Path

from pyrage import x25519

from lagebild.instance import Instance
from lagebild.secrets import stored_secret


def keys_dir(instance: Instance) -> Path:
    """Folder of the keys, mode 0700."""
    folder = instance.paths.protected / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def pseudonym_key(instance: Instance) -> bytes:
    """256 random bits from which the keys of all scopes are derived."""
    return bytes.fromhex(
        stored_secret(keys_dir(instance), "pseudonym_key", lambda: random_source.token_hex(32))
    )


def original_identity(instance: Instance) -> x25519.Identity:
    """The age key pair; its public half encrypts originals, its private half opens them."""
    text = stored_secret(keys_dir(instance), "original_identity", lambda: str(x25519.Identity.generate()))
    return x25519.Identity.from_str(text)
