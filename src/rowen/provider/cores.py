"""How many cores the models of this process may compute on: in a container these are fewer than the machine has.

Threads wait for each other after each operation, some hundred times a token. More of them than there are cores to run on make that
slow for all.
"""

import os
from collections.abc import Mapping
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def cores(groups: Path = _GROUPS, variables: Mapping[str, str] = os.environ) -> int:
    """Return the number of cores to compute on, at least 1: those of `limit`, or else those the system lets this process run on."""
    return limit(groups, variables) or _run_on()


def limit(groups: Path = _GROUPS, variables: Mapping[str, str] = os.environ) -> int:
    """Return the number that `OMP_NUM_THREADS` says, or else the whole cores that a control group grants; 0 when neither does.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    https://docs.kernel.org/scheduler/sched-bwc.html
    """
    told = variables.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if told.isdecimal() and int(told) > 0:
        return int(told)
    granted = _second(groups) or _first(groups)
    return min(max(int(granted), 1), _run_on()) if granted else 0


def _run_on() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _second(groups: Path) -> float:
    """Return the cores granted by version 2: `150000 100000` are one and a half, `max 100000` as many as there are."""
    words = _text(groups / "cpu.max").split()
    return _share(*words) if len(words) == 2 else 0.0


def _first(groups: Path) -> float:
    """Return the cores granted by version 1; its quota is -1 when there is none."""
    return _share(_text(groups / "cpu/cpu.cfs_quota_us"), _text(groups / "cpu/cpu.cfs_period_us"))


def _share(quota: str, period: str) -> float:
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else 0.0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):  # another system, or one that tells nothing
        return ""
