import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from rowen.store.base import TraceFilter
from rowen.store.catalog import open_store
from rowen.store.clickhouse.rows import SPAN_COLUMNS, TRACE_COLUMNS
from rowen.testing.clickhouse import PASSWORD, ClickhouseServer
from rowen.testing.contracts.made import a_trace
from rowen.values import Mistaken, Problem, SpanRow, SystemClock, TraceRow, Unavailable


async def opened(address: str):
    return await open_store("memory:", clock=SystemClock(), traces=address)


@contextmanager
def answering(body: bytes, context: ssl.SSLContext | None = None, *, status: int = 200):
    """A server that says one thing whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("clickhous://host", "did you mean `clickhouse:`"),
        ("sqlite:.rowen", "no store of traces of the kind 'sqlite'"),
        ("clickhouse", "looks like `clickhouse://USER@HOST/DATABASE`"),
        ("clickhouse:", "write `clickhouse://"),
        ("clickhouse://rowen:secret@host:port/db", "write `clickhouse://"),
        ("clickhouse://rowen:secret@host/a;b", "write `clickhouse://"),
        ("clickhouse://host?timeout=soon", "timeout"),
        ("clickhouse://host?tiemout=5", "tiemout"),
    ],
)
async def test_an_address_that_is_wrong_is_a_clear_mistake(url, said):
    with pytest.raises(Mistaken) as caught:
        await opened(url)

    assert caught.value.code == "config_invalid"
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_wrong_password_is_told_without_it(clickhouse: ClickhouseServer):
    with pytest.raises(Unavailable, match="the user or the password is wrong") as caught:
        await opened(f"clickhouse://rowen:open-sesame@127.0.0.1:{clickhouse.port}/db")

    assert caught.value.code == "store_unavailable"
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"Code: 193, e.displayText() = DB::Exception: Wrong password for user rowen", "the password is wrong"),
        (
            b"Code: 241. DB::Exception: (total) memory limit exceeded: would use 9 GiB",
            ": (total) memory limit exceeded",
        ),
        (b"Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space", ": Cannot reserve 1"),
        (b"Code: 40. DB::Exception: Checksum doesn't match", "is damaged"),
        (b"Code: 62. DB::Exception: Syntax error: 'a secret'", ": error 62 of ClickHouse"),
        (b"Code: 159.", "it cannot serve now"),
        (b"Bad Gateway", "does not answer as ClickHouse does"),
    ],
)
async def test_what_went_wrong_is_told_by_its_code_without_what_was_asked(said, told):
    with answering(said, status=500) as port, pytest.raises(Problem) as caught:
        await opened(f"clickhouse://127.0.0.1:{port}")

    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_the_password_may_be_in_a_variable(clickhouse: ClickhouseServer, traces_address, monkeypatch):
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", PASSWORD)

    store = await opened(f"clickhouse://rowen@127.0.0.1:{clickhouse.port}/{traces_address.rpartition('/')[2]}")

    assert await store.traces.find(TraceFilter()) == []
    await store.close()


async def test_nobody_listening_is_told():
    with pytest.raises(Unavailable, match="cannot be reached: Connection refused"):
        await opened("clickhouse://127.0.0.1:1/db")


async def test_what_is_no_clickhouse_or_too_old_a_one_is_told(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    with (
        answering(b"<h1>It works!</h1>") as port,
        pytest.raises(Unavailable, match="does not answer as ClickHouse does"),
    ):
        await opened(f"clickhouse://127.0.0.1:{port}")
    with (
        answering(b"24.8.1.2684\n", context) as port,
        pytest.raises(Unavailable, match=r"is version 24\.8; Rowen needs"),
    ):
        await opened(f"clickhouse://127.0.0.1:{port}?tls=true&ca={tmp_path}/ca.pem")
    with answering(b"26.9.1.1\n", context) as port, pytest.raises(Unavailable, match="cannot be reached"):
        await opened(f"clickhouse://127.0.0.1:{port}?tls=true")


async def test_a_server_that_comes_back_is_used_again_and_has_kept_everything():
    server = ClickhouseServer.made()
    store = await opened(f"{server.address}/traces")
    await store.traces.write([a_trace(1)])
    well = await store.check()

    server.stop()

    ill = await store.check()
    with pytest.raises(Unavailable):
        await store.traces.observe([]) or await store.traces.write([a_trace(2)])
    server.start()
    await store.traces.write([a_trace(3)])
    assert [row.id for row in await store.traces.find(TraceFilter())] == [a_trace(3).row.id, a_trace(1).row.id]
    assert set(well.values()) == {"ok"}
    assert f"traces (ClickHouse at 127.0.0.1:{server.port}/traces)" in well
    assert "all records (memory)" in well
    assert [said for said in ill.values() if said != "ok"] == [
        f"ClickHouse at 127.0.0.1:{server.port}/traces cannot be reached: Connection refused"
    ]
    await store.close()
    server.remove()


async def test_a_closed_store_says_so(traces_address):
    store = await opened(traces_address)
    await store.close()
    await store.close()

    with pytest.raises(Unavailable, match="the store is closed"):
        await store.traces.find(TraceFilter())


async def test_the_tables_of_a_newer_rowen_are_left_alone(traces_address, server_of):
    await (await opened(traces_address)).close()
    server_of(traces_address).insert("shape", ("count",), [(99,)])

    with pytest.raises(Unavailable, match="was written by a newer Rowen") as refused:
        await opened(traces_address)
    assert refused.value.code == "store_newer"


def test_every_field_of_a_row_has_its_column():
    assert set(TraceRow.__struct_fields__) == {"id", "tenant", *TRACE_COLUMNS}
    assert set(SpanRow.__struct_fields__) == {"trace", "tenant", "id", *SPAN_COLUMNS}


async def test_a_column_that_an_older_rowen_did_not_know_is_added(traces_address, server_of):
    await (await opened(traces_address)).close()
    server_of(traces_address).run("ALTER TABLE traces DROP COLUMN feature")

    store = await opened(traces_address)
    await store.traces.write([a_trace(1, feature="search")])

    assert [row.feature for row in await store.traces.find(TraceFilter())] == ["search"]
    await store.close()


async def test_what_is_no_text_is_refused_and_nothing_of_its_batch_is_lost_in_silence(traces_address):
    store = await opened(traces_address)

    with pytest.raises(Mistaken, match="half of a surrogate pair"):
        await store.traces.write([a_trace(1, user="\ud800")])
    with pytest.raises(Mistaken, match="half of a surrogate pair"):
        await store.traces.find(TraceFilter(user="\ud800"))

    assert await store.traces.find(TraceFilter()) == []
    await store.close()
