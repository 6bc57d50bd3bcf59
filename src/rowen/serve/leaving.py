"""An orderly end behind a load balancer: first "not ready" for a while, and only then no more connections.

A balancer learns at its next look at `/readyz` that a server is about to go. Until then, and as long as `drain` lasts,
it is answered like before; who is turned away was never let down.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

LEAVE = getattr(signal, "SIGUSR1", None)
"""Tells a worker that the server is about to go. Windows has no such signal; its workers stop without being announced."""


class Alone(uvicorn.Server):
    """A server of one process. A second signal ends the wait.

    Args:
        config: uvicorn's.
        drain: seconds for which it is answered as before after SIGTERM.
        leave: says from now on that the process is not ready.

    """

    def __init__(self, config: uvicorn.Config, *, drain: float, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain, self._leave = drain, leave
        self._until = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal; it is followed at the next tick, ten times a second."""
        if sig == signal.SIGTERM and self._drain and not self._until and self.started:
            self._captured_signals.append(sig)
            self._until = time.monotonic() + self._drain
            self._leave()
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Return whether it is time to stop."""
        if self._until and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


class Several(Multiprocess):
    """The parent of several workers, which tells all of them that it is about to go."""

    drain = 0.0
    _due: threading.Timer | None = None

    def handle_term(self) -> None:
        """Announce the end; a second signal ends the wait."""
        if LEAVE is None or not self.drain or self._due is not None:
            super().handle_term()
            return
        for process in self.processes:
            if process.pid is not None and process.process.is_alive():
                os.kill(process.pid, LEAVE)
        self._due = threading.Timer(self.drain, self.should_exit.set)
        self._due.daemon = True
        self._due.start()


def announced(leave: Callable[[], None]) -> None:
    """In a worker: do this when the parent announces the end."""
    if LEAVE is not None:
        signal.signal(LEAVE, lambda _signal, _frame: leave())
