"""Whatever the upstreams do, the caller gets one whole answer or one error, and nothing is left open or untold."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.route import Breaking
from rowen.values import Finished, Mistaken, Patience, Problem, Reasoned, Said, Started, Unavailable, Usage, Used

FAULTS = (
    "good",
    "good without usage",
    "refused at once",
    "fails after start",
    "limited",
    "limited briefly",
    "key",
    "mistaken",
    "hangs at once",
    "hangs in the answer",
    "cut in the answer",
    "cut in the reasoning",
    "ends too early",
    "cut after the end",
    "empty",
)


def play(fault, mark):
    """What one attempt does; the texts bear its mark, so that they can be told apart."""
    text = [Said(text=f"{mark}.{number} ") for number in range(3)]
    end = [Finished(reason="stop")]
    used = [Used(usage=Usage(input_tokens=3, output_tokens=3))]
    return {
        "good": [Started(), *text, *end, *used],
        "good without usage": [Started(), *text, *end],
        "refused at once": [Unavailable("upstream_connect")],
        "fails after start": [Started(), *used, Unavailable("upstream_error")],
        "limited": [Unavailable("upstream_limited", retry_after=1000)],
        "limited briefly": [Unavailable("upstream_limited", retry_after=1)],
        "key": [Unavailable("upstream_key")],
        "mistaken": [Mistaken("upstream_refused")],
        "hangs at once": ["hang"],
        "hangs in the answer": [Started(), *text[:2], "hang"],
        "cut in the answer": [Started(), *text[:1], Unavailable("upstream_cut")],
        "cut in the reasoning": [Started(), Reasoned(text="hm"), Unavailable("upstream_cut")],
        "ends too early": [Started(), *text],
        "cut after the end": [Started(), *text, *end, Unavailable("upstream_cut")],
        "empty": [Started()],
    }[fault]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_faults_give_exactly_one_answer_or_one_error(fresh_kit, data):
    names = data.draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]), label="deployments")
    faults = {
        name: data.draw(st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3), label=name) for name in (*names, "z")
    }
    midstream = data.draw(st.sampled_from(["fail", "restart", "continue"]), label="midstream")
    stream = data.draw(st.booleans(), label="stream")
    leave_after = data.draw(st.none() | st.integers(1, 4), label="leave after")
    kit = fresh_kit()
    # The last fault goes on; more attempts than these are never made.
    plays = {
        name: [play(many[min(at, len(many) - 1)], f"{name}{at}") for at in range(9)] for name, many in faults.items()
    }
    script = kit.Script(together=data.draw(st.integers(1, 4), label="events together"), **plays)
    route = kit.route(
        *names,
        deployments={"patience": Patience(first=0.004, gap=0.004, whole=0.004)},
        retries=data.draw(st.integers(0, 2), label="retries"),
        hedge_after=data.draw(st.sampled_from([0, 0.001]), label="hedge after"),
        midstream=midstream,
        fallback=("slow",),
    )
    last = kit.route(
        "z", model="slow", deployments={"patience": Patience(first=0.004, gap=0.004, whole=0.004)}, retries=0
    )
    stage = kit.stage(script, route, last, breaking=Breaking(least=3))
    problem = None

    async def once():
        await stage.answer(stage.call(stream=stream), leave_after=leave_after)

    try:
        asyncio.run(once())
    except Problem as caught:
        problem = caught

    events = stage.events
    said = "".join(event.text for event in events if isinstance(event, Said)).split()
    left = leave_after is not None and len(events) >= leave_after
    assert len(said) == len(set(said))  # nothing is said twice
    marks = [word.partition(".")[0] for word in said]
    assert sum(1 for at, mark in enumerate(marks) if at == 0 or marks[at - 1] != mark) == len(set(marks))
    if midstream != "continue":
        assert len(set(marks)) <= 1
    if problem is None and not left:
        assert isinstance(events[-1], Used)
        assert sum(isinstance(event, Finished) for event in events) == 1
        assert sum(isinstance(event, Started) for event in events) == 1
        assert [attempt.status for attempt in stage.attempts].count("ok") == 1
        last_mark = marks[-1]
        assert [word for word in said if word.startswith(last_mark)] == [f"{last_mark}.{n}" for n in range(3)]
    if problem is not None:
        assert not any(isinstance(event, Finished) for event in events)
        assert all(attempt.status != "ok" for attempt in stage.attempts)
    assert len(script.asked) <= 9
    assert len(stage.attempts) == len(script.asked) == script.closed
    assert all(health.in_flight == 0 for health in stage.state.health())
    assert all(attempt.cost is not None for attempt in stage.attempts)
