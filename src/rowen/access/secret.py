"""The secret of a key: how it is made, what is kept of it, and what may be shown of it."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

from rowen.values import Secret

PREFIX = "rk-"
SHOWN = 7
"""Characters that stay readable: the prefix and 24 of the 256 random bits."""


def new_secret(entropy: Callable[[int], bytes] = os.urandom) -> Secret:
    """Return a new secret: `rk-` and 43 url-safe characters that hold 256 random bits."""
    return Secret(PREFIX + urlsafe_b64encode(entropy(32)).decode().rstrip("="))


def digest_of(presented: str) -> str:
    """Return all that is kept of a secret: its SHA-256 in hex, or the empty string when nothing was presented."""
    return sha256(presented.encode("utf-8", "backslashreplace")).hexdigest() if presented else ""


def shown_of(secret: Secret) -> str:
    """Return the first characters, by which a person recognises a key."""
    return secret.reveal()[:SHOWN]
