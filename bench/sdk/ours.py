"""`rowen.trace`."""

from collections.abc import Callable
from typing import Any

import rowen
from rowen.sdk.link import LINK


def make(answer: Callable[..., str], url: str, *, content: bool) -> tuple[Any, Any]:
    rowen.connect(url, key="rk-bench", app="bench")

    def finish() -> int:
        assert rowen.flush(60)
        assert LINK.outbox is not None
        assert LINK.outbox.lost == 0
        return LINK.outbox.sent

    return rowen.trace(capture=content)(answer), finish
