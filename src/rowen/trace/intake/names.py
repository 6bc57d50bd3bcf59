"""What attributes are called, by whom, and which field of a row each fills. One table; the first that is there wins.

Sources: the OpenTelemetry GenAI conventions (schema 1.42.0) with the names they had before (1.36 and earlier),
OpenInference 0.1.42, Langfuse's OpenTelemetry attributes, OpenLLMetry's, and MLflow's. Each programme sends its own.
"""

import re
from typing import Final, NamedTuple

from rowen.values import SpanType

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    # whose
    "session": (
        "session.id", "gen_ai.conversation.id", "langfuse.session.id", "mlflow.trace.session",
        "traceloop.association.properties.session_id",
    ),
    "user": (
        "user.id", "enduser.id", "langfuse.user.id", "mlflow.trace.user", "traceloop.association.properties.user_id",
    ),
    "feature": ("rowen.feature",),
    "tags": ("rowen.tags", "tag.tags", "langfuse.trace.tags"),
    # which model, of whom
    "asked_model": (
        "gen_ai.request.model", "llm.request.model_name", "langfuse.observation.model.name", "llm.model_name",
        "embedding.model_name", "reranker.model_name", "decision.model_name", "mlflow.llm.model",
    ),
    "invocation": (
        "llm.invocation_parameters", "embedding.invocation_parameters", "langfuse.observation.model.parameters",
    ),
    "answering_model": ("gen_ai.response.model", "llm.response.model_name"),
    "provider": ("gen_ai.provider.name", "llm.provider", "gen_ai.system", "llm.system", "mlflow.llm.provider"),
    "prompt_name": ("gen_ai.prompt.name", "langfuse.observation.prompt.name", "llm.prompt_template.name", "prompt.id"),
    "prompt_version": (
        "gen_ai.prompt.version", "langfuse.observation.prompt.version", "llm.prompt_template.version",
    ),
    # how much
    "input_tokens": (
        "gen_ai.usage.input_tokens", "llm.token_count.prompt", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens",
        "decision.token_count.input",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens", "llm.token_count.completion", "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens", "decision.token_count.output",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
    ),
    "written_tokens": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning",
        "gen_ai.usage.reasoning_tokens",
    ),
    "cost": ("rowen.cost", "llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost"),
    "usage_details": ("langfuse.observation.usage_details", "mlflow.chat.tokenUsage"),
    "cost_details": ("langfuse.observation.cost_details",),
    "first_s": (
        "gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.response.time_to_first_token",
    ),
    "first_at": ("langfuse.observation.completion_start_time",),
    # what it is
    "openinference_kind": ("openinference.span.kind",),
    "langfuse_type": ("langfuse.observation.type",),
    "operation": ("gen_ai.operation.name",),
    "mlflow_type": ("mlflow.spanType",),
    "traceloop_kind": ("traceloop.span.kind", "llm.request.type"),
    "mcp_method": ("mcp.method.name",),
    "tool": ("gen_ai.tool.name", "tool.name"),
    "database": ("db.system.name", "db.system", "gen_ai.data_source.id"),
    # how it went
    "code": ("error.type", "exception.type"),
    "level": ("langfuse.observation.level",),
    "status_message": ("langfuse.observation.status_message",),
}  # fmt: skip
"""Field → the attributes that fill it, best first."""

RESOURCE: Final[dict[str, tuple[str, ...]]] = {
    "app": ("openinference.project.name", "rowen.app", "service.name"),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
    "release": ("langfuse.release", "service.version", "langfuse.version"),
}
"""The same for what a resource says. A span may say it too, and then it counts for that span."""

INPUT: Final = (
    "gen_ai.input.messages", "gen_ai.prompt", "langfuse.observation.input", "gen_ai.tool.call.arguments",
    "gen_ai.retrieval.query.text", "gen_ai.memory.query.text", "reranker.query", "input.value",
    "mlflow.spanInputs", "traceloop.entity.input", "langfuse.trace.input", "tool.parameters",
)  # fmt: skip
"""Attributes that hold what went in, best first. Messages in many attributes and in events come before all but the first."""
OUTPUT: Final = (
    "gen_ai.output.messages", "gen_ai.completion", "langfuse.observation.output", "gen_ai.tool.call.result",
    "gen_ai.retrieval.documents", "gen_ai.memory.records", "output.value", "mlflow.spanOutputs",
    "traceloop.entity.output", "langfuse.trace.output",
)  # fmt: skip
"""The same for what came out."""
INSTRUCTIONS: Final = "gen_ai.system_instructions"

