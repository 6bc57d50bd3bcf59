"""What is on its way: batches, bounds, tries, and a program that notices nothing of any of it."""

import http.client
import logging
import socket
import threading
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import rowen
from rowen.sdk.door import Door, Reply
from rowen.sdk.judge import Judgement
from rowen.sdk.outbox import BATCH, Outbox
from rowen.sdk.parcels import Writer


class Box:
    """An outbox to a sink whose pauses are noted, not waited for."""

    def __init__(self, url: str, **more: Any) -> None:
        self.pauses: list[float] = []
        self.outbox = Outbox(Door(url, "rk-test", timeout=5), Writer(dict), pause=self.pauses.append, **more)

    def put(self, count: int, size: int = 10) -> None:
        for number in range(count):
            self.outbox.put(Piece(number, size))


class Piece:
    def __init__(self, number: int, size: int) -> None:
        self.number, self.size = number, size

    def encoded(self) -> bytes:
        return b"\x2a\x04%04d" % self.number  # the name of a span


@pytest.fixture
def box(sink):
    found = Box(sink.url)
    yield found
    sink.open.set()
    found.outbox.close(10)


def numbers(sink) -> list[int]:
    return [int(span.name) for span in sink.spans()]


def test_many_leave_in_batches_in_their_order_over_one_connection(sink, box):
    box.put(3 * BATCH + 7)

    assert box.outbox.flush(30)
    assert numbers(sink) == list(range(3 * BATCH + 7))
    assert max(len(body) for body in sink.bodies("/v1/traces")) < 20_000
    assert 4 <= len(sink.requests) <= 8
    assert sink.connections == 1
    assert (box.outbox.sent, box.outbox.lost) == (3 * BATCH + 7, 0)


def test_without_room_the_oldest_are_dropped_and_counted(sink):
    sink.open.clear()
    box = Box(sink.url, room=100, every=0.0)
    box.put(1)
    sink.wait(1)
    box.put(500)
    sink.open.set()

    assert box.outbox.flush(30)
    box.outbox.close(10)
    assert numbers(sink) == [0, *range(401, 500)] or numbers(sink) == [0, *range(400, 500)]
    assert box.outbox.sent + box.outbox.lost == 501


def test_room_is_counted_in_bytes_too(sink):
    sink.open.clear()
    box = Box(sink.url, room_bytes=10_000, every=0.0)
    box.put(1)
    sink.wait(1)
    box.put(50, size=1_000)
    sink.open.set()

    assert box.outbox.flush(30)
    box.outbox.close(10)
    assert len(numbers(sink)) <= 11
    assert numbers(sink)[-1] == 49
    assert box.outbox.sent + box.outbox.lost == 51


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_tried_again_is_tried_again_after_the_wait_that_was_asked(sink, box, status):
    sink.answers += [(status, {"Retry-After": "7"}, b"busy"), (status, {}, b"busy")]

    box.put(3)

    assert box.outbox.flush(30)
    assert numbers(sink) == [0, 1, 2] * 3
    assert box.pauses[0] == 7
    assert 1 <= box.pauses[1] <= 2
    assert (box.outbox.sent, box.outbox.lost) == (3, 0)


