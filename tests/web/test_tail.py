"""The live tail, as a browser's EventSource reads it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import pytest

from rowen.testing.serving import serving


@contextmanager
def listening(reader: Any, path: str) -> Iterator[Any]:
    connection = HTTPConnection(urlsplit(reader.url).netloc, timeout=20)
    cookies = "; ".join(f"{name}={value}" for name, value in reader.cookies.items())
    connection.request("GET", path, headers={"cookie": cookies, "accept": "text/event-stream"})
    yield connection.getresponse()
    connection.close()


def heard(reply: Any, kind: str = "row") -> str:
    """The data of the next event of a kind, which must be among the next ten events."""
    for _ in range(10):
        said: dict[str, list[str]] = {}
        while line := reply.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            said.setdefault(name, []).append(value)
        if said.get("event") == [kind]:
            return "\n".join(said["data"])
    raise AssertionError(f"no {kind} was told")


def test_a_new_trace_is_told_as_a_row_and_an_old_one_is_not(site):
    site.write(site.trace(60_000, asked="long ago"))

    with listening(site.reader(), "/traces/tail") as reply:
        assert reply.getheader("content-type", "").startswith("text/event-stream")
        assert reply.readline() == b"retry: 2000\n"
        site.write(site.trace(5, asked="just <now>"))

        row = heard(reply)

    assert row.startswith("<tr data-row>")
    assert "just &lt;now&gt;" in row
    assert "long ago" not in row


def test_the_filter_of_the_list_holds(site):
    with listening(site.reader(), "/traces/tail?status=failed&before=zzz") as reply:
        reply.readline()
        site.write(site.trace(9, asked="well"), site.trace(5, asked="ill", status="failed", code="upstream_cut"))

        assert "ill" in heard(reply)


def test_other_tenants_hear_nothing_of_it(site):
    key = site.running.new_key("reader of acme", tenant="acme", scopes=("read",))

    with listening(site.reader(key), "/traces/tail") as reply:
        reply.readline()
        site.write(site.trace(9, asked="theirs"), site.trace(5, asked="ours", tenant="acme"))

        assert "ours" in heard(reply)


def test_a_stranger_is_sent_to_sign_in(site):
    assert site.stranger().get("/traces/tail").status == 303


def test_a_wrong_filter_is_told(site):
    assert site.reader().get("/traces/tail?slower_ms=soon").status == 400


def test_a_server_that_stops_does_not_wait_for_its_listeners(site, tmp_path):
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n')

    with ExitStack() as left:
        with serving(tmp_path / "app.toml", grace=600) as running:
            reader = type(site.stranger())(running.url)
            reader.sign_in(running.admin)
            reply = left.enter_context(listening(reader, "/traces/tail"))
            reply.readline()

        with pytest.raises(IncompleteRead):
            reply.read()

    assert not running.loop.is_running()
