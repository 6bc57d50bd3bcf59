"""The batches of Langfuse's older SDKs: pieces become whole spans, in one batch or in many."""

import uuid

import pytest


def event(kind: str, **body):
    return {"id": uuid.uuid4().hex, "type": kind, "timestamp": "2026-11-25T10:00:00.000Z", "body": body}


def times(second: int) -> str:
    return f"2026-11-25T10:00:{second:02d}.000Z"


@pytest.fixture
def trace() -> str:
    return str(uuid.uuid4())


def batch(trace: str):
    """A trace with a span, and in it a generation that is told in two pieces."""
    return [
        event("trace-create", id=trace, name="answer", userId="ann", sessionId="s-1", tags=["a"], timestamp=times(0)),
        event("span-create", id="span-1", traceId=trace, name="look up", startTime=times(1), input={"q": "Why?"}),
        event(
            "generation-create", id="gen-1", traceId=trace, parentObservationId="span-1", name="ask", model="gpt-4.1-mini",
            startTime=times(2), input=[{"role": "user", "content": "Why?"}],
        ),
        event(
            "generation-update", id="gen-1", traceId=trace, endTime=times(4), output="Because.",
            usage={"input": 1000, "output": 100, "unit": "TOKENS", "totalCost": 0.25},
            completionStartTime=times(3),
        ),
        event("span-update", id="span-1", traceId=trace, endTime=times(5), output="found"),
        event("trace-create", id=trace, output="Because."),
        event("score-create", traceId=trace, name="closeness", value=0.5),
        event("score-create", traceId=trace, observationId="gen-1", name="tone", value="kind"),
        event("sdk-log", log="x"),
    ]  # fmt: skip


def by_name(langfuse, trace: str):
    status, found = langfuse("GET", f"traces/{trace}")
    assert status == 200, found
    return found, {each["name"]: each for each in found["observations"]}


@pytest.mark.parametrize("each_alone", [False, True])
def test_pieces_in_one_batch_and_in_many_make_the_same_trace(langfuse, trace, each_alone):
    events = batch(trace)

    answers = (
        [langfuse("POST", "ingestion", {"batch": some}) for some in ([e] for e in events)]
        if each_alone
        else [langfuse("POST", "ingestion", {"batch": events})]
    )

    found, seen = by_name(langfuse, trace)
    assert {status for status, _ in answers} == {207}
    assert sum(len(answer["successes"]) for _, answer in answers) == len(events)
    assert [answer["errors"] for _, answer in answers if answer["errors"]] == []
    assert (found["name"], found["userId"], found["sessionId"], found["tags"]) == ("answer", "ann", "s-1", ["a"])
    assert found["output"] == "Because."
    ask, look_up, root = seen["ask"], seen["look up"], seen["answer"]
    assert (ask["type"], ask["model"], ask["output"], ask["latency"]) == ("GENERATION", "gpt-4.1-mini", "Because.", 2)
    assert (ask["usage"]["input"], ask["usage"]["output"], ask["totalCost"]) == (1000, 100, 0.25)
    assert ask["timeToFirstToken"] == 1
    assert (look_up["input"], look_up["output"], look_up["latency"]) == ({"q": "Why?"}, "found", 4)
    assert (ask["parentObservationId"], look_up["parentObservationId"]) == (look_up["id"], root["id"])
    assert root["parentObservationId"] is None
    scores = {score["name"]: score for score in found["scores"]}
    assert scores["closeness"]["subject"]["kind"] == "trace"
    assert scores["tone"]["observationId"] == ask["id"]
    assert len(found["observations"]) == 3


def test_the_same_batch_twice_is_kept_once(langfuse, trace):
    events = batch(trace)[:6]

    for _ in range(2):
        langfuse("POST", "ingestion", {"batch": events})

    assert len(by_name(langfuse, trace)[1]) == 3


def test_wrong_events_are_named_and_the_others_kept(langfuse, trace):
    events = [
        *batch(trace)[:2],
        {"id": "e1", "type": "new-kind", "body": {}},
        {"id": "e2", "type": "span-create"},
        {"id": "e3", "type": "span-create", "body": {"traceId": trace}},
        {"id": "e4", "type": "score-create", "body": {"name": "n", "value": 1}},
        {"id": "e5", "type": "span-create", "body": {"id": "old", "traceId": trace, "startTime": "1970-01-02T00:00:00Z"}},
        5,
    ]  # fmt: skip

    status, answer = langfuse("POST", "ingestion", {"batch": events})

    assert status == 207
    assert len(answer["successes"]) == 2
    assert sorted(error["id"] for error in answer["errors"]) == ["7", "e1", "e2", "e3", "e4", "e5"]
    assert {"answer", "look up"} == by_name(langfuse, trace)[1].keys()


def test_another_tenants_observation_of_the_same_id_is_not_gone_on_from(langfuse, other, trace):
    langfuse("POST", "ingestion", {"batch": batch(trace)})

    other("POST", "ingestion", {"batch": [event("span-update", id="span-1", traceId=trace, output="theirs")]})

    _, ours = by_name(langfuse, trace)
    _, theirs = by_name(other, trace)
    assert ours["look up"]["output"] == "found"
    assert [(each["output"], each["input"]) for each in theirs.values()] == [("theirs", None)]


def test_a_key_of_one_app_sees_and_writes_only_that(langfuse, trace):
    shop = langfuse.of("of-shop", scopes=("call", "manage"), apps=("shop",))
    bank = langfuse.of("of-bank", scopes=("call", "manage"), apps=("bank",))

    shop("POST", "ingestion", {"batch": batch(trace)[:1]})

    assert shop("GET", f"traces/{trace}")[0] == 200
    assert bank("GET", f"traces/{trace}")[0] == 404
    assert trace.replace("-", "") not in {each["id"] for each in bank("GET", "traces")[1]["data"]}
