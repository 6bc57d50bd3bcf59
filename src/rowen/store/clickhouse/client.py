"""Talking with a ClickHouse server over HTTP, in threads, so that the event loop never waits for the network.

ClickHouse's HTTP interface: https://clickhouse.com/docs/interfaces/http
"""

import asyncio
import re
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec
import zstandard

from rowen.store.clickhouse.faults import character, problem_of, unreachable
from rowen.store.clickhouse.literal import filled
from rowen.values import Broken, Unavailable, Value

T = TypeVar("T")

_CODE = re.compile(rb"Code: (\d+)")
_PACKED_FROM = 1_000  # bytes of a body that is worth compressing
_lines = msgspec.json.Encoder(decimal_format="string").encode_lines

_SETTINGS = {
    "final": "1",  # of rows with one key only the last counts
    "wait_end_of_query": "1",  # an error is told by the status, not in the middle of an answer
    "async_insert": "0",  # what was written can be read when the answer comes
    "insert_deduplicate": "0",  # the same line may have to be written twice
    "mutations_sync": "1",
    "lightweight_deletes_sync": "2",
    "max_partitions_per_insert_block": "0",
    "max_query_size": "33554432",
    "max_ast_elements": "2000000",
    "max_expanded_ast_elements": "2000000",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_decimals": "1",
    "enable_http_compression": "1",
}


class Target(Value, frozen=True, kw_only=True):
    """Where a server is, and as whom it is used."""

    host: str
    port: int
    user: str = "default"
    password: str = ""
    database: str = "rowen"
    tls: bool = False
    ca: str = ""
    """A file with the certificates (PEM) to trust, in place of the machine's."""
    connect_timeout: int = 5
    """Seconds."""
    timeout: int = 60
    """Seconds that an answer may take; the server gives up then, too."""

    @property
    def place(self) -> str:
        """What it is called in sentences."""
        return f"ClickHouse at {self.host}:{self.port}/{self.database}"


class _Answer(NamedTuple):
    """Status, ClickHouse's code of an error, and body."""

    status: int
    code: int
    said: bytes


