"""The connection of this process: whether there is one, where it leads, and what may be sent."""

import atexit
import logging
import os
import platform
import socket
from collections.abc import Mapping
from importlib import import_module

from rowen.sdk.door import Door
from rowen.sdk.outbox import LAST, Outbox
from rowen.sdk.parcels import Writer

log = logging.getLogger("rowen.sdk")

LIMIT = 32_000
_NO = {"0", "false", "no", "off"}


class Link:
    """What the decorator looks at on every call: `on`. There is one for the process, for a decorator has no other place."""

    __slots__ = ("capture", "limit", "on", "outbox")

    def __init__(self) -> None:
        self.on = False
        self.capture = True
        self.limit = LIMIT
        self.outbox: Outbox | None = None

    def open(self, outbox: Outbox, *, capture: bool, limit: int) -> None:
        """Send to this outbox from now on."""
        before = self.outbox
        self.capture, self.limit, self.outbox, self.on = capture, limit, outbox, True
        if before is not None:
            before.close(LAST)

    def close(self, timeout: float = LAST) -> None:
        """Send what is there, for `timeout` seconds at most, and turn everything off."""
        outbox, self.outbox, self.on = self.outbox, None, False
        if outbox is not None:
            outbox.close(timeout)

    def renew(self) -> None:
        """Go on in a forked child."""
        if self.outbox is not None:
            self.outbox.renew()


LINK = Link()


def connect(
    url: str | None = None,
    *,
    key: str | None = None,
    app: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    capture: bool | None = None,
    limit: int = LIMIT,
) -> bool:
    """Send traces and scores to a Rowen from now on. Returns whether it is on; a mistake is logged, not raised.

    What is not given is taken from `ROWEN_URL`, `ROWEN_KEY`, `ROWEN_APP`, `ROWEN_ENVIRONMENT`, `ROWEN_RELEASE` and
    `ROWEN_CAPTURE`. Without an address everything is off.

    Args:
        url: such as `http://127.0.0.1:8484`.
        key: a key of Rowen, `rk-…`.
        app: what the traces are listed under.
        environment: `production`, `staging`, ….
        release: the version of your program.
        capture: False keeps arguments, results and the texts of exceptions out of everything that is sent.
        limit: characters that are kept of one input or output.

    """
    return opened(
        os.environ,
        {"URL": url, "KEY": key, "APP": app, "ENVIRONMENT": environment, "RELEASE": release},
        capture=capture,
        limit=limit,
    )


def opened(
    environment: Mapping[str, str], given: Mapping[str, str | None], *, capture: bool | None, limit: int
) -> bool:
    """Open the link with what was given, else with what the environment says. Returns whether it is on."""
    told = {name: environment.get(f"ROWEN_{name}", "") if value is None else value for name, value in given.items()}
    if not told["URL"]:
        LINK.close()
        return False
    try:
        door = Door(told["URL"], told["KEY"])
    except (ValueError, AttributeError, TypeError) as error:
        log.warning("rowen: tracing is off: %s", error)
        LINK.close()
        return False
    if capture is None:
        capture = environment.get("ROWEN_CAPTURE", "").lower() not in _NO
    about = {
        "service.name": told["APP"] or "app",
        "service.version": told["RELEASE"],
        "deployment.environment.name": told["ENVIRONMENT"],
    }
    LINK.open(Outbox(door, Writer(lambda: {**about, **process()})), capture=capture, limit=limit)
    return True


def disconnect(timeout: float = LAST) -> None:
    """Send what is there, for `timeout` seconds at most, and turn everything off."""
    LINK.close(timeout)


def flush(timeout: float = 5.0) -> bool:
    """Wait until all that has ended is sent or given up. Returns whether that was so within `timeout` seconds."""
    return LINK.outbox is None or LINK.outbox.flush(timeout)


def process() -> dict[str, str | int]:
    """Return what OpenTelemetry calls the resource: this process and what sends. Asked for in the background."""
    return {
        "telemetry.sdk.name": "rowen",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": _version(),
        "process.runtime.version": platform.python_version(),
        "process.pid": os.getpid(),
        "host.name": socket.gethostname(),
    }


def _version() -> str:
    metadata = import_module("importlib.metadata")  # late, in the background: it is half of what all else costs to load
    try:
        return str(metadata.version("rowen"))
    except metadata.PackageNotFoundError:  # copied, not installed
        return ""


opened(os.environ, dict.fromkeys(("URL", "KEY", "APP", "ENVIRONMENT", "RELEASE")), capture=None, limit=LIMIT)
atexit.register(LINK.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LINK.renew)
