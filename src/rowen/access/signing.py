"""The key that signs sessions: 256 random bits in a file that only its owner may read."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from rowen.values import Broken, Mistaken

_BYTES = 32


def signing_key(folder: Path, entropy: Callable[[int], bytes] = os.urandom) -> bytes:
    """Return the key kept in `folder/session.key`, made if it was not there. Every worker gets the same one.

    Raises:
        Mistaken: `config_secret` when others than the owner may read the file.
        Broken: `store_corrupt` when the file does not hold a key.

    """
    path = folder / "session.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _lay_down(path, entropy(_BYTES))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Mistaken("config_secret", "others may read the file: set its mode to 600", place=path.name)
    key = path.read_bytes()
    if len(key) != _BYTES:
        raise Broken(
            "store_corrupt", "the file does not hold a signing key; remove it to have a new one", place=path.name
        )
    return key


def _lay_down(path: Path, key: bytes) -> None:
    """Write the whole key beside its place and then link it there: of two workers one wins, and none reads half."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