class Server:
    """One server, through a connection of this thread's own that is kept open."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._own = threading.local()
        self._connections: set[HTTPConnection] = set()
        self._headers = {"x-clickhouse-user": target.user, "x-clickhouse-key": target.password}
        self._settings = {**_SETTINGS, "max_execution_time": str(target.timeout)}
        self._tls = ssl.create_default_context(cafile=target.ca or None) if target.tls else None

    def rows(self, query: str, values: Sequence[Any], type: type[T]) -> list[T]:
        """Return what a query gives, each row as a value of a type, by the names of its columns."""
        return msgspec.json.Decoder(type).decode_lines(self.said(query, values))

    def said(self, query: str, values: Sequence[Any]) -> bytes:
        """Return what a query gives, each row as a JSON object in a line."""
        return self._post({}, f"{filled(query, values)} FORMAT JSONEachRow")

    def lists(self, query: str, values: Sequence[Any] = ()) -> list[list[Any]]:
        """Return what a query gives, each row as a list. Money comes as text."""
        said = self._post({}, f"{filled(query, values)} FORMAT JSONCompactEachRow")
        return msgspec.json.Decoder(list[Any]).decode_lines(said)

    def run(self, query: str, values: Sequence[Any] = (), *, nowhere: bool = False) -> None:
        """Run a statement that gives nothing; `nowhere` runs it before there is a database."""
        self._post({"database": ""} if nowhere else {}, filled(query, values))

    def version(self) -> tuple[int, int]:
        """Return the server's version, as year and release."""
        said = self._asked("/", b"SELECT version() FORMAT TabSeparated").decode()  # an old one knows not all settings
        year, _, rest = said.strip().partition(".")
        release = rest.partition(".")[0]
        if not year.isdecimal() or not release.isdecimal():
            raise problem_of(0, "", self._target.place)
        return int(year), int(release)

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows in one block."""
        body = _lines(rows)
        if body:
            names = ", ".join(f"`{name}`" for name in columns)
            self._post({"query": f"INSERT INTO {table} ({names}) FORMAT JSONCompactEachRow"}, body)

    def close(self) -> None:
        """Close all connections, of which none may be in use."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def _post(self, more: dict[str, str], body: str | bytes) -> bytes:
        body = body.encode() if isinstance(body, str) else body
        packed = {"accept-encoding": "zstd"}
        if len(body) > _PACKED_FROM:
            body, packed["content-encoding"] = zstandard.ZstdCompressor(1).compress(body), "zstd"
        return self._asked(
            "/?" + urlencode({"database": self._target.database, **self._settings, **more}), body, packed
        )

    def _asked(self, path: str, body: bytes, more: dict[str, str] | None = None) -> bytes:
        answer = self._told(path, body, {**self._headers, **(more or {})})
        if answer.status == 200:
            return answer.said
        raise problem_of(answer.code, answer.said[:2000].decode(errors="replace"), self._target.place)

    def _told(self, path: str, body: bytes, headers: dict[str, str]) -> _Answer:
        """Return what was answered. What a server closed while nobody used it is opened again.

        Every statement of Rowen's may be run again, so one that was cut off before an answer is.
        """
        kept: HTTPConnection | None = getattr(self._own, "connection", None)
        if kept is not None:
            try:
                return self._answer(kept, path, body, headers)
            except (OSError, HTTPException) as error:
                self._drop(kept)
                if isinstance(error, TimeoutError):
                    raise unreachable(error, self._target.place) from error
        fresh = self._connected()
        try:
            found = self._answer(fresh, path, body, headers)
        except (OSError, HTTPException) as error:
            self._drop(fresh)
            raise unreachable(error, self._target.place) from error
        self._own.connection = fresh
        self._connections.add(fresh)
        return found

    def _answer(self, connection: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> _Answer:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.headers.get("content-encoding") == "zstd":
            said = zstandard.ZstdDecompressor().decompressobj().decompress(said)
        named = _CODE.match(said)
        code = answer.headers.get("x-clickhouse-exception-code") or (named[1].decode() if named else "")
        return _Answer(answer.status, int(code) if code.isdecimal() else 0, said)

    def _connected(self) -> HTTPConnection:
        target = self._target
        timeout = target.connect_timeout
        connection = (
            HTTPConnection(target.host, target.port, timeout=timeout)
            if self._tls is None
            else HTTPSConnection(target.host, target.port, timeout=timeout, context=self._tls)
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise unreachable(error, target.place) from error
        connection.sock.settimeout(target.timeout + 5)
        return connection

    def _drop(self, connection: HTTPConnection) -> None:
        connection.close()
        self._connections.discard(connection)
        self._own.connection = None


class Client:
    """A server used in threads: one of them writes, so that one change is done before the next begins.

    A caller that is cancelled stops waiting; what it handed in is done all the same, whole.
    """

    def __init__(self, target: Target, *, connections: int) -> None:
        self.place = target.place
        self._server = Server(target)
        self._readers = ThreadPoolExecutor(connections, thread_name_prefix="rowen-clickhouse")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="rowen-clickhouse-writer")
        self._open = True

    async def look(self, work: Callable[[Server], T]) -> T:
        """Return what a piece of reading gives."""
        return await self._run(self._readers, work)

    async def change(self, work: Callable[[Server], T]) -> T:
        """Return what a piece of writing gives, of which there is one at a time."""
        return await self._run(self._writer, work)

    async def check(self) -> str:
        """Return `ok` when the tables can be read, else a sentence."""
        try:
            await self.look(lambda server: server.lists("SELECT max(count) FROM shape"))
        except (Unavailable, Broken) as problem:
            return problem.message
        return "ok"

    async def close(self) -> None:
        """Finish what was handed in. Closing again changes nothing."""
        if self._open:
            self._open = False
            await asyncio.to_thread(self._writer.shutdown)
            await asyncio.to_thread(self._readers.shutdown)
            self._server.close()

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[Server], T]) -> T:
        if not self._open:
            raise Unavailable("store_unavailable", "the store is closed", who="store")
        return await asyncio.shield(asyncio.wrap_future(threads.submit(self._guarded, work)))

    def _guarded(self, work: Callable[[Server], T]) -> T:
        try:
            return work(self._server)
        except UnicodeEncodeError as error:
            raise character() from error
