"""From what happened to what is judged: traces, spans and sessions as subjects."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rowen.score.base import Subject
from rowen.score.path import parsed, picked
from rowen.values import Message, Observed, Span, Trace, Usage, says

_TRACE = re.compile(r"[0-9a-f]{32}")
_DOCUMENT = re.compile(r"retrieval\.documents\.(\d+)\.document\.content")


def of_trace(trace: Trace, variables: Mapping[str, str], root: Observed | None = None) -> Subject:
    """Return a call or a trace of spans as a subject.

    Args:
        trace: what happened.
        variables: names and paths into the trace; `question`, `answer`, `reference` and `contexts` take the place of
            what would be there anyway.
        root: the root span whole, for a trace of spans that were sent to us.

    """
    request, answer = trace.request, trace.answer
    messages = request.messages if request else ()
    said = request.said if request else ()
    asked = next((each.text for each in reversed(said) if each.role == "user"), "")
    subject = Subject(
        question=asked or _text(root.input if root else None) or trace.row.asked,
        answer=answer.text if answer else _text(root.output if root else None) or trace.row.said,
        contexts=tuple(_contexts(trace.spans)),
        messages=messages,
        usage=answer.usage if answer else _usage(trace.row.input_tokens, trace.row.output_tokens),
        duration_ms=trace.row.duration_ns / 1e6,
        trace=_within(trace.row.id),
    )
    if not variables:
        return subject
    document = {
        **msgspec.to_builtins(trace),
        "question": subject.question,
        "input": root.input if root else None,
        "output": root.output if root else None,
    }
    return mapped(subject, variables, document)


def of_span(span: Observed, variables: Mapping[str, str]) -> Subject:
    """Return one span as a subject: what went into it is the question, what came out the answer."""
    row = span.row
    subject = Subject(
        question=_text(span.input) or row.input,
        answer=_text(span.output) or row.output,
        contexts=tuple(_contexts([span.span])),
        usage=_usage(row.input_tokens, row.output_tokens),
        duration_ms=row.duration_ns / 1e6,
        trace=_within(row.trace),
    )
    return mapped(subject, variables, msgspec.to_builtins(span)) if variables else subject


def of_session(traces: Sequence[Trace], variables: Mapping[str, str]) -> Subject:
    """Return a whole session as a subject, its traces from the first to the last: the answer is the conversation."""
    turns: list[Message] = []
    for trace in traces:
        one = of_trace(trace, {})
        turns += [says(role, text) for role, text in (("user", one.question), ("assistant", one.answer)) if text]  # type: ignore[arg-type]
    subject = Subject(
        question=turns[0].text if turns else "",
        answer="\n".join(f"{turn.role}: {turn.text}" for turn in turns),
        messages=tuple(turns),
        duration_ms=sum(trace.row.duration_ns for trace in traces) / 1e6,
        trace=_within(traces[-1].row.id) if traces else "",
    )
    return mapped(subject, variables, {"traces": msgspec.to_builtins(list(traces))}) if variables else subject


def mapped(subject: Subject, variables: Mapping[str, str], document: Any) -> Subject:
    """Return a subject with what paths into a document find; what they do not find stays as it was."""
    found = {name: picked(document, parsed(path)) for name, path in variables.items()}
    rest = {name: value for name, value in found.items() if name not in {"question", "answer", "reference", "contexts"}}
    subject = subject.but(variables=rest)
    for name in ("question", "answer"):
        if found.get(name) is not None:
            subject = subject.but(**{name: _text(found[name])})
    if found.get("reference") is not None:
        subject = subject.but(references=tuple(_texts(found["reference"])))
    if found.get("contexts") is not None:
        subject = subject.but(contexts=tuple(_texts(found["contexts"])))
    return subject


def _within(trace: str) -> str:
    """Return a trace that calls can be within: what another program made up as an id is no trace of OpenTelemetry's."""
    return trace if _TRACE.fullmatch(trace) else ""


def _contexts(spans: Sequence[Span]) -> list[str]:
    """The passages that retrievers found, as OpenInference writes them."""
    found: list[str] = []
    for span in spans:
        numbered = [
            (int(match[1]), value)
            for key, value in span.attributes.items()
            if isinstance(value, str) and (match := _DOCUMENT.fullmatch(key))
        ]
        found += [text for _, text in sorted(numbered)]
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for each in value if (text := _text(each))]
    return [_text(value)] if value is not None else []


def _text(value: Any) -> str:
    """A text; the text of the last message, where messages are written as the GenAI conventions write them."""
    match value:
        case None:
            return ""
        case str():
            return value
        case [*_, {"parts": [*parts]}] if any(isinstance(part, dict) and "content" in part for part in parts):
            return "".join(
                part["content"] for part in parts if isinstance(part, dict) and isinstance(part.get("content"), str)
            )
        case [*_, {"content": str(text)}]:
            return text
        case _:
            return msgspec.json.encode(value).decode()


def _usage(asked: int, said: int) -> Usage:
    return Usage(input_tokens=asked, output_tokens=said)
