"""The way to Rowen: one kept connection of the standard library, one request at a time."""

import email.utils
import gzip
import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

AGAIN = frozenset({429, 502, 503, 504})
"""What OTLP says may be tried again: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes."""

_LOCAL = {"localhost", "127.0.0.1", "::1"}
_MOST = 65_536  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class Reply:
    """What Rowen said."""

    status: int
    body: bytes = b""
    wait: float | None = None
    """Seconds that it asks to wait before the next try."""


class Door:
    """Posts to one address. Raises `OSError` or `http.client.HTTPException` when nobody answers.

    Args:
        url: such as `https://rowen.example.org/team`; the path stays in front.
        key: sent as `Authorization: Bearer …`.
        timeout: seconds for connecting and for each read.

    Raises:
        ValueError: the address or the key is none.

    """

    def __init__(self, url: str, key: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address — write it as http://127.0.0.1:8484")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("the key holds a character that no key has — copy it again")
        self.url = url
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._secure, self._timeout = parts.scheme == "https", timeout
        self._zips = parts.hostname not in _LOCAL
        self._headers = {"User-Agent": "rowen-python"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes, kind: str) -> Reply:
        """Send a body of a content type and return the answer.

        A kept connection may have been closed by the other side in the meantime; then a fresh one is tried at once.
        """
        headers = {**self._headers, "Content-Type": kind}
        if self._zips and len(body) > 1024:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        kept = self._connection is not None
        try:
            return self._try(path, body, headers)
        except (ConnectionError, http.client.RemoteDisconnected, http.client.CannotSendRequest):
            self.close()
            if not kept:
                raise
        except BaseException:
            self.close()
            raise
        try:
            return self._try(path, body, headers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next post opens one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def forget(self) -> None:
        """Leave the connection to the process that this one was forked from."""
        self._connection = None

    def _try(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if self._connection is None:
            make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = make(self._host, self._port, timeout=self._timeout)
        self._connection.request("POST", self._path + path, body, headers)
        answer = self._connection.getresponse()
        found = answer.read(_MOST)
        if not answer.isclosed():  # longer than anything that Rowen says
            self.close()
        return Reply(answer.status, found, _seconds(answer.headers.get("Retry-After")))


def _seconds(asked: str | None) -> float | None:
    """Return the seconds of a `Retry-After`, given as such or as a date."""
    if asked is None:
        return None
    if asked.strip().isdigit():
        return float(asked)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
