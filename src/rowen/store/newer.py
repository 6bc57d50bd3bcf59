"""What is said of a store that a newer Rowen has brought up to date: this one leaves it alone."""

from rowen import __version__
from rowen.values import Unavailable


def newer(place: str) -> Unavailable:
    """Return the problem, for whoever opens the store to raise.

    Args:
        place: the file or database, as people know it.

    """
    message = f"{place} was written by a newer Rowen than this one, which is {__version__}"
    return Unavailable("store_newer", message, place=place, who="store")
