"""What is on its way: a bounded queue, and one thread in the background that empties it.

`put` is called from the program's own threads, from signal handlers and from the garbage collector; it takes a re-entrant
lock for a few instructions and never waits for the network. When Rowen does not answer, the oldest is dropped for the
newest, and counted.
"""

import collections
import http.client
import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from rowen.sdk.door import AGAIN, Door, Reply

log = logging.getLogger("rowen.sdk")

BATCH = 512
ROOM = 8192
ROOM_BYTES = 32 << 20
EVERY = 0.5
LAST = 2.0  # seconds that a process may take at its end to send what is left
_BATCH_BYTES = 2 << 20
_TRIES = 6
_LONGEST = 60.0  # seconds between two tries, and between two warnings


class Item(Protocol):
    """What can be sent."""

    size: int
    """About how many bytes it keeps."""


class Courier(Protocol):
    """Knows how to write items down: each path with its body and content type, and how many items it holds."""

    def parcels(self, items: Sequence[Item]) -> list["Parcel"]: ...

    def turned_down(self, parcel: "Parcel", reply: Reply) -> tuple[int, str]:
        """How many items of a parcel that was taken were turned down all the same, and why."""

    def forget(self) -> None:
        """Know that the process is another one."""


class Parcel:
    """One request to be made."""

    __slots__ = ("body", "items", "kind", "parts", "path")

    def __init__(
        self, path: str, body: bytes, kind: str, items: Sequence[Item], *, parts: AbstractSet[int] = frozenset({413})
    ) -> None:
        self.path, self.body, self.kind, self.items = path, body, kind, items
        self.parts = parts
        """The statuses after which its halves may be taken though the whole was not."""


class _Mark:
    """A place in the queue that somebody waits for."""

    size = 0

    def __init__(self) -> None:
        self.reached = threading.Event()


