"""Other people's tracers against a served Rowen: OpenTelemetry's SDK and instrumentation, OpenInference's, Langfuse's.

Each program lives in an environment of its own, is pointed at Rowen by OpenTelemetry's variables, and calls Rowen's own
models, so that its trace and Rowen's stand side by side.
"""

import json
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rowen.store.base import ScoreFilter
from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

HERE = Path(__file__).parent / "traces"

IMPORTED = (
    "langchain_core.output_parsers",
    "langchain_core.prompts",
    "langchain_openai",
    "langfuse",
    "openinference.instrumentation.langchain",
    "openinference.instrumentation.openai",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.instrumentation.genai.openai",
    "opentelemetry.instrumentation.httpx",
    "opentelemetry.sdk.trace.export",
)
"""What the programs import. None of it does anything before it is told to."""

Program = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def keeper(rowen: Running) -> str:
    """A key that may call, read and change, as a Langfuse secret may."""
    return rowen.new_key("langfuse", scopes=("call", "manage"))


@pytest.fixture(scope="module")
def program(rowen: Running, keeper: str, installed, nurseries, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs a program once and gives what it found."""
    python: Path = installed("traces", HERE / "requirements.txt")
    home = tmp_path_factory.mktemp("traces")
    text = (HERE / "program.py").read_text(encoding="utf-8")
    running = nurseries(python, IMPORTED, {"HOME": str(home), "NO_PROXY": "127.0.0.1"})
    ran: dict[str, dict[str, Any]] = {}

    def run(name: str) -> dict[str, Any]:
        if name not in ran:
            done = running.run(
                text,
                name,
                env={
                    "HOME": str(home),
                    "NO_PROXY": "127.0.0.1",
                    "ROWEN_URL": rowen.url,
                    "ROWEN_KEY": rowen.key,
                    "OTEL_SERVICE_NAME": f"peer-{name}",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": rowen.url,
                    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{rowen.key}",
                    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
                    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
                    "LANGFUSE_BASE_URL": rowen.url,
                    "LANGFUSE_PUBLIC_KEY": "pk-any",
                    "LANGFUSE_SECRET_KEY": keeper,
                    "LANGFUSE_TRACING_ENVIRONMENT": "test",
                },
            )
            assert done.returncode == 0, done.stderr[-3000:]
            assert "Failed to export" not in done.stderr
            ran[name] = json.loads(done.stdout.splitlines()[-1])
            rowen.do(rowen.opened.traces_written())
        return ran[name]

    return run


def asked(rowen: Running, path: str) -> Any:
    request = urllib.request.Request(f"{rowen.url}{path}", headers={"authorization": f"Bearer {rowen.admin}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]


def traces(rowen: Running, name: str) -> list[dict[str, Any]]:
    """The traces of a program, the first one first."""
    return list(reversed(asked(rowen, f"/api/traces?app=peer-{name}&limit=100")))


def spans(rowen: Running, trace: dict[str, Any]) -> dict[str, Any]:
    """The spans of a trace as they are kept whole, by name."""
    store = rowen.opened.store.traces
    rows = rowen.do(store.spans(trace["id"], "default"))
    return {row.name: rowen.do(store.span(trace["id"], row.id, "default")) for row in rows}


def test_the_official_sdks_trace_comes_whole(rowen: Running, program: Program):
    said = program("sdk")

    (trace,) = traces(rowen, "sdk")
    found = spans(rowen, trace)
    assert trace["id"] == said["trace"]
    assert (trace["name"], trace["session"], trace["release"], trace["environment"]) == (
        "answer a question",
        "s-sdk",
        "1.2.3",
        "test",
    )
    assert set(found) == {"answer a question", "look it up", "break"}
    assert found["answer a question"].span.attributes["own"] == "kept"
    assert found["answer a question"].span.scope == "tests 1.0"
    assert (found["look it up"].row.type, found["look it up"].span.events[0].attributes) == ("retriever", {"count": 3})
    assert (found["break"].row.status, found["break"].row.code) == ("error", "ValueError")
    assert found["break"].row.parent == found["answer a question"].row.id


def test_a_call_made_within_a_trace_is_found_from_it(rowen: Running, program: Program):
    said = program("sdk")

    (call,) = asked(rowen, f"/api/traces?within={said['trace']}")

    assert (call["id"], call["model"], call["within"]) == (said["call"], "sky", said["trace"])


@pytest.mark.parametrize("name", ["openinference", "genai"])
def test_instrumented_openai_clients_tell_of_their_calls(rowen: Running, program: Program, name: str):
    program(name)

    chat, tool, stream, embedding, failed = traces(rowen, name)
    (whole,) = spans(rowen, chat).values()
    assert (chat["model"], chat["provider"], chat["input_tokens"], chat["output_tokens"]) == ("sky", "openai", 11, 5)
    assert (chat["asked"], chat["said"]) == ("What is the sky like?", "The sky is blue today.")
    assert [message["role"] for message in whole.input] == ["system", "user"]
    assert whole.output[0]["parts"] == [{"type": "text", "content": "The sky is blue today."}]
    assert tool["said"].startswith('weather({"city":"Oslo"})')
    assert (stream["said"], stream["first_ns"] > 0) == ("The sky is blue today.", True)
    assert (failed["status"], failed["code"], failed["model"]) == ("failed", "openai.NotFoundError", "nobody")
    types = [row.type for trace in (chat, tool, embedding) for row in rowen.do(_rows(rowen, trace))]
    assert types == ["llm", "llm", "embedding"]


async def _rows(rowen: Running, trace: dict[str, Any]) -> list[Any]:
    found: list[Any] = await rowen.opened.store.traces.spans(trace["id"], "default")
    return found


def test_what_openinference_knows_of_the_caller_stands_on_the_trace(rowen: Running, program: Program):
    program("openinference")

    first = traces(rowen, "openinference")[0]

    assert (first["session"], first["user"], first["tags"]) == ("s-oi", "ann", ["a", "b"])


def test_a_langchain_program_and_the_call_it_makes_stand_in_one_list(rowen: Running, program: Program):
    assert program("langchain")["answer"] == "The sky is blue today."

    chain = next(trace for trace in traces(rowen, "langchain") if trace["name"] == "RunnableSequence")
    found = spans(rowen, chain)
    listed = asked(rowen, "/api/traces?limit=100")
    calls = [trace for trace in listed if trace.get("origin", "call") == "call" and trace.get("within")]
    assert (chain["asked"], chain["said"]) == ("What is the sky like?", "The sky is blue today.")
    assert {seen.row.type for seen in found.values()} >= {"chain", "llm", "prompt"}
    assert found["ChatOpenAI"].row.input_tokens == 11
    assert chain["id"] in {trace["id"] for trace in listed}
    # httpx handed its trace on, and Rowen's own trace says so.
    posts = {trace["id"] for trace in traces(rowen, "langchain") if trace["name"] == "POST"}
    assert posts & {call["within"] for call in calls}


def test_a_call_that_two_instrumentations_tell_of_is_counted_once(rowen: Running, program: Program):
    program("both")

    (trace,) = traces(rowen, "both")
    tokens = {row.name: row.input_tokens for row in rowen.do(_rows(rowen, trace)) if row.type == "llm"}
    assert tokens == {"ChatOpenAI": 11, "ChatCompletion": 11}
    assert (trace["input_tokens"], trace["output_tokens"]) == (11, 5)


def test_a_call_through_rowen_is_not_counted_once_more_in_the_trace_it_was_made_in(rowen: Running, program: Program):
    program("linked")

    (trace,) = traces(rowen, "linked")
    (call,) = asked(rowen, f"/api/traces?within={trace['id']}")
    tokens = {row.name: row.input_tokens for row in rowen.do(_rows(rowen, trace)) if row.type == "llm"}
    assert tokens == {"ChatCompletion": 11}
    assert (call["input_tokens"], trace.get("input_tokens", 0), trace.get("output_tokens", 0)) == (11, 0, 0)


def test_langfuses_sdk_traces_scores_prompts_and_data_sets_unchanged(rowen: Running, program: Program):
    found = program("langfuse")

    (trace,) = [each for each in asked(rowen, "/api/traces?limit=100") if each["id"] == found["trace"]]
    whole = spans(rowen, trace)
    assert found["auth"] is True
    assert (trace["name"], trace["said"], trace["environment"]) == ("answer", "Blue.", "test")
    assert (whole["ask"].row.type, whole["ask"].row.model) == ("llm", "gpt-4.1-mini")
    assert (whole["ask"].row.input_tokens, whole["ask"].row.output_tokens) == (1000, 100)
    assert whole["ask"].input == [{"role": "user", "content": "What is the sky like?"}]
    assert found["prompts"] == [
        "Good day Ann",
        {"temperature": 0},
        "Hello Ann",
        2,
        [{"role": "system", "content": "Be kind."}],
        "plain",
    ]
    assert found["dataset"] == ["cities/2", "Capitals.", ["Madrid", "Oslo", "Rome"]]
    assert found["scores"] == [["closeness", 0.75], ["solved", True], ["tone", "kind"]]
    assert found["observations"] == [
        ["answer", "SPAN", None, "Blue."],
        ["ask", "GENERATION", "gpt-4.1-mini", "Blue."],
    ]
    scores = rowen.do(rowen.opened.store.scores.find(ScoreFilter(traces=(found["trace"],))))
    assert {score.target for score in scores if score.name == "tone"} == {"span"}
    assert "own-id" in {score.id for score in scores}


def test_an_experiment_of_langfuses_sdk_and_its_review_queue_are_rowens_own(rowen: Running, program: Program):
    found = program("experiment")

    assert found["scores"] == [["exact", 0.0], ["exact", 1.0]]
    assert found["run"] == [["mean_exact", 0.5]]
    assert found["config"] == ["right", "BOOLEAN", ["True", "False"]]
    assert found["queue"] == [["right"], found["traces"][0], "PENDING"]
    assert found["listed"]
    seen = {trace["id"] for trace in asked(rowen, "/api/traces?limit=500")}
    assert set(found["traces"]) <= seen
    (queue,) = [each for each in asked(rowen, "/api/queues") if each["name"] == "capitals"]
    assert [item["trace"] for item in asked(rowen, f"/api/queues/{queue['id']}/items")] == found["traces"][:1]


def test_langfuses_older_sdk_sends_its_batches_and_reads_its_trace_back(
    rowen: Running, keeper: str, installed, tmp_path: Path
):
    here = HERE.parent / "langfuse"
    python: Path = installed("langfuse", here / "requirements.txt")

    done = subprocess.run(
        [str(python), str(here / "program.py")],
        env={
            "HOME": str(tmp_path),
            "NO_PROXY": "127.0.0.1",
            "LANGFUSE_HOST": rowen.url,
            "LANGFUSE_PUBLIC_KEY": "pk-any",
            "LANGFUSE_SECRET_KEY": keeper,
        },
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "auth": True,
        "trace": ["answer", "ann", "s-old", ["a"], "Blue."],
        "observations": [
            ["answer", "CHAIN", "Blue."],
            ["ask", "GENERATION", "Blue."],
            ["look up", "SPAN", "found"],
        ],
        "scores": ["solved"],
    }
