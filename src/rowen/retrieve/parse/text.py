"""Parser: plain text. Its title is its first line where that is short and stands alone."""

from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.decode import decoded

_TITLE = 120


def parse(data: bytes, _: str, __: Limits) -> Parsed:
    """Return a text as it is."""
    found = decoded(data)
    first, _, rest = found.text.lstrip().partition("\n")
    stands = len(first) <= _TITLE and (not rest or rest.startswith("\n") or set(rest.split("\n", 1)[0]) <= set("=-~*"))
    flags = ("recoded",) if found.encoding else ()
    return Parsed(text=found.text, kind="text", title=first.strip() if stands else "", flags=flags)