class _Bell:
    """Rings once, however often it was struck. Unlike an `Event` it may be struck by a signal handler at any place."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def strike(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:  # struck already
            return

    def wait(self, timeout: float = -1) -> bool:
        return self._lock.acquire(timeout=timeout)


class Outbox:
    """Takes items and sends them.

    Args:
        door: where to.
        courier: how items are written down.
        every: seconds after the first item at which a batch leaves, full or not.
        room: items that may wait.
        pause: how to wait between two tries; the default ends early when the outbox is closed.

    """

    def __init__(
        self,
        door: Door,
        courier: Courier,
        *,
        every: float = EVERY,
        room: int = ROOM,
        room_bytes: int = ROOM_BYTES,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._door, self._courier = door, courier
        self._every, self._room, self._room_bytes = every, room, room_bytes
        self._pause = pause
        self._warned = float("-inf")
        self.sent = 0
        self.lost = 0
        self._told = 0
        self.epoch = 0
        """Rises with each fork, so that a span that was open then is sent by the parent alone."""
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._queue: collections.deque[Item] = collections.deque()
        self._bytes = 0
        self._quiet = True
        self._there, self._enough = _Bell(), _Bell()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """Take an item, and drop the oldest when there is no room."""
        with self._lock:
            if self._stop.is_set():
                self._bytes += item.size
                self._drop(item)
                return
            queue = self._queue
            queue.append(item)
            self._bytes += item.size
            while len(queue) > self._room or (self._bytes > self._room_bytes and len(queue) > 1):
                self._drop(queue.popleft())
            first, self._quiet = self._quiet, False
            enough = len(queue) >= BATCH
            if self._thread is None:
                self._start()
        if first:
            self._there.strike()
        if enough:
            self._enough.strike()

    def flush(self, timeout: float) -> bool:
        """Wait until what was put is sent or given up. Returns whether that was so in time (seconds)."""
        if not self._queue and self._quiet:
            return True
        mark = _Mark()
        self.put(mark)
        self._enough.strike()
        return mark.reached.wait(timeout)

    def close(self, timeout: float) -> None:
        """Send what is there, for `timeout` seconds at most, and take no more."""
        thread = self._thread
        self._stop.set()
        self._there.strike()
        self._enough.strike()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
            if thread.is_alive():
                self._warn(f"{len(self._queue)} spans or scores were not sent before the end")

    def renew(self) -> None:
        """Start afresh in a forked child: what waits here is the parent's to send."""
        closed = self._stop.is_set()
        self._door.forget()
        self._courier.forget()
        self._begin()
        self.epoch += 1
        self.sent = self.lost = self._told = 0
        if closed:
            self._stop.set()

    def _drop(self, item: Item) -> None:
        self._bytes -= item.size
        if isinstance(item, _Mark):
            item.reached.set()
        else:
            self.lost += 1

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="rowen-sdk", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is on its way out
            self._stop.set()
            return
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            # Such processes end without `atexit`.
            sys.modules["multiprocessing.util"].Finalize(None, self.close, args=(LAST,), exitpriority=0)

    def _run(self) -> None:
        while True:
            self._there.wait()
            if not self._stop.is_set():
                self._enough.wait(self._every)
            self._empty()
            with self._lock:
                more = bool(self._queue)
                self._quiet = not more
                if not more:
                    self._bytes = 0
            if more:
                self._there.strike()
            elif self._stop.is_set():
                self._door.close()
                return

    def _empty(self) -> None:
        while items := self._taken():
            mark = items.pop() if isinstance(items[-1], _Mark) else None
            try:
                parcels = self._courier.parcels(items)
                self.lost += len(items) - sum(len(parcel.items) for parcel in parcels)
                for parcel in parcels:
                    self._deliver(parcel)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one batch holds
                self.lost += len(items)
                self._warn(f"a batch could not be written down ({type(error).__name__}: {error})")
            if isinstance(mark, _Mark):
                mark.reached.set()
            if self.lost > self._told:
                self._warn("Rowen took them too slowly or not at all")

    def _taken(self) -> list[Item]:
        """Take the next batch off the queue; a mark ends it."""
        found: list[Item] = []
        size = 0
        with self._lock:
            while self._queue and len(found) < BATCH and size < _BATCH_BYTES:
                item = self._queue.popleft()
                found.append(item)
                size += item.size
                if isinstance(item, _Mark):
                    break
            self._bytes -= size
        return found

    def _deliver(self, parcel: Parcel) -> None:
        """Post until it is taken, refused for good, or the tries are used up."""
        said = ""
        for number in range(_TRIES):
            wait = random.uniform(0.5, 1.0) * 2**number
            try:
                reply = self._door.post(parcel.path, parcel.body, parcel.kind)
            except (OSError, http.client.HTTPException) as error:
                said = f"{self._door.url} does not answer ({type(error).__name__}: {error})"
            else:
                if 200 <= reply.status < 300:
                    self._taken_in(parcel, reply)
                    return
                said = f"{self._door.url} answered {reply.status}: {reply.body[:200].decode(errors='replace')}"
                if reply.status in parcel.parts and len(parcel.items) > 1:
                    self._halve(parcel)
                    return
                if reply.status not in AGAIN:
                    break
                wait = wait if reply.wait is None else reply.wait
            if self._stop.is_set() or number + 1 == _TRIES:
                break
            self._warn(f"{said}; trying again")
            (self._pause or self._stop.wait)(min(wait, _LONGEST))
        self.lost += len(parcel.items)
        self._warn(said)

    def _halve(self, parcel: Parcel) -> None:
        middle = len(parcel.items) // 2
        for half in (parcel.items[:middle], parcel.items[middle:]):
            for each in self._courier.parcels(half):
                self._deliver(each)

    def _taken_in(self, parcel: Parcel, reply: Reply) -> None:
        refused, why = self._courier.turned_down(parcel, reply)
        self.sent += len(parcel.items) - refused
        self.lost += refused
        if refused:
            self._warn(f"{self._door.url} turned down {refused}: {why}")

    def _warn(self, why: str) -> None:
        """Say it, once a minute at most: a program's log is not ours to fill."""
        now = time.monotonic()
        if now - self._warned < _LONGEST:
            return
        self._warned = now
        lost, self._told = self.lost - self._told, self.lost
        log.warning("rowen: %s%s", f"{lost} spans or scores are lost: " if lost else "", why)
