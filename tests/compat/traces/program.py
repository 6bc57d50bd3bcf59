"""Programs that are traced by other people's software, and know of Rowen only an address and a key.

Run as `program.py NAME`; prints what the test wants to know as one line of JSON.
"""

# ruff: noqa: PLC0415 - each program loads what traces it

import json
import os
import sys
from contextlib import suppress
from typing import Any

from openai import NotFoundError, OpenAI
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


def provider() -> TracerProvider:
    """The SDK as its documentation sets it up; the address and the key are in OTEL_ variables."""
    made = TracerProvider(resource=Resource.create({"service.version": "1.2.3", "deployment.environment.name": "test"}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(made)
    return made


def client() -> OpenAI:
    return OpenAI(base_url=os.environ["ROWEN_URL"] + "/v1", api_key=os.environ["ROWEN_KEY"], max_retries=0, timeout=30)


def calls(openai: OpenAI) -> None:
    """Chat, a tool call, a stream, an embedding, and one that fails."""
    openai.chat.completions.create(
        model="sky",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the sky like?"}],
    )
    openai.chat.completions.create(
        model="caller", messages=[{"role": "user", "content": "What is the weather?"}], tools=TOOLS
    )
    for _ in openai.chat.completions.create(
        model="sky", messages=[{"role": "user", "content": "And now?"}], stream=True
    ):
        pass
    openai.embeddings.create(model="main", input=["a cat", "a dog"])
    with suppress(NotFoundError):
        openai.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Are you there?"}])


def sdk() -> dict[str, Any]:
    """OpenTelemetry's own SDK: a trace over a call through Rowen."""
    made = provider()
    tracer = made.get_tracer("tests", "1.0")
    with tracer.start_as_current_span("answer a question", attributes={"session.id": "s-sdk", "own": "kept"}) as root:
        with tracer.start_as_current_span("look it up", attributes={"openinference.span.kind": "RETRIEVER"}) as inner:
            inner.add_event("found", {"count": 3})
        headers: dict[str, str] = {}
        propagate.inject(headers)
        answer = client().chat.completions.with_raw_response.create(
            model="sky", messages=[{"role": "user", "content": "What is the sky like?"}], extra_headers=headers
        )
        with suppress(ValueError), tracer.start_as_current_span("break"):
            int("on purpose")
    made.shutdown()
    return {"trace": f"{root.get_span_context().trace_id:032x}", "call": answer.headers["x-rowen-trace"]}


def openinference() -> dict[str, Any]:
    from openinference.instrumentation import using_attributes
    from openinference.instrumentation.openai import OpenAIInstrumentor

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    with using_attributes(session_id="s-oi", user_id="ann", tags=["a", "b"], metadata={"k": "v"}):
        calls(client())
    made.shutdown()
    return {}


def genai() -> dict[str, Any]:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    calls(client())
    made.shutdown()
    return {}


def langchain() -> dict[str, Any]:
    """A chain of LangChain's, without a word about traces in it; httpx hands the trace on to Rowen."""
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_openai import ChatOpenAI
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

    made = provider()
    LangChainInstrumentor().instrument(tracer_provider=made)
    HTTPX2ClientInstrumentor().instrument(tracer_provider=made)

    model = ChatOpenAI(
        model="sky", base_url=os.environ["ROWEN_URL"] + "/v1", api_key=os.environ["ROWEN_KEY"], max_retries=0
    )
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")]) | model
    answer = (chain | StrOutputParser()).invoke({"question": "What is the sky like?"})

    made.shutdown()
    return {"answer": answer}


def both() -> dict[str, Any]:
    """One call that LangChain's instrumentation tells of, and that of the client beneath it."""
    from langchain_openai import ChatOpenAI
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    made = provider()
    LangChainInstrumentor().instrument(tracer_provider=made)
    OpenAIInstrumentor().instrument(tracer_provider=made)
    model = ChatOpenAI(
        model="sky", base_url=os.environ["ROWEN_URL"] + "/v1", api_key=os.environ["ROWEN_KEY"], max_retries=0
    )
    with made.get_tracer("tests").start_as_current_span("answer"):
        model.invoke("What is the sky like?")
    made.shutdown()
    return {}


def linked() -> dict[str, Any]:
    """One call that the client's instrumentation tells of, and Rowen, to whom httpx hands the trace on."""
    from openinference.instrumentation.openai import OpenAIInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

    made = provider()
    OpenAIInstrumentor().instrument(tracer_provider=made)
    HTTPX2ClientInstrumentor().instrument(tracer_provider=made)
    client().chat.completions.create(model="sky", messages=[{"role": "user", "content": "What is the sky like?"}])
    made.shutdown()
    return {}


def langfuse() -> dict[str, Any]:
    """Langfuse's SDK: its decorator, generations, scores, prompts and data sets."""
    from langfuse import get_client, observe

    it = get_client()
    found: dict[str, Any] = {"auth": it.auth_check()}

    @observe()
    def answer(question: str) -> str:
        with it.start_as_current_observation(
            as_type="generation",
            name="ask",
            model="gpt-4.1-mini",
            input=[{"role": "user", "content": question}],
            usage_details={"input": 1000, "output": 100},
            metadata={"own": "kept"},
        ) as generation:
            generation.update(output="Blue.")
        found["trace"] = it.get_current_trace_id()
        it.score_current_trace(name="solved", value=1, data_type="BOOLEAN", comment="It was.")
        it.score_current_span(name="tone", value="kind", data_type="CATEGORICAL")
        return "Blue."

    answer("What is the sky like?")
    it.create_score(name="closeness", value=0.75, trace_id=found["trace"], score_id="own-id")
    it.flush()

    it.create_prompt(name="greet", prompt="Hello {{name}}", labels=["production"])
    it.create_prompt(name="greet", prompt="Good day {{name}}", labels=["staging"], config={"temperature": 0})
    it.create_prompt(
        name="talk", type="chat", prompt=[{"role": "system", "content": "Be {{how}}."}], labels=["production"]
    )
    second = it.get_prompt("greet", label="staging", cache_ttl_seconds=0)
    it.update_prompt(name="greet", version=2, new_labels=["production"])
    found["prompts"] = [
        second.compile(name="Ann"),
        second.config,
        it.get_prompt("greet", version=1).compile(name="Ann"),
        it.get_prompt("greet", cache_ttl_seconds=0).version,
        it.get_prompt("talk", type="chat").compile(how="kind"),
        it.get_prompt("absent", fallback="plain").compile(),
    ]

    it.create_dataset(name="cities/2", description="Capitals.", metadata={"k": "v"})
    for question, expected in (("Norway?", "Oslo"), ("Italy?", "Rome"), ("Spain?", "Madrid")):
        it.create_dataset_item(dataset_name="cities/2", input={"q": question}, expected_output=expected)
    dataset = it.get_dataset("cities/2", fetch_items_page_size=2)
    found["dataset"] = [dataset.name, dataset.description, sorted(item.expected_output for item in dataset.items)]
    found["scores"] = sorted(
        (score.name, score.value) for score in it.api.scores.get_many(trace_id=found["trace"]).data
    )
    found["observations"] = sorted(
        (seen.name, seen.type, seen.model, seen.output)
        for seen in it.api.observations.get_many(trace_id=found["trace"], fields="core,basic,io,model").data
    )
    it.shutdown()
    return found


def experiment() -> dict[str, Any]:
    """Langfuse's SDK: an experiment over a data set, score configs and annotation queues."""
    from langfuse import Evaluation, get_client

    it = get_client()
    it.create_dataset(name="capitals")
    for country, capital in (("France", "Paris"), ("Italy", "Rome")):
        it.create_dataset_item(dataset_name="capitals", input={"country": country}, expected_output=capital)

    def task(*, item: Any, **_: Any) -> str:
        return {"France": "Paris"}.get(item.input["country"], "Bern")

    def exact(*, output: str, expected_output: str, **_: Any) -> Evaluation:
        return Evaluation(name="exact", value=float(output == expected_output))

    def mean(*, item_results: Any, **_: Any) -> Evaluation:
        values = [each.value for result in item_results for each in result.evaluations]
        return Evaluation(name="mean_exact", value=sum(values) / len(values))

    ran = it.get_dataset("capitals").run_experiment(name="first", task=task, evaluators=[exact], run_evaluators=[mean])
    it.flush()
    traces = [result.trace_id for result in ran.item_results]
    config = it.api.score_configs.create(name="right", data_type="BOOLEAN", description="Is it right?")
    queue = it.api.annotation_queues.create_queue(name="capitals", score_config_ids=[config.id])
    item = it.api.annotation_queues.create_queue_item(queue.id, object_id=traces[0], object_type="TRACE")
    found = {
        "traces": traces,
        "scores": sorted(
            (score.name, score.value) for trace in traces for score in it.api.scores.get_many(trace_id=trace).data
        ),
        "run": [(score.name, score.value) for score in it.api.scores.get_many(experiment_id=ran.experiment_id).data],
        "config": [config.name, config.data_type, [each.label for each in config.categories]],
        "queue": [it.api.annotation_queues.get_queue(queue.id).score_config_ids, item.object_id, item.status],
        "listed": [each.id for each in it.api.annotation_queues.list_queue_items(queue.id).data] == [item.id],
    }
    it.shutdown()
    return found


if __name__ == "__main__":
    wanted = {
        each.__name__: each for each in (sdk, openinference, genai, langchain, both, linked, langfuse, experiment)
    }
    print(json.dumps(wanted[sys.argv[1]]()))
