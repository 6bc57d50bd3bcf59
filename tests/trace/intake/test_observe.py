"""A span becomes a row: whatever conventions it was written by, the same fields are filled."""

import itertools
import json
from decimal import Decimal

import pytest

from rowen.provider.prices import Prices, Snapshot
from rowen.trace.intake.names import FIELDS, INPUT, OUTPUT, RESOURCE
from rowen.trace.intake.observe import IntakeLimits
from rowen.values import Happening, Mistaken

PRICES = Prices(Snapshot.load())


def said(role: str, text: str, **more):
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


CONVENTIONS = {
    "gen_ai": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 200,
        "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.conversation.id": "s-1",
        "user.id": "ann",
        "gen_ai.input.messages": json.dumps([said("user", "Why?")]),
        "gen_ai.output.messages": json.dumps([said("assistant", "Because.", finish_reason="stop")]),
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
    },
    "gen_ai of 1.36": {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.usage.prompt_tokens": 1000,
        "gen_ai.usage.completion_tokens": 100,
        "gen_ai.usage.cache_read_input_tokens": 200,
        "gen_ai.usage.reasoning_tokens": 30,
        "session.id": "s-1",
        "enduser.id": "ann",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": "Why?",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Because.",
        "gen_ai.completion.0.finish_reason": "stop",
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.system": "openai",
        "llm.model_name": "gpt-4.1-mini",
        "llm.token_count.prompt": 1000,
        "llm.token_count.completion": 100,
        "llm.token_count.prompt_details.cache_read": 200,
        "llm.token_count.completion_details.reasoning": 30,
        "session.id": "s-1",
        "user.id": "ann",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": "Why?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "Because.",
        "input.value": "{}",
    },
    "langfuse": {
        "langfuse.observation.type": "generation",
        "gen_ai.provider.name": "openai",
        "langfuse.observation.model.name": "gpt-4.1-mini",
        "langfuse.observation.usage_details": json.dumps(
            {"input": 800, "output": 70, "input_cached_tokens": 200, "output_reasoning_tokens": 30, "total": 1100}
        ),
        "session.id": "s-1",
        "user.id": "ann",
        "langfuse.observation.input": json.dumps(
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
        ),
        "langfuse.observation.output": json.dumps({"role": "assistant", "content": "Because."}),
    },
}


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_fills_the_same_fields(made, convention):
    row = made.seen(CONVENTIONS[convention], pricing=PRICES, kind="client").row

    assert (row.type, row.model, row.provider, row.kind) == ("llm", "gpt-4.1-mini", "openai", "client")
    assert (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens) == (1000, 100, 200, 30)
    assert (row.session, row.user, row.tenant) == ("s-1", "ann", "acme")
    # 800 at 0.40, 200 at 0.10 and 100 at 1.60 US dollars a million
    assert row.cost == Decimal("0.0005")
    assert row.input == "Why?"
    assert "Because." in row.output


@pytest.mark.parametrize("convention", ["gen_ai", "gen_ai of 1.36", "openinference"])
def test_messages_have_one_shape(made, convention):
    seen = made.seen(CONVENTIONS[convention])

    assert seen.input == [said("system", "Be brief."), said("user", "Why?")]
    assert [{k: v for k, v in each.items() if k != "finish_reason"} for each in seen.output] == [
        said("assistant", "Because.")
    ]


def test_what_became_input_and_output_is_not_kept_twice_and_all_else_is(made):
    attributes = {**CONVENTIONS["openinference"], "llm.tools.0.tool.json_schema": "{}", "my.own": [1, {"a": None}]}

    kept = made.seen(attributes, resource={"service.name": "shop", "host.name": "h1"}).span.attributes

    assert not [name for name in kept if name.startswith(("llm.input_messages", "llm.output_messages"))]
    assert kept["my.own"] == [1, {"a": None}]
    assert kept["llm.tools.0.tool.json_schema"] == "{}"
    assert (kept["service.name"], kept["host.name"]) == ("shop", "h1")
    assert kept["llm.token_count.prompt"] == 1000
    # The messages won; the whole request beside them is content of its own.
    assert kept["input.value"] == "{}"


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_of_several_names_for_a_field_the_first_wins_whatever_their_order(made, field):
    names = FIELDS[field]
    for better, worse in itertools.pairwise(names):
        one = made.seen({better: 7, worse: 8}).row
        other = made.seen({worse: 8, better: 7}).row
        alone = made.seen({better: 7}).row

        assert one == other == alone


