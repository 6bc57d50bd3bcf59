import hashlib

import msgspec
import pytest
import zstandard

from rowen.store.familiar import FAMILIAR, NOTED_FAMILIAR, SPAN_FAMILIAR
from rowen.store.own import found_rows
from rowen.store.pack import Packing, call_body
from rowen.testing.contracts.made import a_trace, a_walk
from rowen.values import Told


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (FAMILIAR, "c1962be9adb25bf9bcd8a173a48ec25172ef5f78d170b446771132ff12a5b7d6"),
        (NOTED_FAMILIAR, "2d842201adabde678cd8a18a34eac6f290839b1c48f6607cf17f76cdab9fb720"),
        (SPAN_FAMILIAR, "125b7d91216b0bb0e4e3fdbe8dca5ee1f7f59a4250f1d9bb8528bceb8d3ebefa"),
    ],
)
def test_a_dictionary_never_changes_since_bodies_on_disk_refer_to_it(text: bytes, digest: str):
    assert hashlib.sha256(text).hexdigest() == digest


def test_a_body_of_before_that_holds_spans_is_read_still():
    walked = a_walk(1)
    spans = tuple(walked.spans)
    kept = {"spans": spans, "request": walked.request, "answer": walked.answer, "masked": False}
    familiar = zstandard.ZstdCompressionDict(FAMILIAR, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    body = b"\x01" + zstandard.ZstdCompressor(level=1, dict_data=familiar).compress(msgspec.json.encode(kept))

    assert Packing().as_call(body, walked.row) == walked


def test_what_a_walk_noted_takes_half_of_what_its_spans_take():
    walked = a_walk(1)
    whole = walked.but(spans=tuple(walked.spans))

    assert len(call_body(walked)) < 0.5 * len(call_body(whole))


@pytest.mark.parametrize("attempts", [2, 1, 0])
def test_the_rows_of_what_was_noted_are_those_of_the_spans_that_are_told(attempts: int):
    walked = a_walk(1)
    noted = walked.spans.noted.but(attempts=walked.spans.noted.attempts[:attempts])
    walked = walked.but(spans=Told(walked.row, noted))

    rows = found_rows(walked)

    assert rows == found_rows(walked.but(spans=tuple(walked.spans)))
    assert len(walked.spans) == len(list(walked.spans)) == noted.count


def test_a_trace_without_a_walk_is_packed_with_its_spans():
    made = a_trace(1)

    assert Packing().as_call(Packing().call(made), made.row) == made
