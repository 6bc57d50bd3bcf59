"""The process that others are forked from, once it has imported what they need: what `processes.py` starts.

It is run by its path, by an interpreter that need not know of Rowen, and has no threads: a fork takes only one along.
"""

import atexit
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

LONGEST = 1_000_000  # bytes of what is wanted


class Wanted(NamedTuple):
    """A process that somebody wants.

    Args:
        program: its text.
        folder: where it runs.
        words: what stands in its `sys.argv`.
        env: what it sees for its environment; that of the nursery where it is None.

    """

    program: str
    folder: str
    words: tuple[str, ...]
    env: Mapping[str, str] | None

    def packed(self) -> bytes:
        """Return one message: none of its parts can hold a zero byte."""
        env = () if self.env is None else ("env", *(f"{name}={value}" for name, value in self.env.items()))
        parts = (self.program, self.folder, str(len(self.words)), *self.words, *env)
        return b"\0".join(map(os.fsencode, parts))

    @classmethod
    def unpacked(cls, message: bytes) -> "Wanted":
        """Return what a message asks for."""
        program, folder, count, *rest = map(os.fsdecode, message.split(b"\0"))
        words, env = rest[: int(count)], rest[int(count) :]
        pairs = (pair.partition("=") for pair in env[1:])
        return cls(program, folder, tuple(words), {name: value for name, _, value in pairs} if env else None)


class End:
    """How a forked process ends.

    All that a program has to do in the end is done: its threads, what it registered, what it printed. Then it goes, and does
    not take apart what it has imported: it shares that with the nursery, and would copy all of it, to free it.
    """

    def __init__(self) -> None:
        self._code, self._interrupted = 0, False
        atexit.register(self._go)  # the first to be registered is the last to be done

    def of(self, error: BaseException | None) -> None:
        """Note with what a program came to its end."""
        self._interrupted = isinstance(error, KeyboardInterrupt)
        self._code = 0 if error is None else 1
        if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
            self._code = (error.code or 0) & 0xFF

    def _go(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        if self._interrupted:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(self._code)


class Forks:
    """Forks a process for each caller, passes signals on to it, and tells how it ended.

    Args:
        door: where callers come in. Each sends what it wants with the three ends that the process reads, prints and complains
            by, is told a process id, may send the numbers of signals, and is told the code in the end, that of a signal below
            zero. The process of one that leaves is killed.

    """

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._callers: dict[socket.socket, int] = {}
        self._ended, self._told = os.pipe()
        os.set_blocking(self._told, False)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one at a terminal is for those who are forked

    def born(self) -> Wanted:
        """Return what a forked process is to be, in that process.

        Raises:
            SystemExit: in the nursery, once its standard input has come to an end.

        """
        while True:
            heard: list[socket.socket | int] = [0, self._ended, self._door, *self._callers]
            for ready in select.select(heard, [], [])[0]:
                if ready == 0:
                    for pid in self._callers.values():
                        os.kill(pid, signal.SIGKILL)
                    self._bury(0)
                    raise SystemExit
                if isinstance(ready, int):
                    os.read(ready, 4096)
                    self._bury(os.WNOHANG)
                elif ready is not self._door:
                    self._pass_on(ready)
                elif (wanted := self._fork()) is not None:
                    return wanted

    def _fork(self) -> Wanted | None:
        """Return what is wanted in the process that is to be it, and nothing in this one."""
        caller = self._door.accept()[0]
        message, ends, *_ = socket.recv_fds(caller, LONGEST, 3)
        if not message:  # it left before it had asked
            caller.close()
            return None
        if pid := os.fork():
            self._callers[caller] = pid
            with suppress(BrokenPipeError):
                caller.send(str(pid).encode())
            for end in ends:
                os.close(end)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for other in (self._door, caller, *self._callers):
            other.close()
        for number, end in enumerate(ends):
            os.dup2(end, number)
        for end in (*ends, self._ended, self._told):
            os.close(end)
        return Wanted.unpacked(message)

    def _pass_on(self, caller: socket.socket) -> None:
        pid = self._callers.get(caller)
        if pid is None:  # its process was buried just now
            return
        try:
            numbers = caller.recv(64)
        except ConnectionResetError:
            numbers = b""
        for number in numbers or (signal.SIGKILL,):
            os.kill(pid, number)
        if not numbers:
            del self._callers[caller]
            caller.close()

    def _bury(self, options: int) -> None:
        with suppress(ChildProcessError):
            while (dead := os.waitpid(-1, options))[0]:
                for caller in [each for each, pid in self._callers.items() if pid == dead[0]]:
                    with suppress(BrokenPipeError, ConnectionResetError):
                        caller.send(str(os.waitstatus_to_exitcode(dead[1])).encode())
                    del self._callers[caller]
                    caller.close()


def main() -> None:
    """Import what is named, then fork; what was forked runs its program from here on."""
    end = End()
    door = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()
    for name in sys.argv[2:]:
        import_module(name)
    gc.freeze()  # to look for rubbish in what has been imported copies every page of it into every process
    wanted = Forks(door).born()
    gc.enable()
    os.chdir(wanted.folder)
    if wanted.env is not None:
        os.environ.clear()
        os.environ.update(wanted.env)
    through = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - until its end
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    sys.stdout.reconfigure(line_buffering=through or sys.stdout.isatty(), write_through=through)
    sys.argv[:] = wanted.words
    module = sys.modules["__main__"] = ModuleType("__main__")
    try:
        exec(compile(wanted.program, "<program>", "exec"), module.__dict__)  # noqa: S102 - what a test has written
    except BaseException as error:
        end.of(error)
        raise


if __name__ == "__main__":
    main()