@pytest.mark.parametrize(("names", "field"), [(INPUT, "input"), (OUTPUT, "output")])
def test_of_several_names_for_content_the_first_wins_and_the_others_stay(made, names, field):
    for better, worse in itertools.pairwise(names):
        seen = made.seen({worse: "worse", better: "better"})

        assert getattr(seen, field) == "better"
        assert better not in seen.span.attributes
        assert seen.span.attributes[worse] == "worse"


def test_a_resource_names_app_environment_and_release_and_a_span_may_know_better(made):
    resource = {
        "service.name": "shop",
        "service.version": "1.2",
        "deployment.environment": "old",
        "deployment.environment.name": "production",
    }

    row = made.seen({}, resource=resource).row
    project = made.seen({}, resource={**resource, "openinference.project.name": "proj"}).row
    own = made.seen({"deployment.environment": "staging"}, resource=resource).row
    named = made.seen({}, resource=resource, app="header").row

    assert (row.app, row.environment, row.release) == ("shop", "production", "1.2")
    assert (project.app, own.environment, named.app) == ("proj", "staging", "header")
    assert made.seen({}, resource={"service.name": "unknown_service:python"}).row.app == ""
    assert set(RESOURCE) == {"app", "environment", "release"}


@pytest.mark.parametrize(
    ("attributes", "type_"),
    [
        ({"openinference.span.kind": "RETRIEVER"}, "retriever"),
        ({"openinference.span.kind": "DECISION"}, "chain"),
        ({"openinference.span.kind": "UNKNOWN"}, "other"),
        ({"openinference.span.kind": "NEW", "gen_ai.operation.name": "plan"}, "chain"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "search_memory"}, "memory"),
        ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
        ({"langfuse.observation.type": "span"}, "other"),
        ({"langfuse.observation.type": "span", "gen_ai.operation.name": "chat"}, "llm"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "llm"),
        ({"traceloop.span.kind": "workflow"}, "chain"),
        ({"llm.request.type": "rerank"}, "reranker"),
        ({"mcp.method.name": "tools/call"}, "tool"),
        ({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3}, "llm"),
        ({"db.system": "qdrant"}, "retriever"),
        ({"db.system": "postgresql"}, "other"),
        ({"http.request.method": "GET"}, "other"),
    ],
)
def test_the_type_is_told_or_guessed(made, attributes, type_):
    assert made.seen(attributes).row.type == type_


def test_tool_calls_and_their_results_are_parts_of_messages(made):
    seen = made.seen(
        {
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city":"Oslo"}',
            "llm.input_messages.0.message.role": "tool",
            "llm.input_messages.0.message.content": "Rain",
            "llm.input_messages.0.message.tool_call_id": "c0",
        }
    )

    assert seen.output[0]["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}
    ]
    assert seen.row.output == 'weather({"city":"Oslo"})'
    assert seen.input[0]["parts"] == [{"type": "tool_call_response", "id": "c0", "result": "Rain"}]


def test_retrieved_documents_are_the_output_in_their_order(made):
    attributes = {"openinference.span.kind": "RETRIEVER", "input.value": "query"}
    for number in (10, 2, 1):
        attributes[f"retrieval.documents.{number}.document.content"] = f"text {number}"
        attributes[f"retrieval.documents.{number}.document.score"] = number / 10
        attributes[f"retrieval.documents.{number}.document.metadata"] = '{"page": 1}'

    seen = made.seen(attributes)

    assert [each["content"] for each in seen.output] == ["text 1", "text 2", "text 10"]
    assert seen.output[0] == {"content": "text 1", "score": 0.1, "metadata": {"page": 1}}
    assert (seen.input, seen.row.input) == ("query", "query")


def test_embedded_texts_are_the_input(made):
    attributes = {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "minilm"}
    attributes |= {f"embedding.embeddings.{n}.embedding.text": f"text {n}" for n in range(2)}

    seen = made.seen(attributes)

    assert (seen.row.type, seen.row.model, seen.input) == ("embedding", "minilm", ["text 0", "text 1"])


def test_the_older_conventions_events_are_input_and_output(made):
    events = (
        Happening(name="gen_ai.system.message", at_ns=1, attributes={"content": "Be brief."}),
        Happening(name="gen_ai.user.message", at_ns=1, attributes={"content": "Why?"}),
        Happening(name="gen_ai.tool.message", at_ns=1, attributes={"content": "Rain", "id": "c0"}),
        Happening(name="something.else", at_ns=1),
        Happening(
            name="gen_ai.choice",
            at_ns=2,
            attributes={
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "content": "Because.",
                    "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": "{}"}}],
                },
            },
        ),
    )

    seen = made.seen({"gen_ai.system": "openai"}, events=events)

    assert [each["role"] for each in seen.input] == ["system", "user", "tool"]
    assert (seen.row.input, seen.row.output) == ("Why?", "Because.")
    assert seen.output[0]["parts"][1] == {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {}}
    assert seen.output[0]["finish_reason"] == "tool_calls"
    assert [event.name for event in seen.span.events] == ["something.else"]


