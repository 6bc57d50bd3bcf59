"""Spans by hand, and what is said of a whole trace."""

import json
import threading

import numpy as np
import pytest

import rowen


def test_a_span_says_its_model_usage_and_whatever_else(linked):
    with rowen.span("rerank", type="reranker", input="a question", candidates=40) as span:
        span.set(model="ranker-2", provider="cohere", output=["b", "a"], **{"gen_ai.request.top_k": 2})
        span.usage(input_tokens=120, output_tokens=3, cached_tokens=100, reasoning_tokens=1, cost="0.0025")
        span.event("warm", cache="hit")

    assert rowen.flush()
    found = linked.span("rerank")
    assert found.kind == 3  # client
    assert found.events == [("warm", {"cache": "hit"})]
    assert found.attributes == {
        "openinference.span.kind": "RERANKER",
        "input.value": "a question",
        "input.mime_type": "text/plain",
        "output.value": '["b","a"]',
        "output.mime_type": "application/json",
        "gen_ai.request.model": "ranker-2",
        "gen_ai.provider.name": "cohere",
        "gen_ai.request.top_k": 2,
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "llm.cost.total": 0.0025,
        "candidates": 40,
    }


def test_messages_of_a_model_are_told_in_the_conventions_shape(linked):
    asked = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "x"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
    ]

    with rowen.span("chat", type="llm", input=asked) as span:
        span.set(output="Hello")

    assert rowen.flush()
    attributes = linked.span("chat").attributes
    assert attributes["gen_ai.operation.name"] == "chat"
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be kind."}]},
        {
            "role": "user",
            "parts": [{"type": "text", "content": "Hi"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"at":1}'}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "nothing"}]},
    ]
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}]}
    ]
    assert "input.value" not in attributes


def test_messages_as_anthropic_takes_them_are_told_in_the_same_shape(linked):
    asked = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {"at": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "nothing"}]},
    ]

    with rowen.span("chat", type="llm", input=asked):
        pass

    assert rowen.flush()
    assert json.loads(linked.span("chat").attributes["gen_ai.input.messages"]) == [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": 1}}]},
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "response": "nothing"}]},
    ]


def test_the_function_under_way_can_be_spoken_of_from_within(linked):
    @rowen.trace(type="llm")
    def ask(question):
        rowen.current().set(model="small", output="said better").usage(input_tokens=3)
        return "raw"

    ask("why?")

    assert rowen.flush()
    attributes = linked.span("ask").attributes
    assert attributes["gen_ai.request.model"] == "small"
    assert "said better" in attributes["gen_ai.output.messages"]
    assert "output.value" not in attributes


def test_attributes_are_bounded_masked_and_of_any_kind(linked):
    with rowen.span("odd") as span:
        span.set(
            password="hidden", deep={"token": "hidden", "n": 1}, mixed=[1, "a"], words=["a", "b"], long="x" * 99_999
        )
        span.set(**{f"n{number}": number for number in range(1000)})

    assert rowen.flush()
    found = linked.span("odd")
    assert found.attributes["password"] == "[masked]"
    assert json.loads(found.attributes["deep"]) == {"token": "[masked]", "n": 1}
    assert found.attributes["mixed"] == '[1,"a"]'
    assert found.attributes["words"] == ["a", "b"]
    assert found.attributes["long"].endswith("more characters)")
    assert found.lost > 700
    assert len(found.attributes) + found.lost == 1000 + 5 + 1


def test_nonsense_is_seen_and_stops_neither_the_program_nor_its_neighbours(linked):
    with rowen.span(5, type=None) as odd:
        odd.usage(input_tokens="many", output_tokens=np.int64(7), cost="dear")
        odd.set(model=7, provider=["x"], at=np.float64(0.5))
    with rowen.span(6) as other:
        other.usage(input_tokens="many", output_tokens=np.int64(7), cost="dear")
        other.set(model=7, at=np.float32(0.5), many=np.zeros(3))
        rowen.score("n", np.int64(3))

    assert rowen.flush()
    found = linked.span("6").attributes
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == ("many", 7)
    assert (found["llm.cost.total"], found["gen_ai.request.model"]) == ("dear", 7)
    assert (found["at"], found["many"]) == (0.5, "<ndarray float64 (3,)>")
    assert linked.scores()[0]["value"] == 3


