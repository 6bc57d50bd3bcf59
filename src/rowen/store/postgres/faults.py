"""What PostgreSQL says went wrong, as a Problem that somebody can act on."""

from psycopg import DataError, Error, InterfaceError, OperationalError

from rowen.values import Broken, Mistaken, Problem, Unavailable

# Classes of SQLSTATE that say the server cannot serve us now, whatever is asked of it:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = ("08", "28", "3D", "53", "55", "57", "58")
_DENIED = {
    "42501": "the user may not do what Rowen needs",
    "25006": "it takes no writes now",
}
_TOO_LONG = "54000"  # of a row of an index, which takes about 2,700 bytes
_DAMAGED = ("XX001", "XX002")


def problem_of(error: Error, place: str) -> Problem:
    """Return the problem that an error is. Its sentence names the database and holds no record and no password."""
    code = error.sqlstate or ""
    if code in _DAMAGED:
        return Broken("store_corrupt", f"{place}: the database is damaged", place=place, who="store")
    if code in _DENIED:
        return Unavailable("store_unavailable", f"{place}: {_DENIED[code]}", place=place, who="store")
    if code.startswith(_AWAY):
        said = error.diag.message_primary or type(error).__name__
        return Unavailable("store_unavailable", f"{place}: {said}", place=place, who="store")
    if code == _TOO_LONG:
        return Mistaken("field_invalid", "an id or a name is longer than the store can look up")
    if not code and isinstance(error, OperationalError | InterfaceError):
        return Unavailable(
            "store_unavailable", f"{place} cannot be reached: {_reason(error)}", place=place, who="store"
        )
    if not code and isinstance(error, DataError):  # refused by the driver, before anything was sent
        return character()
    return Broken("broken", f"{place}: {type(error).__name__}", place=place, who="store")


def character() -> Mistaken:
    """Return the problem that a text is which no PostgreSQL text can hold."""
    return Mistaken(
        "field_invalid", "a text holds the character NUL or half of a surrogate pair, which the store cannot keep"
    )


def _reason(error: Error) -> str:
    """Return the last thing that was said, which names the cause; libpq says nothing secret."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    _, fatal, rest = (lines[0] if lines else type(error).__name__).rpartition("FATAL: ")
    return rest.strip() if fatal else (lines[-1] if lines else type(error).__name__)
