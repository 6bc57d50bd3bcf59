"""What other products export becomes spans."""

import base64
import json

import pytest

from rowen.trace.intake.files import entries, sent
from rowen.trace.intake.langfuse import root_of
from rowen.values import Mistaken

TRACE, ROOT, INNER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
AT = "2026-11-25T10:00:00.000Z"


def seen(made, *values, lines: bool = False):
    """What is kept of a file's spans, by name."""
    text = "\n".join(map(json.dumps, values)) if lines else json.dumps(values[0] if len(values) == 1 else values)
    found = {}
    for entry in entries(text.encode()):
        for group in sent(entry, made.now):
            for raw in group.spans:
                span = group.read(raw, group.scope)
                kept = made.seen(
                    span.attributes, resource=group.resource,
                    **{name: getattr(span, name) for name in span.__struct_fields__ if name != "attributes"},
                )  # fmt: skip
                found[kept.row.name] = kept
    return found


def langfuse(**trace):
    return {
        "id": TRACE, "timestamp": AT, "name": "answer", "userId": "ann", "sessionId": "s", "tags": ["a"],
        "observations": [
            {"id": ROOT, "traceId": TRACE, "type": "SPAN", "name": "answer", "startTime": AT, "output": "Blue."},
            {
                "id": INNER, "traceId": TRACE, "type": "GENERATION", "name": "ask", "parentObservationId": ROOT,
                "startTime": AT, "endTime": "2026-11-25T10:00:02.000Z", "model": "gpt-4.1-mini",
                "usageDetails": {"input": 10, "output": 5}, "input": [{"role": "user", "content": "Why?"}],
            },
        ],
        **trace,
    }  # fmt: skip


def phoenix():
    return {
        "name": "ask", "span_kind": "LLM", "parent_id": ROOT, "start_time": AT, "end_time": "2026-11-25T10:00:02Z",
        "status_code": "ERROR", "status_message": "broke", "context": {"trace_id": TRACE, "span_id": INNER},
        "attributes": {
            "llm": {
                "model_name": "gpt-4.1-mini", "token_count": {"prompt": 10, "completion": 5},
                "input_messages": [{"message": {"role": "user", "content": "Why?"}}],
            },
            "metadata": {"k": "v"},
        },
        "events": [{"name": "exception", "timestamp": AT, "attributes": {"exception.type": "ValueError"}}],
    }  # fmt: skip


def mlflow():
    def b64(id: str) -> str:
        return base64.b64encode(bytes.fromhex(id)).decode()

    def span(id, parent, name, **attributes):
        return {
            "trace_id": b64(TRACE), "span_id": b64(id), "parent_span_id": b64(parent) if parent else None, "name": name,
            "start_time_unix_nano": 1_795_600_000_000_000_000 - 3_000_000_000, "end_time_unix_nano": 1_795_599_999_000_000_000,
            "events": [], "status": {"code": "STATUS_CODE_OK", "message": ""},
            "attributes": {name: json.dumps(value) for name, value in attributes.items()},
        }  # fmt: skip

    return {
        "info": {
            "trace_id": f"tr-{TRACE}",
            "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "7"}},
            "trace_metadata": {"mlflow.trace.session": "s", "mlflow.trace.user": "ann"},
            "assessments": [
                {
                    "assessment_name": "good", "feedback": {"value": True}, "rationale": "Yes.",
                    "source": {"source_type": "HUMAN", "source_id": "bob"},
                },
                {"assessment_name": "failed", "feedback": {"error": {"error_code": "X"}}},
            ],
        },
        "data": {
            "spans": [
                span(ROOT, "", "answer", **{"mlflow.spanType": "CHAIN", "mlflow.spanInputs": {"q": "Why?"}}),
                span(
                    INNER, ROOT, "ask",
                    **{
                        "mlflow.spanType": "CHAT_MODEL", "mlflow.llm.model": "gpt-4.1-mini",
                        "mlflow.chat.tokenUsage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
                        "mlflow.spanOutputs": "Blue.",
                    },
                ),
            ]
        },
    }  # fmt: skip