@pytest.mark.parametrize(
    "events",
    [
        (
            Happening(name="gen_ai.content.prompt", at_ns=1, attributes={"gen_ai.prompt": '[{"role": "user"}]'}),
            Happening(name="gen_ai.content.completion", at_ns=1, attributes={"gen_ai.completion": "Because."}),
        ),
        (
            Happening(
                name="gen_ai.client.inference.operation.details",
                at_ns=1,
                attributes={"gen_ai.input.messages": [{"role": "user"}], "gen_ai.output.messages": "Because."},
            ),
        ),
    ],
)
def test_content_in_one_event_is_taken_whole(made, events):
    seen = made.seen({}, events=events)

    assert (seen.input, seen.output, seen.span.events) == ([{"role": "user"}], "Because.", ())


def test_costs_are_the_senders_own_or_priced_or_unknown(made):
    usage = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1_000_000}
    known = {**usage, "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1-mini"}

    assert made.seen({**known, "llm.cost.total": 0.25}, pricing=PRICES).row.cost == Decimal("0.25")
    assert made.seen({**known, "langfuse.observation.cost_details": '{"input": 0.1, "output": 0.2}'}).row.cost == (
        Decimal("0.3")
    )
    assert made.seen({**known, "langfuse.observation.cost_details": '{"input": 1, "total": 3}'}).row.cost == 3
    assert made.seen(known, pricing=PRICES).row.cost == Decimal("0.4")
    assert made.seen({**known, "gen_ai.request.model": "own-model"}, pricing=PRICES).row.cost is None
    assert made.seen({**known, "rowen.cost": "unknown"}).row.cost is None
    # A chain tells its model's tokens again; only what was bought is priced.
    assert made.seen({**known, "gen_ai.operation.name": "invoke_agent"}, pricing=PRICES).row.cost is None


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "lots", True, [], 10**12])
def test_a_cost_that_cannot_be_is_unknown(made, amount):
    assert made.seen({"llm.cost.total": amount}).row.cost is None


@pytest.mark.parametrize(
    ("value", "tokens"),
    [(5, 5), (5.0, 5), ("5", 5), (-5, 0), ("x", 0), (True, 0), (None, 0), ([], 0), (2**70, 0), (float("inf"), 0)],
)
def test_a_count_of_tokens_is_a_number_or_nothing(made, value, tokens):
    assert made.seen({"gen_ai.usage.input_tokens": value}).row.input_tokens == tokens


@pytest.mark.parametrize(
    ("provider", "known_as"),
    [
        ("gcp.vertex_ai", "gemini"),
        ("aws.bedrock", "bedrock"),
        ("azure.ai.openai", "azure"),
        ("mistral_ai", "mistral"),
        ("OpenAI", "openai"),
        ("somebody", "somebody"),
    ],
)
def test_providers_bear_the_names_of_rowens_own(made, provider, known_as):
    assert made.seen({"gen_ai.provider.name": provider}).row.provider == known_as


def test_a_call_that_failed_has_its_code_and_the_model_it_asked_for(made):
    exception = Happening(name="exception", at_ns=1, attributes={"exception.type": "openai.NotFoundError"})

    one = made.seen({"llm.invocation_parameters": '{"model": "nope"}'}, events=(exception,), status="error").row
    other = made.seen({"error.type": "timeout"}, events=(exception,), status="error").row
    silent = made.seen({}, status="error").row
    langfuse = made.seen(
        {"langfuse.observation.level": "ERROR", "langfuse.observation.status_message": "No such model."}
    )

    assert (one.code, one.model, one.status) == ("openai.NotFoundError", "nope", "error")
    assert (other.code, silent.code) == ("timeout", "error")
    assert (langfuse.row.status, langfuse.span.message) == ("error", "No such model.")


