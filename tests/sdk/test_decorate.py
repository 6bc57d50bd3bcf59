"""`@rowen.trace` on every kind of function: the function does what it did, and its calls are spans."""

import asyncio
import functools
import gc
import inspect
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import rowen


def given(span: Any) -> Any:
    return json.loads(span.attributes["input.value"])


def test_a_call_is_a_span_with_its_arguments_by_name_and_its_result(linked):
    @rowen.trace
    def answer(question: str, *more: int, tone: str = "kind") -> str:
        return question.upper()

    said = answer("why?", 1, 2, tone="dry")

    assert said == "WHY?"
    assert rowen.flush()
    span = linked.span("answer")
    assert given(span) == {"question": "why?", "more": [1, 2], "tone": "dry"}
    assert span.attributes["input.mime_type"] == "application/json"
    assert span.attributes["output.value"] == "WHY?"
    assert span.attributes["output.mime_type"] == "text/plain"
    assert span.attributes["openinference.span.kind"] == "CHAIN"
    assert span.parent == ""
    assert span.ended >= span.started > 1_700_000_000_000_000_000
    assert span.scope == "rowen.sdk"


def test_what_sends_is_told_once_for_all_spans(linked):
    @rowen.trace
    def answer() -> None:
        return

    answer()

    assert rowen.flush()
    resource = linked.span("answer").resource
    assert resource["service.name"] == "shop"
    assert resource["service.version"] == "1.4.2"
    assert resource["deployment.environment.name"] == "test"
    assert resource["telemetry.sdk.name"] == "rowen"
    (_, headers, _) = linked.requests[0]
    assert headers["authorization"] == "Bearer rk-test"
    assert headers["content-type"] == "application/x-protobuf"


def test_calls_within_calls_are_children_in_the_same_trace(linked):
    @rowen.trace
    def inner() -> int:
        return 1

    @rowen.trace
    def outer() -> int:
        return inner() + inner()

    outer()
    outer()

    assert rowen.flush()
    outers = [span for span in linked.spans() if span.name == "outer"]
    inners = [span for span in linked.spans() if span.name == "inner"]
    assert len({span.trace for span in outers}) == 2
    assert sorted(span.parent for span in inners) == sorted(2 * [span.id for span in outers])
    assert {span.trace for span in inners} == {span.trace for span in outers}


def test_a_name_and_a_type_say_what_a_function_is(linked):
    @rowen.trace(type="tool", name="search")
    def look_up(query: str) -> list[str]:
        return [query]

    look_up("a")

    assert rowen.flush()
    attributes = linked.span("search").attributes
    assert attributes["openinference.span.kind"] == "TOOL"
    assert attributes["gen_ai.operation.name"] == "execute_tool"
    assert attributes["gen_ai.tool.name"] == "search"
    assert json.loads(attributes["output.value"]) == ["a"]


