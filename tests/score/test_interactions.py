"""What users did, seen in the traces: asked again, or left."""

from itertools import permutations

import pytest

from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.interactions import Interactions
from rowen.store.base import ScoreFilter
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.store.memory.traces import MemoryTraces
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.spans import a_span
from rowen.values import Message, Observed, Request, Trace, TraceRow, says


class Watch:
    """What is seen of traces in memory."""

    def __init__(self, *, alone: bool) -> None:
        clock = FakeClock()
        self.kept, self.traces = MemoryScores(), MemoryTraces()
        intake = Intake(self.kept, Configs(MemoryRecords(), clock), self._known, clock)
        self._interactions = Interactions(self.traces, intake, alone=alone)
        self._see = self._interactions.see

    async def _known(self, id: str, tenant: str) -> TraceRow | None:
        found = await self.traces.get(id, tenant)
        return found.row if found else None

    async def write(self, *traces: Trace) -> None:
        await self.traces.write(traces)
        await self._see(traces)

    async def observe(self, *spans: Observed) -> None:
        await self.traces.observe(spans)
        await self._interactions.observed(spans)

    async def seen(self, event: str = "regenerate") -> list[str]:
        return sorted(score.trace for score in await self.kept.find(ScoreFilter(name=f"interaction.{event}")))


@pytest.fixture(params=[True, False], ids=["alone", "with others"])
def watch(request) -> Watch:
    return Watch(alone=request.param)


def call(id: str, *said: str, session: str = "s1", messages: tuple[Message, ...] | None = None, **fields) -> Trace:
    """A call whose messages are the user's and the model's in turn."""
    turns = messages or tuple(says("assistant" if n % 2 else "user", text) for n, text in enumerate(said))
    row = TraceRow(
        **{
            "id": id,
            "started_ns": int(id, 36),
            "duration_ns": 1,
            "app": "a",
            "definition": "d",
            "tenant": "acme",
            "session": session,
            "asked": turns[-1].text,
            **fields,
        }
    )
    return Trace(row=row, request=Request(model="m", messages=turns))


async def test_an_answer_was_regenerated_when_the_same_was_asked_again_in_its_session(watch):
    await watch.write(call("a", "hello"))
    assert await watch.seen() == []

    await watch.write(call("b", "hello"))

    assert await watch.seen() == ["a"]
    (score,) = await watch.kept.find(ScoreFilter())
    assert (score.source, score.by, score.judged_ns, score.number) == ("rule", "interactions", int("a", 36), 1.0)


@pytest.mark.parametrize("order", list(permutations("abc")), ids="".join)
async def test_of_three_same_calls_the_first_two_were_regenerated_in_whatever_order_they_are_written(watch, order):
    for id in order:
        await watch.write(call(id, "hello"))

    assert await watch.seen() == ["a", "b"]


async def test_calls_of_one_batch_are_compared_too(watch):
    await watch.write(call("a", "hello"), call("b", "hello"), call("c", "hello"))

    assert await watch.seen() == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        call("b", "good bye"),
        call("b", "hello", session="s2"),
        call("b", "hello", session=""),
        call("b", "hello", tenant="umbrella"),
        call("b", "hello", app="shop"),
        call("b", "yes", "go on?", "hello"),
    ],
    ids=["another question", "another session", "no session", "another tenant", "another app", "another turn"],
)
async def test_another_call_is_no_regeneration(watch, other):
    await watch.write(call("a", "hello"))

    await watch.write(other)

    assert await watch.seen() == []


async def test_the_same_words_at_a_later_turn_are_no_regeneration_but_twice_at_that_turn_are(watch):
    await watch.write(call("a", "go on"), call("b", "go on", "One.", "go on"), call("c", "go on", "One.", "go on"))

    assert await watch.seen() == ["b"]


async def test_a_call_that_another_process_wrote_before_is_known_too():
    watch = Watch(alone=False)
    await watch.write(call("a", "hello"))
    await watch.traces.write([call("b", "hello")])

    await watch.write(call("c", "hello"))

    assert await watch.seen() == ["b"]  # the other process says so of the first


async def test_a_session_that_began_before_a_restart_goes_on_after_it():
    watch = Watch(alone=True)
    await watch.traces.write([call("a", "hello"), call("b", "good bye")])

    await watch.write(call("c", "hello"))

    assert await watch.seen() == ["a"]


async def test_a_changed_system_prompt_does_not_hide_a_regeneration(watch):
    for id, system in (("a", "It is noon."), ("b", "It is one o'clock.")):
        await watch.write(call(id, messages=(says("system", system), says("user", "hello"))))

    assert await watch.seen() == ["a"]


async def test_an_agent_that_goes_on_after_a_tool_asks_nothing_again(watch):
    question = says("user", "What is the weather?")
    await watch.write(call("a", messages=(question,)))
    for id in "bc":
        await watch.write(call(id, messages=(question, says("assistant", "I look."), says("tool", "rain"))))

    assert await watch.seen() == []


async def test_what_failed_was_not_regenerated(watch):
    await watch.write(call("a", "hello", status="failed"), call("b", "hello"))

    assert await watch.seen() == []


async def test_a_call_that_its_caller_left_was_abandoned(watch):
    await watch.write(call("a", "hello", status="cancelled", session=""), call("b", "hello"))

    assert await watch.seen("abandon") == ["a"]


def root(trace: str, asked: object, **fields) -> Observed:
    """The root of a trace that was sent to us; the trace's name orders it by time."""
    return a_span(1, trace, input=asked, session="s1", started_ns=int(trace, 36) * 10**9 + 10**18, **fields)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_of_traces_that_were_sent_the_one_just_before_with_the_same_input_was_regenerated(watch, order):
    roots = [root("t1", "Where is my order?"), root("t2", "Where is my order?"), root("t3", "And the bill?")]

    for at in order:
        await watch.observe(roots[at])
        await watch.observe(roots[at])

    assert await watch.seen() == ["t1"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"input": "Hello"}, {"input": "Hello", "session": "s2"}),
        ({"input": "Hello", "status": "error"}, {"input": "Hello"}),
        ({"input": [{"role": "user", "content": "Hello"}]}, {"input": [{"role": "user", "content": "Hullo"}]}),
        ({"input": ""}, {"input": ""}),
    ],
    ids=["another session", "it had failed", "another input", "no input"],
)
async def test_what_is_not_asked_again_of_a_sent_trace_is_not_regenerated(watch, first, second):
    for number, fields in enumerate((first, second)):
        common = {"session": "s1", "started_ns": 10**18 + number}
        await watch.observe(a_span(1, f"t{number}", **{**common, **fields}))

    assert await watch.seen() == []


async def test_the_same_question_after_another_one_is_a_new_question(watch):
    await watch.observe(root("t1", "Is it open?"), root("t2", "And now?"), root("t3", "Is it open?"))

    assert await watch.seen() == []
