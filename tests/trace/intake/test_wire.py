"""OTLP's bodies become the same spans in protobuf and JSON, and what is malformed costs only itself."""

import base64
import json as plain
import math
import re

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.trace.intake import json, protobuf
from rowen.trace.intake.wire import DEEPEST, TOO_DEEP
from rowen.values import Mistaken

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)
leaves = (
    texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | st.none()
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def otlp_json(request) -> bytes:
    """The official message in OTLP's JSON, which is protobuf's but for hex ids."""
    found = json_format.MessageToDict(request)
    for of_resource in found["resourceSpans"]:
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope.get("spans", []):
                for each in (span, *span.get("links", [])):
                    for name in ("traceId", "spanId", "parentSpanId"):
                        if name in each:
                            each[name] = base64.b64decode(each[name]).hex()
    return plain.dumps(found).encode()


def spans(module, body: bytes):
    return [group.read(raw, group.scope) for group in module.sent(body) for raw in group.spans]


def as_json(value):
    """A value as it is kept: bytes as base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [as_json(each) for each in value]
        case dict():
            return {key: as_json(each) for key, each in value.items()}
        case _:
            return value


@given(
    attributes=st.dictionaries(texts, values, max_size=8), name=texts, kind=st.integers(0, 5), code=st.integers(0, 2)
)
@settings(max_examples=150, deadline=None)
def test_protobuf_and_json_give_the_same_span_with_the_attributes_as_they_were(made, attributes, name, kind, code):
    request = made.request(
        {
            "name": name,
            "kind": kind,
            "attributes": attributes,
            "parent_span_id": bytes.fromhex(made.parent),
            "status": {"code": code, "message": name},
            "events": [{"time_unix_nano": 5, "name": name, "attributes": made.pairs(attributes)}],
            "links": [{"trace_id": bytes(range(16)), "span_id": bytes(range(8)), "attributes": made.pairs({"a": 1})}],
        },
        resource={"service.name": "shop"},
    )

    (binary,) = spans(protobuf, request.SerializeToString())
    (text,) = spans(json, otlp_json(request))

    assert binary == text
    assert binary.attributes == as_json(attributes)
    assert binary.events[0].attributes == as_json(attributes)
    assert (binary.trace, binary.id, binary.parent) == (made.trace, made.span, made.parent)
    assert (binary.name, binary.scope, binary.links[0].span) == (name, "tests 1.0", "0001020304050607")
    assert binary.status == ("unset", "ok", "error")[code]
    assert protobuf.sent(request.SerializeToString())[0].resource == {"service.name": "shop"}


@pytest.mark.parametrize(
    ("ids", "place"),
    [
        ({"trace_id": b"short"}, "traceId"),
        ({"trace_id": bytes(16)}, "traceId"),
        ({"trace_id": b""}, "traceId"),
        ({"span_id": bytes(8)}, "spanId"),
        ({"span_id": b"123456789"}, "spanId"),
        ({"parent_span_id": b"1234"}, "parentSpanId"),
    ],
)
@pytest.mark.parametrize("module", [protobuf, json])
def test_wrong_ids_are_refused_by_name_and_neighbours_read(made, module, ids, place):
    request = made.request({"name": "wrong", **ids}, {"name": "right"})
    body = request.SerializeToString() if module is protobuf else otlp_json(request)

    (group,) = module.sent(body)
    with pytest.raises(Mistaken) as refused:
        group.read(group.spans[0], group.scope)

    assert refused.value.place == place
    assert group.read(group.spans[1], group.scope).name == "right"


@pytest.mark.parametrize("kind", ["²", "9" * 5000], ids=["no figure", "too long"])
def test_a_kind_that_is_no_number_costs_no_batch(made, kind):
    text = re.sub(rb'"kind": *[^,}]+', f'"kind":"{kind}"'.encode(), otlp_json(made.request({"kind": 3})))

    (group,) = json.sent(text)

    try:
        assert group.read(group.spans[0], group.scope).kind == "internal"
    except Mistaken as refused:
        assert refused.code == "field_invalid"


def test_a_parent_of_zeros_is_none(made):
    (span,) = spans(protobuf, made.request({"parent_span_id": bytes(8)}).SerializeToString())

    assert span.parent == ""


def test_a_span_that_is_not_protobuf_costs_only_itself(made):
    right = made.request({"name": "right"}).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    wrong = b"\x4a\xff\xff\xff"
    scope_spans = b"".join(b"\x12" + bytes((len(raw),)) + raw for raw in (wrong, right))
    resource_spans = b"\x12" + bytes((len(scope_spans),)) + scope_spans

    (group,) = protobuf.sent(b"\x0a" + bytes((len(resource_spans),)) + resource_spans)
    with pytest.raises(Mistaken, match="not valid protobuf"):
        group.read(group.spans[0], "")

    assert group.read(group.spans[1], "").name == "right"


@given(cut=st.integers(0, 10_000), flip=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_body_that_was_damaged_anywhere_is_refused_or_read_and_nothing_else(made, cut, flip):
    body = bytearray(
        made.request({"attributes": {"a": "b" * 200, "n": 1, "l": [1, {"k": "v"}]}}, {}).SerializeToString()
    )
    at = cut % len(body)
    body[at] ^= flip

    for damaged in (bytes(body), bytes(body[:at])):
        try:
            groups = protobuf.sent(damaged)
        except Mistaken as refused:
            assert refused.code == "protobuf_malformed"
            continue
        for group in groups:
            for raw in group.spans:
                try:
                    group.read(raw, group.scope)
                except Mistaken as refused:
                    assert refused.code in {"protobuf_malformed", "field_invalid"}


def test_text_that_is_not_utf8_is_repaired_and_its_neighbours_stay(made):
    body = made.request({"name": "bad?name", "attributes": {"text": "bad?text", "good": "good"}}).SerializeToString()

    (span,) = spans(protobuf, body.replace(b"bad?", b"bad\xff"))
    (text,) = spans(json, otlp_json(made.request({"attributes": {"text": "bad?"}})).replace(b"bad?", b"bad\xff"))

    assert (span.name, span.attributes) == ("bad\ufffdname", {"text": "bad\ufffdtext", "good": "good"})
    assert text.attributes == {"text": "bad\ufffd"}


@pytest.mark.parametrize("module", [protobuf, json])
def test_values_nested_deeper_than_is_read_are_left_out(made, module):
    value: object = "leaf"
    for _ in range(DEEPEST + 3):
        value = [value]
    request = made.request({"attributes": {"deep": value, "beside": 1}})

    (span,) = spans(module, request.SerializeToString() if module is protobuf else otlp_json(request))

    found, depth = span.attributes["deep"], 0
    while isinstance(found, list):
        (found,), depth = found, depth + 1
    assert (found, depth) == (TOO_DEEP, DEEPEST)
    assert span.attributes["beside"] == 1


def test_json_nested_beyond_reason_is_refused():
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b'{"x":[' * 100_000

    with pytest.raises(Mistaken) as refused:
        json.sent(body)

    assert refused.value.code in {"json_too_deep", "json_malformed"}


def test_json_takes_numbers_as_text_names_as_enumerations_capital_hex_and_fields_it_does_not_know(made):
    body = {
        "resourceSpans": [
            {
                "schemaUrl": "x",
                "resource": {"attributes": None, "droppedAttributesCount": 1},
                "scopeSpans": [
                    {
                        "scope": None,
                        "spans": [
                            {
                                "traceId": made.trace.upper(),
                                "spanId": made.span.upper(),
                                "startTimeUnixNano": str(made.now),
                                "endTimeUnixNano": made.now,
                                "kind": "SPAN_KIND_CLIENT",
                                "status": {"code": "STATUS_CODE_ERROR", "future": 1},
                                "flags": 769,
                                "attributes": [
                                    {"key": "n", "value": {"intValue": "9007199254740993"}},
                                    {"key": "f", "value": {"doubleValue": "NaN"}},
                                    {"key": "e", "value": {}},
                                    {"key": "s", "value": {"stringValue": ""}},
                                ],
                            }
                        ],
                    }
                ],
            }
        ],
        "futureField": {},
    }

    (span,) = spans(json, plain.dumps(body).encode())

    assert (span.trace, span.kind, span.status, span.started_ns) == (made.trace, "client", "error", made.now)
    assert span.attributes["n"] == 9007199254740993
    assert math.isnan(span.attributes["f"])
    assert (span.attributes["e"], span.attributes["s"]) == (None, "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"resourceSpans": 5}', b'{"resourceSpans":[{"scopeSpans":{}}]}'])
def test_json_that_is_no_request_is_refused(body):
    with pytest.raises(Mistaken):
        json.sent(body)


@pytest.mark.parametrize(
    "wrong", [{"startTimeUnixNano": "soon"}, {"startTimeUnixNano": "9" * 30}, {"attributes": 5}, {"spanId": "xyz"}]
)
def test_one_wrong_span_of_json_is_refused_and_its_neighbours_read(made, wrong):
    right = plain.loads(otlp_json(made.request({"name": "right"})))
    spans_ = right["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans_.insert(0, {**spans_[0], **wrong})

    (group,) = json.sent(plain.dumps(right).encode())
    with pytest.raises(Mistaken):
        group.read(group.spans[0], "")

    assert group.read(group.spans[1], "").name == "right"