async def test_a_coroutine_function_stays_one_and_tasks_keep_their_traces_apart(linked):
    @rowen.trace
    async def inner(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @rowen.trace
    async def outer(number: int) -> int:
        first = await inner(number)
        await asyncio.sleep(0)
        return first + await inner(number)

    found = await asyncio.gather(*(outer(number) for number in range(20)))

    assert inspect.iscoroutinefunction(outer)
    assert found == [2 * number for number in range(20)]
    assert await asyncio.to_thread(rowen.flush)
    outers = {span.id: span for span in linked.spans() if span.name == "outer"}
    inners = [span for span in linked.spans() if span.name == "inner"]
    assert len(inners) == 40
    for span in inners:
        assert given(span)["number"] == given(outers[span.parent])["number"]
        assert span.trace == outers[span.parent].trace


def test_self_and_cls_are_left_out_and_methods_stay_methods(linked):
    class Shop:
        @rowen.trace
        def buy(self, thing: str) -> str:
            return thing

        @rowen.trace
        @classmethod
        def named(cls, name: str) -> str:
            return name + cls.__name__

        @classmethod
        @rowen.trace
        def other(cls, name: str) -> str:
            return name

        @rowen.trace
        @staticmethod
        def free(thing: str) -> str:
            return thing

    assert Shop().buy("tea") == "tea"
    assert Shop.named("a") == "aShop"
    assert Shop.other("b") == "b"
    assert Shop.free("c") == "c"

    assert rowen.flush()
    assert [(span.name, given(span)) for span in linked.spans()] == [
        ("Shop.buy", {"thing": "tea"}),
        ("Shop.named", {"name": "a"}),
        ("Shop.other", {"name": "b"}),
        ("Shop.free", {"thing": "c"}),
    ]


def test_an_exception_is_recorded_and_goes_on_untouched(linked):
    wrong = ValueError("no such thing")

    @rowen.trace
    def inner() -> None:
        raise wrong

    @rowen.trace
    def outer() -> None:
        inner()

    with pytest.raises(ValueError, match="no such thing") as raised:
        outer()

    assert raised.value is wrong
    assert rowen.flush()
    span = linked.span("inner")
    assert (span.status, span.message, span.attributes["error.type"]) == (2, "no such thing", "ValueError")
    ((name, told),) = span.events
    assert name == "exception"
    assert told["exception.type"] == "ValueError"
    assert told["exception.message"] == "no such thing"
    assert "raise wrong" in told["exception.stacktrace"]
    ((_, told),) = linked.span("outer").events
    assert "exception.stacktrace" not in told  # it is told by the innermost span


async def test_a_cancelled_call_is_no_failure(linked):
    began = asyncio.Event()

    @rowen.trace
    async def slow() -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(rowen.flush)
    span = linked.span("slow")
    assert span.status == 0
    assert span.attributes["rowen.ended_early"] is True


def test_a_generator_is_one_span_that_ends_when_the_stream_does(linked):
    @rowen.trace
    def words() -> Any:
        with rowen.span("first"):
            yield "one "
        got = yield "two "
        yield f"{got}"
        return "done"

    @rowen.trace
    def reads() -> Any:
        stream = words()
        found = [next(stream), next(stream), stream.send("three")]
        with rowen.span("between"):
            pass
        with pytest.raises(StopIteration) as stop:
            next(stream)
        return [*found, stop.value.value]

    assert reads() == ["one ", "two ", "three", "done"]

    assert rowen.flush()
    span, reader = linked.span("words"), linked.span("reads")
    assert span.attributes["output.value"] == "one two three"
    assert 0 < span.attributes["gen_ai.response.time_to_first_chunk"] < 60
    assert span.parent == reader.id
    assert linked.span("first").parent == span.id
    assert linked.span("between").parent == reader.id  # the reader's own work is not the generator's


def test_a_generator_takes_what_is_thrown_into_it(linked):
    @rowen.trace
    def patient() -> Any:
        try:
            yield 1
        except KeyError:
            yield 2

    stream = patient()
    next(stream)

    assert stream.throw(KeyError("x")) == 2
    assert list(stream) == []
    assert rowen.flush()
    assert linked.span("patient").status == 0
    assert json.loads(linked.span("patient").attributes["output.value"]) == [1, 2]


def test_a_generator_that_fails_is_a_failed_span_with_what_came_before(linked):
    @rowen.trace
    def breaks() -> Any:
        yield "so far"
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        list(breaks())

    assert rowen.flush()
    span = linked.span("breaks")
    assert (span.status, span.attributes["output.value"]) == (2, "so far")


@pytest.mark.parametrize("way", ["close", "drop"])
def test_a_generator_that_is_closed_early_closes_its_own_and_is_no_failure(linked, way):
    closed = threading.Event()

    @rowen.trace
    def endless() -> Any:
        try:
            while True:
                yield "x"
        finally:
            closed.set()

    stream = endless()
    next(stream)
    if way == "close":
        stream.close()
    else:
        del stream
        gc.collect()

    assert closed.is_set()
    assert rowen.flush()
    span = linked.span("endless")
    assert span.status == 0
    assert span.attributes["rowen.ended_early"] is True
    assert span.attributes["output.value"] == "x"


async def test_an_async_generator_is_one_span_read_or_closed(linked):
    closed = []

    @rowen.trace
    async def words(count: int) -> Any:
        try:
            for number in range(count):
                await asyncio.sleep(0)
                with rowen.span("step"):
                    await asyncio.sleep(0)
                yield f"{number} "
        finally:
            closed.append(count)

    whole = [word async for word in words(3)]
    stream = words(5)
    await anext(stream)
    await stream.aclose()

    assert whole == ["0 ", "1 ", "2 "]
    assert closed == [3, 5]
    assert await asyncio.to_thread(rowen.flush)
    first, second = [span for span in linked.spans() if span.name == "words"]
    assert first.attributes["output.value"] == "0 1 2 "
    assert "rowen.ended_early" not in first.attributes
    assert second.attributes["rowen.ended_early"] is True
    assert {span.parent for span in linked.spans() if span.name == "step"} == {first.id, second.id}


async def test_a_stream_that_is_read_in_other_tasks_stays_part_of_where_it_was_called(linked):
    @rowen.trace
    async def words() -> Any:
        yield "a"
        yield "b"

    @rowen.trace
    async def handler() -> Any:
        return words()

    stream = await handler()
    found = [await asyncio.create_task(anext(stream)), await asyncio.create_task(anext(stream))]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)

    assert found == ["a", "b"]
    assert await asyncio.to_thread(rowen.flush)
    assert linked.span("words").parent == linked.span("handler").id
    assert linked.span("handler").attributes["output.value"] == "ab"


