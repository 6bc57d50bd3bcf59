import json

import pytest

from rowen.provider.faults import complaint, refusal, retry_after, scrubbed
from rowen.values import Mistaken, Unavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:05 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 5),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 0),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "250ms", "x-ratelimit-remaining-tokens": "0"}, 0.25),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "17"}, None),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "2s"}, 2),
        (
            {
                "anthropic-ratelimit-tokens-reset": "2026-11-23T12:00:09Z",
                "anthropic-ratelimit-tokens-remaining": "0",
                "date": "Mon, 23 Nov 2026 12:00:00 GMT",
            },
            9,
        ),
        ({"anthropic-ratelimit-tokens-reset": "later"}, None),
    ],
)
def test_reads_how_long_to_wait(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"no"}}', "no"),
        (b'{"error":"no"}', "no"),
        (b'[{"error":{"message":"no"}}]', "no"),
        (b'{"message":"no"}', "no"),
        (b'{"detail":"no"}', "no"),
        (b'{"detail":[{"loc":["body"]}]}', '[{"loc":["body"]}]'),
        (b"no", "no"),
        (b"<html>no</html>", ""),
        (b"", ""),
        (b"null", ""),
        (b"\xff\xfe", "��"),
    ],
)
def test_reads_the_words_of_every_shape(body, message):
    assert complaint(body).message == message


def test_the_body_may_say_how_long_to_wait():
    body = {"error": {"code": 429, "details": [{"retryDelay": "34.5s"}]}}

    assert refusal(429, {}, json.dumps(body).encode()).retry_after == 34.5


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (302, Unavailable, "upstream_garbage"),
        (402, Unavailable, "upstream_key"),
        (408, Unavailable, "upstream_timeout"),
        (409, Unavailable, "upstream_error"),
        (418, Mistaken, "upstream_refused"),
        (502, Unavailable, "upstream_error"),
    ],
)
def test_judges_by_status_where_the_body_says_nothing(status, kind, code):
    problem = refusal(status, {}, b"")

    assert (type(problem), problem.code) == (kind, code)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abc123DEF456",
        "sk-wrong**********ABCD",
        "gsk_abcdefgh1234",
        "AIzaSyA1234567890abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "Bearer abc.def.ghi",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ],
)
def test_takes_out_what_looks_like_a_key(secret):
    text = scrubbed(f"The key {secret} is wrong.")

    assert secret.removeprefix("Bearer ") not in text
    assert text.endswith("is wrong.")


def test_keeps_an_ordinary_sentence_and_cuts_an_endless_one():
    sentence = "Invalid 'messages[2].content': expected a list of parts (code 17)."

    assert scrubbed(sentence) == sentence
    assert len(scrubbed("no " * 100_000)) <= 600
