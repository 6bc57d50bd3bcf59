import json
from pathlib import Path

import pytest

from rowen.provider.gemini.read import Reader
from rowen.provider.transport import Sse
from rowen.testing.canned import recorded
from rowen.values import Called, Likely, Mistaken, Signed, Sounded

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini"


def read(case):
    reader, events = Reader(), []
    for name, data in Sse().feed(recorded(FIXTURES / f"{case}.sse").body):
        events.extend(reader.feed(name, data))
    return [*events, *reader.end()]


def fed(*pieces):
    reader, events = Reader(), []
    for piece in pieces:
        events.extend(reader.feed("", json.dumps(piece).encode()))
    return [*events, *reader.end()]


def test_counts_thoughts_within_the_output():
    usage = read("thought")[-1].usage

    assert (usage.output_tokens, usage.reasoning_tokens, usage.cache_read_tokens) == (26, 20, 8)


def test_keeps_signatures_under_its_own_mark():
    signed = [event for event in read("thought") if isinstance(event, Signed)]
    first, second = [event for event in read("parallel") if isinstance(event, Called)]

    assert [event.signature for event in signed] == ["gemini#EjQKMgEM"]
    assert first.extra == {"extra_content": {"google": {"thought_signature": "CiQBVKhc"}}}
    assert second.extra == {}


def test_a_blocked_prompt_is_a_filtered_request():
    with pytest.raises(Mistaken) as mistaken:
        read("blocked")

    assert mistaken.value.code == "upstream_filtered"
    assert "PROHIBITED_CONTENT" in mistaken.value.message


def test_says_what_the_filter_saw():
    finished = read("filtered")[-2]

    assert finished.reason == "content_filter"
    assert finished.extra["finish_reason"] == "SAFETY"
    assert finished.extra["safety_ratings"][0]["blocked"]


def test_gives_sound_pictures_and_likelihoods():
    parts = [
        {"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}},
        {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
    ]
    likely = {
        "chosenCandidates": [{"token": "Hay", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "Hay", "logProbability": -0.5}]}],
    }

    events = fed({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP", "logprobsResult": likely}]})

    assert [event.data for event in events if isinstance(event, Sounded)] == ["AAAA"]
    assert events[-1].extra["inline_data"] == [{"mime_type": "image/png", "data": "QUJD"}]
    (found,) = [event for event in events if isinstance(event, Likely)]
    assert found.tokens[0]["top_logprobs"][0]["logprob"] == -0.5


def test_reads_a_stream_that_came_as_one_array():
    piece = {"candidates": [{"content": {"parts": [{"text": "Hay"}]}}]}
    last = {"candidates": [{"finishReason": "STOP"}]}

    events = Reader().whole(json.dumps([piece, last]).encode())

    assert [type(event).__name__ for event in events] == ["Started", "Said", "Finished"]
