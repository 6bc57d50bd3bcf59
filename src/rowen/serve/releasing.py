"""What of the apps is let out: the desk of releases of one process."""

from rowen.release import Releases
from rowen.store.base import Store
from rowen.values import Clock


class Releasing:
    """Holds the desk that decides and remembers.

    Args:
        store: where what is live stands, with its log.
        clock: stamps the lines of the log.
        signing: the server's signing key.

    """

    def __init__(self, store: Store, clock: Clock, *, signing: bytes) -> None:
        self.desk = Releases(store.records, store.definitions, clock, signing=signing)
