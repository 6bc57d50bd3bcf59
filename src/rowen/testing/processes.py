"""Processes for tests that are there at once: forked from one that has already imported what they need.

To start Python and import a store takes half a second, a fork some milliseconds. What is forked is a process like any
other: it can be killed, and shares nothing with the test but its pipes.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import IO

from rowen.testing import forked
from rowen.testing.forked import Wanted

MODULES = (
    "rowen.jobs",
    "rowen.store.sqlite.store",
    "rowen.store.postgres.store",
    "rowen.store.archive.archive",
    "rowen.store.catalog",
    "rowen.testing.clock",
    "rowen.testing.contracts.documents",
    "rowen.testing.contracts.made",
    "rowen.testing.contracts.spans",
)

_NUMBER = 20  # bytes of what the nursery tells, at most


class Process:
    """A process that runs a program; what there is of it is as `subprocess.Popen` has it."""

    def __init__(self, stdin: int, stdout: int, nursery: socket.socket) -> None:
        self.stdin: IO[str] = os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(stdout, encoding="utf-8")
        self.returncode: int | None = None
        self._nursery = nursery
        self.pid = int(nursery.recv(_NUMBER))

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        try:
            return self.wait(0)
        except TimeoutError:
            return None

    def wait(self, timeout: float = 60) -> int:
        """Wait for its end and return its code, that of a signal below zero.

        Raises:
            TimeoutError: when it runs on.

        """
        if self.returncode is None:
            if not select.select([self._nursery], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} runs on")
            self.returncode = int(self._nursery.recv(_NUMBER))
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(BrokenPipeError):  # it has just ended
                self._nursery.send(bytes([number]))

    def kill(self) -> None:
        """Kill it, if it runs."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 60) -> str:
        """End what it reads, wait for its end, and return what it has printed since it was last read.

        Raises:
            TimeoutError: when it ran on, and was killed.

        """
        self.stdin.close()
        overdue = Timer(timeout, self.kill)
        overdue.start()
        said = self.stdout.read()
        late = overdue.finished.is_set()
        overdue.cancel()
        self.wait(timeout)
        if late:
            raise TimeoutError(f"process {self.pid} ran on, and said: {said}")
        return said

    def end(self) -> None:
        """Kill it, if it runs, and close all that joins it with the test."""
        self.kill()
        self.wait()
        with suppress(BrokenPipeError):  # what it did not read is no matter
            self.stdin.close()
        self.stdout.close()
        self._nursery.close()


class Nursery:
    """Starts processes.

    Args:
        modules: what has been imported in them.
        python: the interpreter, which need not know of Rowen.
        env: the environment in which it is imported; that of this process unless it is given.

    """

    def __init__(
        self,
        modules: Sequence[str] = MODULES,
        *,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = TemporaryDirectory()
        self.door = Path(self._folder.name) / "door"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as theirs:
            theirs.bind(str(self.door))
            theirs.listen()
            # `-P`: what stands beside that file is not to be taken for somebody's package.
            command = [python, "-P", forked.__file__, str(theirs.fileno()), *modules]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()], env=env
            )

    def start(
        self,
        program: str,
        *args: object,
        errors: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Process:
        """Run the text of a program with arguments.

        Args:
            program: its text.
            args: as they stand in `sys.argv` from the second on.
            errors: a file that its standard error is written to; that of this process unless it is given.
            env: the environment; that of the nursery unless it is given.
            cwd: the folder; that of this process unless it is given.

        """
        wanted = Wanted(program, str((cwd or Path()).absolute()), ("-c", *map(str, args)), env)
        their_in, stdin = os.pipe()
        stdout, their_out = os.pipe()
        their_errors = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if errors else os.dup(2)
        theirs = [their_in, their_out, their_errors]
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            caller.connect(str(self.door))
            socket.send_fds(caller, [wanted.packed()], theirs)
        finally:
            for each in theirs:
                os.close(each)
        return Process(stdin, stdout, caller)

    def run(
        self, program: str, *args: object, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the text of a program with arguments to its end; return its code and what it said, as `subprocess.run` does.

        Args:
            program: sees an environment, a folder and a standard error of its own.
            args: as they stand in `sys.argv` from the second on.
            env: the environment; that of the nursery unless it is given.
            cwd: the folder; likewise.

        """
        with TemporaryDirectory() as folder:
            errors = Path(folder) / "errors"
            process = self.start(program, *args, errors=errors, env=env, cwd=cwd)
            try:
                said = process.communicate()
            finally:
                process.end()
            return subprocess.CompletedProcess(
                [str(each) for each in args], process.wait(), said, errors.read_text(encoding="utf-8")
            )

    def close(self) -> None:
        """Start no more, and kill what runs."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()
