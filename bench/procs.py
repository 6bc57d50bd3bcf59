"""Processes of a server: started in a group of their own, and read from `/proc`. Linux only."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


class Started:
    """A program with all that it starts."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], folder: Path, log: Path) -> None:
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.log = log
        self._seen: dict[tuple[int, str], float] = {}

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def pids(self) -> list[int]:
        """The process and its descendants."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))):
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        found, waiting = [], [self._process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting.extend(parents.get(pid, ()))
        return found

    def cpu(self) -> float:
        """Seconds of user and system time so far, of children that ended too."""
        # utime, stime, cutime, cstime: what a child used moves to its parent's when it has been waited for.
        return sum(sum(map(int, fields[11:15])) for pid in self.pids() if (fields := _stat(pid))) * TICK

    def spent(self) -> float:
        """The same of all processes ever seen here: some programs end children whose time no parent is told of."""
        for pid in self.pids():
            if fields := _stat(pid):
                self._seen[pid, fields[19]] = sum(map(int, fields[11:13])) * TICK
        return sum(self._seen.values())

    def memory(self) -> dict[str, float]:
        """Megabytes (10**6) of all processes: `rss`, and `pss`, which counts shared pages once."""
        total = {"rss": 0.0, "pss": 0.0}
        for pid in self.pids():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            for line in text.splitlines():
                name, _, rest = line.partition(":")
                if name.lower() in total:
                    total[name.lower()] += int(rest.split()[0]) * 1024 / 1e6
        return total

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        """End it, kindly first."""
        for how, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.killpg(self._process.pid, how)
                self._process.wait(patience)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
        # A supervisor that is gone may leave workers in the group.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _stat(pid: int) -> list[str] | None:
    """The fields of `/proc/PID/stat` from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
