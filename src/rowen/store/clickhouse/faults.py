"""What a ClickHouse server says went wrong, as a Problem that somebody can act on."""

import re

from rowen.values import Broken, Mistaken, Problem, Unavailable

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
_DENIED = {
    192: "it knows no such user",
    193: "the password is wrong",
    516: "the user or the password is wrong",
    497: "the user may not do what Rowen needs",
    164: "the user may only read",
}
_AWAY = {159, 160, 202, 203, 209, 210, 225, 241, 242, 243, 252, 319, 439, 999}
"""Too slow, too many at once, no memory, no room on the disk, no keeper, too many parts."""
_DAMAGED = {40, 79, 271}
"""A checksum that is wrong, a file that is, what cannot be decompressed."""
_SAID = re.compile(r"DB::Exception: ([^:.\n]{1,120})")


def problem_of(code: int, said: str, place: str) -> Problem:
    """Return the problem that an error code is. Its sentence names the place and holds no record and no password.

    Args:
        code: of ClickHouse; 0 where there was none.
        said: all that the server said, of which no more than a few words before the first colon or point are passed on.
        place: what the database is called in sentences.

    """
    if code in _DENIED:
        return Unavailable("store_unavailable", f"{place}: {_DENIED[code]}", place=place, who="store")
    if code in _AWAY:
        return Unavailable("store_unavailable", f"{place}: {_words(said)}", place=place, who="store")
    if code in _DAMAGED:
        return Broken("store_corrupt", f"{place}: the database is damaged", place=place, who="store")
    if code:
        return Broken("broken", f"{place}: error {code} of ClickHouse", place=place, who="store")
    return Unavailable("store_unavailable", f"{place} does not answer as ClickHouse does", place=place, who="store")


def unreachable(error: Exception, place: str) -> Unavailable:
    """Return the problem that a connection could not be made, or was cut."""
    reason = getattr(error, "strerror", None) or type(error).__name__
    return Unavailable("store_unavailable", f"{place} cannot be reached: {reason}", place=place, who="store")


def character() -> Mistaken:
    """Return the problem that a text is which is none."""
    return Mistaken("field_invalid", "a text holds half of a surrogate pair, which the store cannot keep")


def _words(said: str) -> str:
    found = _SAID.search(said)
    return found[1].strip() if found else "it cannot serve now"