def test_pieces_are_folded_as_asked(linked):
    @rowen.trace(fold=sum)
    def counts() -> Any:
        yield from (1, 2, 3)

    @rowen.trace(fold=lambda pieces: pieces[7])
    def wrong() -> Any:
        yield 1

    assert list(counts()) == [1, 2, 3]
    assert list(wrong()) == [1]

    assert rowen.flush()
    assert linked.span("counts").attributes["output.value"] == "6"
    assert "could not be folded: IndexError" in linked.span("wrong").attributes["output.value"]


def test_pieces_that_are_no_texts_are_told_as_they_were_when_they_came(linked):
    @rowen.trace
    def counts() -> Any:
        piece = {"n": 0, "token": "hidden"}
        for number in range(3):
            piece["n"] = number
            yield piece

    assert [piece["n"] for piece in counts()] == [0, 1, 2]

    assert rowen.flush()
    told = json.loads(linked.span("counts").attributes["output.value"])
    assert told == [{"n": number, "token": "[masked]"} for number in range(3)]


def test_arguments_are_named_through_other_decorators_and_for_every_callable(linked):
    def other(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    class Shop:
        def buy(self, thing: str) -> str:
            return thing

        def __call__(self, thing: str) -> str:
            return thing

    @rowen.trace
    @other
    def named(thing: "not_there", *rest: "nor_this") -> Any:  # noqa: F821
        return thing

    named("tea", 1)
    rowen.trace(Shop().buy)("tea")
    rowen.trace(Shop())("tea")
    rowen.trace(functools.partial(named, "tea"), name="partial")(2)
    rowen.trace(dict, name="dict")(thing="tea")
    rowen.trace(max, name="max")(1, 2)

    assert rowen.flush()
    assert [given(span) for span in linked.spans() if span.parent == ""] == [
        {"thing": "tea", "rest": [1]},
        {"thing": "tea"},
        {"thing": "tea"},
        {"rest": [2]},
        {"thing": "tea"},
        {"args": [1, 2]},
    ]


def test_a_stream_without_end_uses_bounded_memory(linked):
    @rowen.trace
    def many() -> Any:
        for _ in range(100_000):
            yield "0123456789"

    assert sum(1 for _ in many()) == 100_000

    assert rowen.flush()
    output = linked.span("many").attributes["output.value"]
    assert len(output) < 33_000
    assert output.endswith("more pieces)")


async def test_a_function_that_gives_a_coroutine_is_one_span_until_it_has_ended(linked):
    async def work() -> int:
        with rowen.span("within"):
            return 7

    @rowen.trace
    def make() -> Any:
        return work()

    assert await make() == 7

    assert await asyncio.to_thread(rowen.flush)
    assert linked.span("make").attributes["output.value"] == "7"
    assert linked.span("within").parent == linked.span("make").id


def test_a_pool_goes_on_with_what_is_carried_to_it(linked):
    @rowen.trace
    def work(number: int) -> int:
        return number * number

    @rowen.trace
    def all_of_them() -> list[int]:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(rowen.carried(work), range(8)))

    assert all_of_them() == [number * number for number in range(8)]

    assert rowen.flush()
    root = linked.span("all_of_them")
    assert [span.parent for span in linked.spans() if span.name == "work"] == [root.id] * 8


def test_capture_can_be_left_off_for_one_function(linked):
    @rowen.trace(capture=False)
    def secretive(thing: str) -> str:
        raise ValueError(f"about {thing}")

    with pytest.raises(ValueError, match="about"):
        secretive("the plan")

    assert rowen.flush()
    (body,) = linked.bodies("/v1/traces")
    assert b"the plan" not in body
    assert linked.span("secretive").attributes["error.type"] == "ValueError"


def test_capture_can_be_left_off_for_all(sink):
    rowen.connect(sink.url, capture=False)

    @rowen.trace
    def secretive(thing: str) -> str:
        with rowen.span("inner", input="the plan") as span:
            span.set(output="the plan", weight=3)
        return thing

    secretive("the plan")
    rowen.disconnect()

    (body,) = sink.bodies("/v1/traces")
    assert b"the plan" not in body
    assert sink.span("inner").attributes["weight"] == 3


def test_what_looks_like_a_secret_is_masked_at_any_depth(linked):
    @rowen.trace
    def call(api_key: str, options: dict[str, Any], max_tokens: int) -> None:
        return

    call("sk-hidden", {"headers": {"Authorization": "hidden", "X-Api-Key": "hidden"}, "sort_key": "seen"}, 5)

    assert rowen.flush()
    assert b"hidden" not in linked.bodies("/v1/traces")[0]
    assert given(linked.span("call")) == {
        "api_key": "[masked]",
        "options": {"headers": {"Authorization": "[masked]", "X-Api-Key": "[masked]"}, "sort_key": "seen"},
        "max_tokens": 5,
    }
