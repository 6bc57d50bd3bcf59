"""Settings of the record: what of a call is kept."""

from typing import Literal

from rowen.values import Settings, Value


class TraceSettings(Settings, frozen=True, kw_only=True):
    """What of a call is kept in its trace."""

    content: Literal["full", "masked", "none"] = "full"
    """`full`: request and answer as they were. `masked`: with `mask` applied. `none`: neither, only figures."""
    mask: tuple[str, ...] = ()
    """Regular expressions (RE2) whose matches are replaced by `[masked]` before anything is stored."""
    preview: int = 200
    """Characters of question and answer shown in lists."""


class Place(Value, frozen=True, kw_only=True):
    """What every call of an app bears: where it runs, and by what name this version of it goes."""

    environment: str = ""
    release: str = ""


NOWHERE = Place()
