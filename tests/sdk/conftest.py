"""A server on loopback that reads OTLP with the generated messages, and can be told to be difficult."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import rowen


def plain(value: Any) -> Any:
    """Return what an `AnyValue` holds."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [plain(item) for item in value.array_value.values]
        case kind:
            return getattr(value, kind)


def named(attributes: Any) -> dict[str, Any]:
    return {each.key: plain(each.value) for each in attributes}


class Sink:
    """What came, and what to answer: `answers` are used up first, each `(status, headers, body)`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.connections = 0
        self.came = threading.Condition()
        self.open = threading.Event()
        """Cleared, no request is answered."""
        self.open.set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                sink.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink.came:
                    sink.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                    status, headers, said = sink.answers.pop(0) if sink.answers else (200, {}, b"")
                    sink.came.notify_all()
                sink.open.wait(30)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                return  # a client that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def bodies(self, path: str) -> list[bytes]:
        return [
            gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            for where, headers, body in self.requests
            if where == path
        ]

    def spans(self) -> list[Any]:
        """Return the spans that came, in the order of their coming."""
        found = []
        for body in self.bodies("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += [
                        SimpleNamespace(
                            name=span.name,
                            trace=span.trace_id.hex(),
                            id=span.span_id.hex(),
                            parent=span.parent_span_id.hex(),
                            attributes=named(span.attributes),
                            events=[(event.name, named(event.attributes)) for event in span.events],
                            status=span.status.code,
                            message=span.status.message,
                            started=span.start_time_unix_nano,
                            ended=span.end_time_unix_nano,
                            flags=span.flags,
                            state=span.trace_state,
                            kind=span.kind,
                            lost=span.dropped_attributes_count,
                            resource=named(resource.resource.attributes),
                            scope=scope.scope.name,
                        )
                        for span in scope.spans
                    ]
        return found

    def span(self, name: str) -> Any:
        """Return the one span of a name."""
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def scores(self) -> list[dict[str, Any]]:
        return [score for body in self.bodies("/api/scores") for score in json.loads(body)]

    def wait(self, requests: int) -> None:
        """Wait until so many requests came."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.requests) >= requests, 30)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    yield found
    found.close()


@pytest.fixture
def linked(sink: Sink) -> Iterator[Sink]:
    """The sink, with this process connected to it."""
    rowen.connect(sink.url, key="rk-test", app="shop", environment="test", release="1.4.2")
    yield sink
    sink.open.set()
    rowen.disconnect()
