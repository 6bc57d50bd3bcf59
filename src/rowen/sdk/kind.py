"""What a span does, in the words of OpenInference and OpenTelemetry."""

from functools import lru_cache

from rowen.sdk import wire

Kind = str
"""`llm`, `embedding`, `retriever`, `reranker`, `tool`, `agent`, `chain`, `guardrail`, `evaluator`, `prompt`, `memory`."""
REMOTE = frozenset({"llm", "embedding", "reranker"})
"""Those that ask somebody else."""
NAMED = {"agent": "gen_ai.agent.name", "tool": "gen_ai.tool.name"}
"""Those whose name is an attribute, too."""
_OPERATIONS = {
    "llm": "chat",
    "embedding": "embeddings",
    "retriever": "retrieval",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "memory": "search_memory",
}


@lru_cache(maxsize=512)
def what(type: str, name: str) -> bytes:
    """Return the attributes that say what a span does, encoded."""
    found: list[tuple[str, wire.Plain]] = [("openinference.span.kind", type.upper())]
    if type in _OPERATIONS:
        found.append(("gen_ai.operation.name", _OPERATIONS[type]))
    if name:
        found.append((NAMED[type], name))
    return wire.attributes(found)
