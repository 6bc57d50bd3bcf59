"""Which index answers a version of an app: the one that it makes itself, or the live one in its place."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from rowen.store.knowledge import Build, Collection
from rowen.values import Manifest

_WHOLE = 0.9  # of the documents of the live index, for another to answer instead


class Picked(NamedTuple):
    """The index that answers."""

    build: Build
    borrowed: bool
    """Whether it is made in another way than the version says, and answers because its own is not whole."""


class Pin(NamedTuple):
    """A version that needs an index."""

    manifest: Manifest | None
    """How it makes it; None where that cannot be told here, so that any may be it."""
    why: str
    """Which version it is, and what it is needed for."""

    def holds(self, build: Build) -> bool:
        """Whether it is this index that it needs."""
        return self.manifest is None or alike(build.manifest, self.manifest)


Pins = Callable[[Collection], Awaitable[Sequence[Pin]]]
"""Gives what versions need of a collection."""


async def unpinned(_: Collection) -> Sequence[Pin]:
    """Return that no version needs anything."""
    return ()


def picked(builds: Sequence[Build], own: Manifest | None) -> Picked | None:
    """Return the index that answers a version; None where none is live yet.

    Args:
        builds: of its collection.
        own: how the version makes its index; None where the live one is always meant.

    """
    live = next((build for build in builds if build.state == "live"), None)
    if live is None or own is None or alike(live.manifest, own):
        return None if live is None else Picked(live, borrowed=False)
    # What changed while it was not kept up is missing until the next run; far too much missing is no index.
    whole = _WHOLE * live.documents
    made = (each for each in builds if alike(each.manifest, own) and each.state != "building")
    found = next((each for each in made if each.documents >= whole), None)
    return Picked(live, borrowed=True) if found is None else Picked(found, borrowed=False)


def alike(made: Manifest, own: Manifest) -> bool:
    """Whether an index was made in a way. One whose dimensions are not said is known by its embedder's fingerprint."""
    return made == own or (not own.dimensions and made.but(dimensions=0) == own)