@pytest.mark.parametrize("value", [langfuse(), phoenix(), mlflow()], ids=["langfuse", "phoenix", "mlflow"])
@pytest.mark.parametrize("lines", [False, True])
def test_each_products_span_of_a_model_has_its_place_model_and_tokens(made, value, lines):
    ask = seen(made, value, value, lines=lines)["ask"].row

    assert (ask.trace, ask.id, ask.parent, ask.type) == (TRACE, INNER, ROOT, "llm")
    assert (ask.model, ask.input_tokens, ask.output_tokens) == ("gpt-4.1-mini", 10, 5)
    assert ask.duration_ns == 2_000_000_000


def test_langfuses_trace_tells_its_root_and_observations_alone_are_taken_too(made):
    whole = seen(made, langfuse())
    alone = seen(made, *langfuse()["observations"], lines=True)
    page = seen(made, {"data": langfuse()["observations"], "meta": {"page": 1}})

    assert (whole["answer"].row.user, whole["answer"].row.session, whole["answer"].row.tags) == ("ann", "s", ("a",))
    assert whole["answer"].row.parent == ""
    assert (whole["answer"].output, whole["ask"].row.input) == ("Blue.", "Why?")
    assert alone.keys() == page.keys() == {"answer", "ask"}


def test_langfuses_older_traces_become_a_root_above_their_observations(made):
    inner = [{"id": f"o{n}", "traceId": "t", "type": "SPAN", "name": f"step {n}", "startTime": AT} for n in (1, 2)]

    found = seen(made, langfuse(id="my trace", observations=inner, output="Blue."))

    root = found["answer"].row
    assert (root.parent, root.id, found["answer"].output) == ("", root_of(root.trace), "Blue.")
    assert {found[f"step {n}"].row.parent for n in (1, 2)} == {root.id}
    assert found["step 1"].span.attributes["langfuse.id"] == "o1"


def test_phoenixs_rows_are_taken_nested_and_flat(made):
    nested = seen(made, phoenix())["ask"]
    flat = {
        "name": "ask", "span_kind": "LLM", "parent_id": ROOT, "start_time": 1_795_600_800_000, "end_time": AT,
        "context.trace_id": TRACE, "context.span_id": INNER, "attributes.llm.model_name": "gpt-4.1-mini",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "Why?"}],
        "attributes.llm.output_messages": None,
    }  # fmt: skip
    row = seen(made, flat)["ask"]

    assert (nested.row.status, nested.row.code, nested.span.message) == ("error", "ValueError", "broke")
    assert nested.span.attributes["metadata"] == {"k": "v"}
    assert nested.input == row.input == [{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}]
    assert row.row.model == "gpt-4.1-mini"


def test_mlflows_trace_brings_its_experiment_session_and_assessments(made):
    found = seen(made, mlflow())

    root = found["answer"]
    assert (root.row.app, root.row.session, root.row.user, root.row.type) == ("experiment 7", "s", "ann", "chain")
    assert (root.input, found["ask"].output) == ({"q": "Why?"}, "Blue.")
    assert root.span.attributes["trace.annotations.0.annotation.name"] == "good"
    assert root.span.attributes["trace.annotations.0.annotation.score"] is True
    assert not [name for name in root.span.attributes if name.startswith("trace.annotations.1")]


def test_otlp_from_a_collectors_file_is_taken(made):
    span = {
        "traceId": TRACE,
        "spanId": ROOT,
        "name": "work",
        "startTimeUnixNano": str(made.now - 5),
        "endTimeUnixNano": made.now,
    }
    value = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    assert seen(made, value, value, lines=True)["work"].row.trace == TRACE


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"a": 1}', "line 1"),
        (b"5", "line 1"),
        (b'[{"id": "x"}]', "line 1"),
        (b'{"id": 5, "traceId": "t"}', "id"),
        (b'{"context": {"trace_id": "", "span_id": "x"}}', "trace_id"),
        (b'{"info": {}, "data": {"spans": [5]}}', "data.spans"),
    ],
)
def test_what_nobody_exports_is_refused_with_its_place(made, body, place):
    (entry,) = entries(body)

    with pytest.raises(Mistaken) as refused:
        sent(entry, made.now)

    assert refused.value.place == place


def test_a_line_that_is_no_json_is_named():
    with pytest.raises(Mistaken, match="line 2"):
        list(entries(b'{"a": 1}\n{"b": \n'))