GROUPS: Final = (
    "llm.input_messages", "llm.output_messages", "llm.prompts", "llm.choices", "gen_ai.prompt", "gen_ai.completion",
    "retrieval.documents", "reranker.input_documents", "reranker.output_documents", "embedding.embeddings",
    "annotations", "evaluations", "trace.annotations", "trace.evaluations", "session.annotations",
    "session.evaluations",
)  # fmt: skip
"""Lists written as one attribute for each leaf: `llm.input_messages.0.message.role`."""

CONTENT_EVENTS: Final = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
"""Events of the older conventions that hold one message of the input, with its role."""

USERS: Final = frozenset(FIELDS["user"])

OPENINFERENCE_KINDS: Final[dict[str, SpanType]] = {
    "LLM": "llm", "EMBEDDING": "embedding", "RETRIEVER": "retriever", "RERANKER": "reranker", "TOOL": "tool",
    "AGENT": "agent", "CHAIN": "chain", "GUARDRAIL": "guardrail", "EVALUATOR": "evaluator", "PROMPT": "prompt",
    "DECISION": "chain", "MEMORY": "memory", "UNKNOWN": "other",
}  # fmt: skip
LANGFUSE_TYPES: Final[dict[str, SpanType]] = {
    "generation": "llm", "embedding": "embedding", "retriever": "retriever", "tool": "tool", "agent": "agent",
    "chain": "chain", "guardrail": "guardrail", "evaluator": "evaluator",
}  # fmt: skip
OPERATIONS: Final[dict[str, SpanType]] = {
    "chat": "llm", "generate_content": "llm", "text_completion": "llm", "embeddings": "embedding",
    "retrieval": "retriever", "create_agent": "agent", "invoke_agent": "agent", "invoke_workflow": "chain",
    "plan": "chain", "execute_tool": "tool", "create_memory": "memory", "search_memory": "memory",
    "update_memory": "memory", "upsert_memory": "memory", "delete_memory": "memory", "create_memory_store": "memory",
    "delete_memory_store": "memory",
}  # fmt: skip
MLFLOW_TYPES: Final[dict[str, SpanType]] = {
    "LLM": "llm", "CHAT_MODEL": "llm", "EMBEDDING": "embedding", "RETRIEVER": "retriever", "RERANKER": "reranker",
    "TOOL": "tool", "AGENT": "agent", "CHAIN": "chain", "WORKFLOW": "chain", "TASK": "chain", "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator", "MEMORY": "memory",
}  # fmt: skip
TRACELOOP_KINDS: Final[dict[str, SpanType]] = {
    "workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool", "chat": "llm", "completion": "llm",
    "embedding": "embedding", "rerank": "reranker",
}  # fmt: skip
VECTOR_DATABASES: Final = frozenset(
    {"pinecone", "qdrant", "chroma", "chromadb", "weaviate", "milvus", "lancedb", "marqo", "pgvector"}
)

PROVIDERS: Final = {
    "azure.ai.openai": "azure", "az.ai.openai": "azure", "azure.ai.inference": "azure", "az.ai.inference": "azure",
    "aws.bedrock": "bedrock", "aws": "bedrock", "gcp.gemini": "gemini", "gcp.gen_ai": "gemini",
    "gcp.vertex_ai": "gemini", "vertex_ai": "gemini", "vertexai": "gemini", "google": "gemini",
    "google_genai": "gemini", "mistral_ai": "mistral", "mistralai": "mistral", "x_ai": "xai",
    "moonshot_ai": "moonshot",
}  # fmt: skip
"""Providers under the names that Rowen's own models bear, so that both are found and priced alike."""


class Place(NamedTuple):
    """Where an attribute belongs: a field with its rank, or an item of a group."""

    field: str = ""
    rank: int = 0
    group: str = ""
    number: int = 0
    rest: str = ""


NOWHERE: Final = Place()

_PLACES: dict[str, Place] = {
    name: Place(field=field, rank=rank)
    for table in (FIELDS, RESOURCE, {"input": INPUT, "output": OUTPUT, "instructions": (INSTRUCTIONS,)})
    for field, names in table.items()
    for rank, name in enumerate(names)
}
_KNOWN: dict[str, Place] = dict(_PLACES)
_KNOWN_AT_MOST = 8192
_LISTED = re.compile(rf"({'|'.join(map(re.escape, GROUPS))})[.](\d{{1,4}})(?:[.](.+))?")


def place_of(name: str) -> Place:
    """Return where an attribute belongs, `NOWHERE` for one that is not known."""
    known = _KNOWN.get(name)
    return _placed(name) if known is None else known


def _placed(name: str) -> Place:
    listed = _LISTED.fullmatch(name)
    place = NOWHERE if listed is None else Place(group=listed[1], number=int(listed[2]), rest=listed[3] or "")
    if len(_KNOWN) >= _KNOWN_AT_MOST:
        # Somebody invents names. What is in the table stays.
        _KNOWN.clear()
        _KNOWN.update(_PLACES)
    _KNOWN[name] = place
    return place
