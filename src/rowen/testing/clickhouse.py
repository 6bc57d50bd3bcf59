"""A ClickHouse for tests: its own engine, `chdb-core`, behind as much of its HTTP interface as Rowen uses.

It runs in a process of its own, over a temporary folder, on a free port. It speaks what
https://clickhouse.com/docs/interfaces/http says of a query in the address or the body, settings and the database in the
address, user and key in headers, bodies compressed with Zstandard, and errors by status with
`X-ClickHouse-Exception-Code`. One query runs at a time, and nothing of a cluster is there.
"""

import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import zstandard

from rowen.testing.folder import server_folder

USER, PASSWORD = "rowen", "for tests only"

_CODE = re.compile(r"Code: (\d+)\. DB::Exception")
_ALWAYS = {"max_threads": "1"}
"""A handful of rows is read sooner than threads for it are started."""
_NOT_SETTINGS = {"query", "database", "wait_end_of_query", "enable_http_compression"}
_STATUS = {
    516: 401, 497: 403, 60: 404, 81: 404, 47: 404, 62: 400, 241: 500, 159: 408,
}  # fmt: skip
"""https://github.com/ClickHouse/ClickHouse/blob/master/src/Server/HTTP/exceptionCodeToHTTPStatus.cpp"""


class ClickhouseServer:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def made(cls) -> "ClickhouseServer":
        """Make an empty server and start it."""
        server = cls(server_folder("rowen-clickhouse-"))
        server.start()
        return server

    @property
    def address(self) -> str:
        """The address of the server, without a database."""
        return f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        program = [sys.executable, "-m", __name__, str(self.folder / "data"), str(self.port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """Kill the server."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Engine:
    """The engine, for one query at a time."""

    def __init__(self, folder: str) -> None:
        self._connection: Any = import_module("chdb.state.sqlitelike").Connection(folder)
        self._lock = threading.Lock()
        self._set: dict[str, str] = {}
        self._database = ""

    def run(self, query: str, database: str, settings: dict[str, str]) -> bytes:
        """Return what a query gives, in the format that it names.

        Raises:
            RuntimeError: with what the engine said.

        """
        with self._lock:
            changed = {name: value for name, value in settings.items() if self._set.get(name) != value}
            if changed:
                said = ", ".join(f"{name} = {_quoted(value)}" for name, value in changed.items())
                self._connection.query(f"SET {said}")
                self._set |= changed
            if database not in ("", self._database):
                self._connection.query(f"USE `{database}`")
                self._database = database
            found = self._connection.query(query, "TabSeparated").bytes()
            return bytes(found) if found else b""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    engine: Engine

    def do_POST(self) -> None:
        """Answer a query."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        said = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if (self.headers.get("x-clickhouse-user"), self.headers.get("x-clickhouse-key")) != (USER, PASSWORD):
            self._answer(401, b"Code: 516. DB::Exception: rowen: Authentication failed.", 516)
            return
        query = (said.get("query", "") + "\n" + body.decode()).strip()
        settings = _ALWAYS | {name: value for name, value in said.items() if name not in _NOT_SETTINGS}
        try:
            found = self.engine.run(query, said.get("database", ""), settings)
        except RuntimeError as error:
            code = int(match[1]) if (match := _CODE.search(str(error))) else 1000
            self._answer(_STATUS.get(code, 500), str(error).encode(), code)
        else:
            self._answer(200, found)

    def _answer(self, status: int, body: bytes, code: int = 0) -> None:
        packed = self.headers.get("accept-encoding") == "zstd" and len(body) > 1000
        if packed:
            body = zstandard.ZstdCompressor().compress(body)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if packed:
            self.send_header("content-encoding", "zstd")
        if code:
            self.send_header("x-clickhouse-exception-code", str(code))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve a folder until standard input ends."""
    folder, port = sys.argv[1:]
    Handler.engine = Engine(folder)
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201 - read by who started it
    sys.stdin.read()


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    main()
