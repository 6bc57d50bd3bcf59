"""Embeddings as OpenAI's reference shapes them."""

import base64
import struct

import pytest

from rowen.values import Embedded, Started, Usage, Used

PATH = "/v1/embeddings"


def vectors(doorway):
    return doorway.says(
        Started(model="e-1"), Embedded(vectors=((0.5, -1.0), (0.25, 2.0))), Used(usage=Usage(input_tokens=6))
    )


async def test_vectors_come_as_a_list(doorway):
    gateway = vectors(doorway)

    seen = await gateway.ask(PATH, {"model": "fast", "input": ["a", "b"], "dimensions": 2, "user": "u"})

    assert seen.json == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [0.25, 2.0]},
        ],
        "model": "e-1",
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }
    request = doorway.request(gateway)
    assert (request.kind, request.texts, request.dimensions, request.user) == ("embeddings", ("a", "b"), 2, "u")


async def test_vectors_come_as_base64_when_asked(doorway):
    seen = await vectors(doorway).ask(PATH, {"model": "fast", "input": "a", "encoding_format": "base64"})

    assert struct.unpack("<2f", base64.b64decode(seen.json["data"][0]["embedding"])) == (0.5, -1.0)


@pytest.mark.parametrize(("given", "tokens"), [([1, 2, 3], ((1, 2, 3),)), ([[1], [2, 3]], ((1,), (2, 3)))])
async def test_token_ids_are_taken(doorway, given, tokens):
    gateway = vectors(doorway)

    await gateway.ask(PATH, {"model": "fast", "input": given, "truncate": "END"})

    assert doorway.request(gateway).tokens == tokens
    assert doorway.request(gateway).extra == {"truncate": "END"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "fast"}, "input"),
        ({"model": "fast", "input": ""}, "input"),
        ({"model": "fast", "input": []}, "input"),
        ({"model": "fast", "input": ["a", 1]}, "input[1]"),
        ({"model": "fast", "input": ["a", ""]}, "input[1]"),
        ({"model": "fast", "input": [[1], "b"]}, "input[1]"),
        ({"model": "fast", "input": [[]]}, "input[0]"),
        ({"model": "fast", "input": [1, -2]}, "input[1]"),
        ({"model": "fast", "input": {"a": 1}}, "input"),
        ({"input": "a"}, "model"),
        ({"model": "fast", "input": "a", "dimensions": 0}, "dimensions"),
        ({"model": "fast", "input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
)
async def test_what_cannot_be_embedded_is_refused_with_its_place(doorway, body, param):
    seen = await vectors(doorway).ask(PATH, body)

    assert seen.status == 400
    assert seen.json["error"]["param"] == param
