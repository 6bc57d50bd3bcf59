"""What is told of an exception: where it came from, and no more of its own words than may be kept."""

import traceback

TRACE_TEXT = 16_000
"""Characters of it at most."""


def frames(error: BaseException, *, whole: bool) -> str:
    """Return where an exception came from; without its own words where content is not to be kept."""
    if not whole:
        return "".join(traceback.format_tb(error.__traceback__, limit=-20))[:TRACE_TEXT]
    try:
        return "".join(traceback.format_exception(error, limit=-20))[-TRACE_TEXT:]
    except Exception:  # noqa: BLE001 - whatever a program's own exceptions raise must not hide them
        return ""