def test_a_wait_is_asked_by_date_too_and_bounded(sink, box):
    sink.answers += [
        (503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, b""),
        (503, {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, b""),
        (503, {"Retry-After": "soon"}, b""),
    ]

    box.put(1)

    assert box.outbox.flush(30)
    assert box.pauses[:2] == [0.0, 60.0]
    assert 2 <= box.pauses[2] <= 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_what_must_not_be_tried_again_is_given_up_and_said(sink, box, status, caplog):
    sink.answers.append((status, {}, b"the key is not known here"))

    with caplog.at_level(logging.WARNING, "rowen.sdk"):
        box.put(3)
        assert box.outbox.flush(30)

    assert len(sink.requests) == 1
    assert (box.outbox.sent, box.outbox.lost) == (0, 3)
    assert "3 spans or scores are lost" in caplog.text
    assert f"answered {status}: the key is not known here" in caplog.text
    assert "rk-test" not in caplog.text


def test_a_batch_that_is_too_large_is_halved(sink, box):
    sink.answers += [(413, {}, b""), (413, {}, b"")]

    box.put(4)

    assert box.outbox.flush(30)
    assert numbers(sink) == [0, 1, 2, 3, 0, 1, 0, 1, 2, 3]
    assert (box.outbox.sent, box.outbox.lost) == (4, 0)


def test_a_score_that_is_refused_does_not_take_the_others_with_it(sink, box):
    sink.answers += [(422, {}, b"no such name"), (200, {}, b""), (422, {}, b"no such name"), (200, {}, b"")]
    sink.open.clear()

    for name in "abcd":
        box.outbox.put(Judgement(name=name, value=1, trace="ab" * 16))
    sink.open.set()

    assert box.outbox.flush(30)
    assert [score["name"] for score in sink.scores()] == ["a", "b", "c", "d", "a", "b", "c", "d", "c", "d"]
    assert (box.outbox.sent, box.outbox.lost) == (4, 0)


def test_a_single_span_that_is_too_large_is_given_up(sink, box):
    sink.answers.append((413, {}, b""))

    box.put(1)

    assert box.outbox.flush(30)
    assert box.outbox.lost == 1


def test_a_partial_success_is_counted_and_said(sink, box, caplog):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    sink.answers.append((200, {}, answer.SerializeToString()))

    with caplog.at_level(logging.WARNING, "rowen.sdk"):
        box.put(3)
        assert box.outbox.flush(30)

    assert (box.outbox.sent, box.outbox.lost) == (1, 2)
    assert "turned down 2: too old" in caplog.text


def test_nobody_there_is_waited_for_with_longer_waits_then_given_up(caplog):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Box(f"http://127.0.0.1:{port}")

    with caplog.at_level(logging.WARNING, "rowen.sdk"):
        box.put(2)
        assert box.outbox.flush(30)
    box.outbox.close(10)

    assert [0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(box.pauses)] == [True] * 5
    assert box.outbox.lost == 2
    assert "does not answer (ConnectionRefusedError" in caplog.text
    assert len(caplog.records) == 1  # once a minute


def test_a_connection_that_was_closed_meanwhile_is_opened_again_at_once(sink, box):
    sink.answers.append((200, {"Connection": "close"}, b""))
    box.put(1)
    assert box.outbox.flush(30)
    box.put(1)

    assert box.outbox.flush(30)
    assert box.pauses == []
    assert sink.connections == 2
    assert box.outbox.sent == 2


def test_a_server_that_restarts_loses_nothing(sink):
    """The kept connection dies without a word; the next post goes over a fresh one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] * 2)

        def serve() -> None:
            for answer in answers:
                with listening.accept()[0] as connection:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        door = Door(f"http://127.0.0.1:{listening.getsockname()[1]}", "")

        first, second = door.post("/", b"a", "x"), door.post("/", b"b", "x")
        thread.join(10)
        door.close()

    assert (first, second) == (Reply(200), Reply(200))


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx" + 70_000 * b"x"]
)
def test_an_answer_that_is_none_is_an_error_that_is_tried_again(answer):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        door = Door(f"http://127.0.0.1:{listening.getsockname()[1]}", "")

        with pytest.raises((OSError, http.client.HTTPException)):
            door.post("/", b"a", "x")
        thread.join(10)


def test_bodies_are_zipped_where_the_way_is_long():
    assert Door("http://rowen.example.org:8484/team/", "k")._zips
    assert not Door("http://localhost:8484", "k")._zips


@pytest.mark.parametrize("url", ["127.0.0.1:8484", "ftp://x", "http://", "rowen", "http://x:port"])
def test_an_address_that_is_none_leaves_everything_off_and_says_so(url, caplog):
    with caplog.at_level(logging.WARNING, "rowen.sdk"):
        assert rowen.connect(url, key="rk-secret") is False

    assert "tracing is off" in caplog.text
    assert "rk-secret" not in caplog.text
    assert rowen.current().trace_id == ""


@pytest.mark.parametrize("key", ["rk-…", "rk-a b", "rk-a\r\nx: y"])
def test_a_key_that_is_none_leaves_everything_off_and_says_so(key, caplog):
    with caplog.at_level(logging.WARNING, "rowen.sdk"):
        assert rowen.connect("http://127.0.0.1:1", key=key) is False

    assert "the key holds a character" in caplog.text
    assert key not in caplog.text


def test_a_server_that_hangs_holds_nobody_up(sink):
    sink.open.clear()
    rowen.connect(sink.url)

    @rowen.trace
    def work(number: int) -> int:
        return number

    work(0)
    sink.wait(1)

    assert [work(number) for number in range(20_000)] == list(range(20_000))
    assert rowen.flush(0.01) is False
    rowen.disconnect(0.01)
    sink.open.set()


def test_an_item_that_cannot_be_written_does_not_stop_the_others(sink, box, caplog):
    class Broken(Piece):
        def encoded(self) -> bytes:
            raise RuntimeError("no")

    box.put(1)
    box.outbox.put(Broken(0, 1))

    assert box.outbox.flush(30)
    assert numbers(sink) == [0]
    assert box.outbox.lost == 1


def test_after_the_end_nothing_is_taken_and_nobody_waits(sink, box):
    box.put(1)
    box.outbox.close(10)
    box.put(1)

    assert box.outbox.flush(10)
    assert numbers(sink) == [0]
    assert box.outbox.lost == 1


def test_a_signal_or_the_collector_in_the_middle_of_a_put_is_no_deadlock(sink, box):
    class Nested(list[int]):
        def __del__(self) -> None:
            box.put(1)

    with box.outbox._lock:  # what a handler finds that comes in between
        Nested()
    box.put(1)

    assert box.outbox.flush(30)
    assert numbers(sink) == [0, 0]


def test_many_threads_lose_nothing(sink, box):
    threads = [threading.Thread(target=box.put, args=(200,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert box.outbox.flush(30)
    assert sorted(numbers(sink)) == sorted(8 * list(range(200)))