def test_nothing_is_added_after_the_end_and_a_span_ends_once(linked):
    with rowen.span("once") as span:
        pass
    span.set(late=True).usage(input_tokens=1).event("late").end()

    assert rowen.flush()
    assert "late" not in linked.span("once").attributes


def test_session_user_and_tags_hold_for_the_whole_trace_and_end_with_it(linked):
    @rowen.trace
    def learn():
        rowen.session("chat-17")
        rowen.user("u-3")

    @rowen.trace
    def work():
        return

    @rowen.trace
    def handle():
        rowen.tag("beta")
        learn()
        work()
        rowen.tag("slow", "beta")

    handle()
    work()

    assert rowen.flush()
    first, second = [span for span in linked.spans() if span.name == "work"]
    for span in (linked.span("handle"), first):
        assert span.attributes["session.id"] == "chat-17"
        assert span.attributes["gen_ai.conversation.id"] == "chat-17"
        assert span.attributes["user.id"] == "u-3"
    assert linked.span("handle").attributes["tag.tags"] == ["beta", "slow"]
    assert first.attributes["tag.tags"] == ["beta"]
    assert "session.id" not in second.attributes
    assert "tag.tags" not in second.attributes


def test_a_session_can_hold_for_a_block(linked):
    with rowen.session("s-1"), rowen.tag("a"), rowen.span("within"):
        pass
    with rowen.span("after"):
        pass

    assert rowen.flush()
    assert linked.span("within").attributes["session.id"] == "s-1"
    assert "session.id" not in linked.span("after").attributes


def test_threads_do_not_share_their_sessions(linked):
    both = threading.Barrier(2)

    def talk(name):
        with rowen.span(name):
            rowen.session(name)
            both.wait(30)
            with rowen.span(f"{name}-inner"):
                pass

    threads = [threading.Thread(target=talk, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rowen.flush()
    assert {span.name: span.attributes["session.id"] for span in linked.spans()} == {
        "a": "a",
        "a-inner": "a",
        "b": "b",
        "b-inner": "b",
    }


def test_scores_are_about_what_is_under_way_or_what_is_named(linked):
    with rowen.span("answer") as span:
        first = rowen.score("helpful", True, reason="It was.", source="user", metadata={"page": 3, "token": "hidden"})
        second = span.score("length", 0.5, confidence=0.9, by="counter")
    third = rowen.score("csat", 4, session="chat-17")
    again = rowen.score("helpful", False, trace="ab" * 16, id=first)

    assert rowen.flush()
    found = linked.scores()
    assert [each["id"] for each in found] == [first, second, third, again]
    assert again == first
    assert len({first, second, third}) == 3
    assert first[14] == "7"
    assert found[0] == {
        "id": first,
        "trace": span.trace_id,
        "span": span.span_id,
        "target": "span",
        "name": "helpful",
        "value": True,
        "reason": "It was.",
        "source": "user",
        "metadata": {"page": 3, "token": "[masked]"},
    }
    assert found[1] == {
        "id": second,
        "trace": span.trace_id,
        "span": span.span_id,
        "target": "span",
        "name": "length",
        "value": 0.5,
        "confidence": 0.9,
        "by": "counter",
    }
    assert found[2] == {"id": third, "target": "session", "session": "chat-17", "name": "csat", "value": 4}
    assert found[3] == {
        "id": first,
        "target": "trace",
        "trace": "ab" * 16,
        "name": "helpful",
        "value": False,
    }


def test_a_score_about_nothing_is_not_sent(linked):
    assert rowen.score("helpful", True) == ""
    assert rowen.flush()
    assert linked.requests == []


def test_a_block_that_fails_is_a_failed_span(linked):
    with pytest.raises(KeyError), rowen.span("block"):
        raise KeyError("x")

    assert rowen.flush()
    assert linked.span("block").status == 2


def test_an_exception_that_cannot_be_told_is_still_raised(linked):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no")

    with pytest.raises(Odd), rowen.span("block"):
        raise Odd

    assert rowen.flush()
    assert linked.span("block").status == 2