def test_the_time_to_the_first_piece_is_told_three_ways(made):
    begun = made.now - 2_000_000_000
    event = Happening(name="First Token Stream Event", at_ns=begun + 70_000_000)

    seconds = made.seen({"gen_ai.response.time_to_first_chunk": 0.07}).row.first_ns
    moment = made.seen(
        {"langfuse.observation.completion_start_time": '"2026-11-25T10:26:39.070000Z"'},
        started_ns=1_795_602_399_000_000_000,
        ended_ns=1_795_602_400_000_000_000,
    ).row.first_ns

    assert seconds == made.seen({}, events=(event,)).row.first_ns == 70_000_000
    assert moment == 70_000_000
    assert made.seen({"langfuse.observation.completion_start_time": "soon"}).row.first_ns is None


def test_tags_prompt_and_feature_are_found(made):
    row = made.seen(
        {
            "tag.tags": ["a", "b", "a", ""],
            "gen_ai.prompt.name": "greeting",
            "gen_ai.prompt.version": 3,
            "rowen.feature": "search",
        }
    ).row

    assert (row.tags, row.prompt, row.feature) == (("a", "b"), "greeting:3", "search")
    assert made.seen({"langfuse.trace.tags": '["x"]'}).row.tags == ("x",)
    assert made.seen({"tag.tags": "x, y"}).row.tags == ("x", "y")


@pytest.mark.parametrize(
    ("times", "fixed"),
    [
        ({"started_ns": 10, "ended_ns": 5}, "it ended before it started"),
        ({"started_ns": 10, "ended_ns": 0}, "it had no end"),
        ({"started_ns": 10, "ended_ns": 2**64 - 1}, "its end was to come"),
    ],
)
def test_an_end_that_cannot_be_is_put_right_and_told(made, times, fixed):
    offset = made.now - 1_000_000_000
    ended = times["ended_ns"] if times["ended_ns"] in {0, 2**64 - 1} else times["ended_ns"] + offset

    seen = made.seen({}, started_ns=times["started_ns"] + offset, ended_ns=ended)

    assert (seen.row.duration_ns, seen.span.ended_ns) == (0, seen.span.started_ns)
    assert seen.span.attributes["rowen.fixed"] == fixed
    assert seen.span.attributes["rowen.sent_end_ns"] == str(ended)


@pytest.mark.parametrize("started", [0, 86_400, 4_102_444_800_000_000_000, 2**64 - 1])
def test_a_span_of_1970_or_2100_is_refused(made, started):
    with pytest.raises(Mistaken, match="before 2010, or in the future"):
        made.seen({}, started_ns=started, ended_ns=started)


def test_a_clock_that_is_an_hour_ahead_is_believed(made):
    hour = 3_600_000_000_000

    row = made.seen({}, started_ns=made.now + hour, ended_ns=made.now + hour + 5).row

    assert (row.started_ns, row.duration_ns) == (made.now + hour, 5)


def test_a_text_of_a_million_characters_is_kept_and_a_longer_one_cut_and_told(made):
    seen = made.seen({"whole": "x" * 1_000_000, "long": "y" * 10_000_000, "input.value": "z" * 2_000_000})

    assert len(seen.span.attributes["whole"]) == 1_000_000
    assert len(seen.span.attributes["long"]) == 1_000_000
    assert len(seen.input) == 1_000_000
    assert seen.span.attributes["rowen.cut"] == ["long", "input.value"]
    assert len(seen.row.input) == 200


def test_more_attributes_than_a_span_may_have_are_left_out_and_counted(made):
    attributes = {f"n{number}": number for number in range(5_000)}

    seen = made.seen(attributes, limits=IntakeLimits(attributes=100), resource={"service.name": "shop"})

    assert len(seen.span.attributes) == 101
    assert seen.span.attributes["rowen.attributes_left_out"] == 4_901


def test_a_million_names_do_not_stay_in_memory(made):
    for batch in range(20):
        made.seen({f"name.{batch}.{number}": number for number in range(1_000)})

    assert made.seen({"session.id": "s"}).row.session == "s"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"messages": [{"type": "human", "content": "Why?"}]}, "Why?"),
        ({"messages": [[{"type": "human", "content": "Why?"}]]}, "Why?"),
        ({"question": "Why?"}, '{"question":"Why?"}'),
        ([1, 2], "[1,2]"),
        ("x" * 300, "x" * 200),
        ("{not json", "{not json"),
    ],
)
def test_the_preview_shows_what_a_person_asked(made, value, shown):
    text = value if isinstance(value, str) else json.dumps(value)

    assert made.seen({"input.value": text}).row.input == shown


def test_json_that_is_nested_beyond_reason_stays_a_text(made):
    text = "[" * 100_000

    assert made.seen({"input.value": text}).input == text
