"""A judgement on its way: its id is made here, so that a second try writes the same score."""

import os
import random
import time
from typing import Any

from rowen.sdk.capture import plain_of

_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)  # a child must not draw its parent's ids


class Judgement:
    """What `/api/scores` takes, and about how large it is."""

    __slots__ = ("size", "told")

    def __init__(self, **told: Any) -> None:
        self.told = {name: value for name, value in told.items() if value is not None and value != ""}
        self.told.setdefault("id", new_id())
        self.told["target"] = "span" if "span" in self.told else "trace" if "trace" in self.told else "session"
        for name in ("value", "reason", "confidence", "metadata"):
            if name in self.told:
                self.told[name] = plain_of(self.told[name], 16_000)
        self.size = 200 + sum(len(value) for value in self.told.values() if isinstance(value, str))


def new_id() -> str:
    """Return a UUID of version 7 (RFC 9562): milliseconds since 1970, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    bits = _random.getrandbits(74)
    number = milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
