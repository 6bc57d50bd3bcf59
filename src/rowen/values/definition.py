"""One app's whole content, as data under one hash."""

from typing import Any

from rowen.values.base import Value


class Definition(Value, frozen=True, kw_only=True):
    """An app as it was written: the tables of its `app.toml` and the text of every file it names.

    `hash` is the SHA-256 over both. Secrets are in it only as references, so it may be stored and shown.
    """

    app: str
    hash: str
    source: dict[str, Any]
    files: dict[str, str] = {}
    about: str = ""
    owner: str = ""
