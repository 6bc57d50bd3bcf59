"""What a trace is marked by: the attributes in which bad answers may differ from good ones.

Names are those of the trace's row, and of the conventions for what only spans tell: the prompt's version, the documents
found, the tools called. Text, ids of single calls and figures are no marks; the prompt's length is one in three steps.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rowen.values import Span, Trace, TraceRow

Mark = tuple[str, str]

_ROW = (
    "app",
    "model",
    "deployment",
    "provider",
    "answered_by",
    "definition",
    "release",
    "environment",
    "feature",
    "user",
    "key",
    "door",
    "source",
    "code",
)
_LENGTHS = ((2_000, "to 2000"), (8_000, "to 8000"))
_LONGEST = 80
"""Characters of a value that can be a mark; what is longer is text."""
_MARKS = 200
"""The most that one trace may have."""
_SKIPPED = (
    "gen_ai.input",
    "gen_ai.output.messages",
    "gen_ai.usage",
    "gen_ai.response",
    "gen_ai.request.model",
    "gen_ai.conversation",
    "gen_ai.system_instructions",
    "gen_ai.tool.call",
    "gen_ai.tool.definitions",
    "gen_ai.retrieval",
    "gen_ai.prompt",
    "gen_ai.provider",
    "input.",
    "output.",
    "llm.input",
    "llm.output",
    "llm.token_count",
    "llm.cost",
    "llm.model_name",
    "retrieval.documents",
    "embedding.",
    "session.",
    "user.",
    "client.",
    "server.",
    "url.",
    "http.",
    "error.",
    "exception.",
    "rowen.",
    "telemetry.",
    "service.",
    "thread.",
    "code.",
)


def marks_of(trace: Trace, topics: Iterable[str] = ()) -> frozenset[Mark]:
    """Return the marks of a trace.

    Args:
        trace: whole, since documents and tools are known to its spans only.
        topics: what it is about, where something has told.

    """
    found = set(_of_row(trace.row))
    found.update(("topic", topic) for topic in topics)
    for span in trace.spans:
        found.update(_of_span(span))
        if len(found) >= _MARKS:
            break
    return frozenset(found)


def _of_row(row: TraceRow) -> Iterator[Mark]:
    for name in _ROW:
        value = getattr(row, name)
        if value:
            yield name, value[:_LONGEST]
    for tag in row.tags:
        key, colon, value = tag.partition(":")
        yield (key, value) if colon and value else ("tag", tag)
    if row.attempts > 1:
        yield "attempts", "several"
    if row.input_tokens:
        yield "prompt tokens", next((name for most, name in _LENGTHS if row.input_tokens <= most), "above 8000")


def _of_span(span: Span) -> Iterator[Mark]:
    attributes = span.attributes
    tool = attributes.get("gen_ai.tool.name") or attributes.get("tool.name")
    if isinstance(tool, str) and tool:
        yield "tool", tool[:_LONGEST]
    name = attributes.get("gen_ai.prompt.name")
    version = attributes.get("gen_ai.prompt.version") or attributes.get("llm.prompt_template.version")
    if name or version:
        yield "prompt", f"{name or ''}:{version or ''}"[:_LONGEST]
    for id in _documents(attributes):
        yield "document", id[:_LONGEST]
    for key, value in attributes.items():
        if key.startswith(_SKIPPED) or not isinstance(value, str | bool) or len(str(value)) > _LONGEST:
            continue
        yield key, str(value).lower() if isinstance(value, bool) else value


def _documents(attributes: Mapping[str, Any]) -> Iterator[str]:
    found = attributes.get("gen_ai.retrieval.documents")
    if isinstance(found, Sequence) and not isinstance(found, str):
        for document in found:
            if isinstance(document, Mapping) and document.get("id"):
                yield str(document["id"])
    for key, value in attributes.items():
        if key.startswith("retrieval.documents.") and key.endswith(".document.id") and value:
            yield str(value)
