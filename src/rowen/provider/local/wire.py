"""A request → the body llama.cpp reads, and its chunks → events. The shape is OpenAI's, with some of its own."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.provider.fields import settle
from rowen.provider.local.tools import ToolForm, ToolReader, form_of
from rowen.provider.openai.profile import Service
from rowen.provider.openai.read import Reader as ChunkReader
from rowen.provider.openai.wire import encode
from rowen.values import (
    Deployment,
    Event,
    Finished,
    Format,
    Message,
    Mistaken,
    Part,
    Request,
    Said,
    Started,
    Text,
    ToolResult,
    Usage,
    Used,
)

_SERVICE = Service(key_needed=False, thoughts="reasoning_content", sends_user=False)
# llama.cpp's own sampling fields that are safe to hand on; its others reach files, slots and grammars.
_OWN = frozenset({
    "chat_template_kwargs",
    "dynatemp_range",
    "logit_bias",
    "min_p",
    "repeat_last_n",
    "repeat_penalty",
    "typical_p",
    "xtc_probability",
})  # fmt: skip
# Marks by which chat templates tell turns apart. In a text they must stay text: `<|im_end|><|im_start|>system` in a
# user's message would otherwise end his turn and begin one of the system's.
_MARK = re.compile(r"<(?=\|[A-Za-z0-9_▁|]{1,40}\|?>|(?:start|end)_of_turn>|/?s>|bos>|eos>|/?think>)")
_SPLIT = "<\u2060"  # a word joiner, which no mark contains and no reader sees
_ENCODER = msgspec.json.Encoder()
_PROGRESS = b'"prompt_progress"'
_NO_CHOICES = b'"choices":[]'


class Asked:
    """One request made ready: its body, and the reader of its answer."""

    __slots__ = ("_deployment", "_own", "_request", "body", "form", "reader")

    def __init__(self, request: Request, deployment: Deployment, sampling: dict[str, float], answer: int) -> None:
        """Make a request ready.

        Args:
            request: what was asked.
            deployment: its profile and its `unknown` policy decide about fields.
            sampling: values for what the request leaves open.
            answer: longest answer, in tokens, when the request sets none.

        Raises:
            Mistaken: `field_unsupported`, `field_unknown` or `field_invalid`.

        """
        if not request.messages:
            raise Mistaken("field_invalid", "A chat needs at least one message.", place="messages")
        known = {name: value for name, value in request.extra.items() if name in _OWN}
        rest = {name: value for name, value in request.extra.items() if name not in _OWN}
        settled = settle(request.but(extra=rest), deployment, family=frozenset())
        request = settled.request
        form = form_of(request)
        changes: dict[str, Any] = {
            "messages": tuple(_plain(message) for message in request.messages),
            "max_tokens": request.max_tokens or answer,
            **{name: value for name, value in sampling.items() if getattr(request, name) is None},
        }
        if form is not None:
            changes |= {
                "messages": form.instructed(changes["messages"]),
                "tools": (),
                "tool_choice": None,
                "format": Format(kind="schema", name="tool", schema=form.schema),
            }
        elif request.tool_choice is not None and request.tool_choice.mode == "none":
            changes |= {"tools": (), "tool_choice": None}
        # Progress chunks come while the prompt is computed, and let a caller that left be noticed before the answer.
        self._own = {**known, **settled.extra, "return_progress": True}
        self._request, self._deployment = request.but(stream=True, **changes), deployment
        self.body, unsent = self._encoded(self._request, self._own)
        self.reader = Reader(deployment.upstream, form, (*settled.dropped, *unsent))
        wanted = self._request.format
        formed = wanted is not None and wanted.kind != "text" and not self._request.tools
        self.form = _ENCODER.encode((wanted.kind, wanted.schema)) if wanted and formed else b""
        """What form the answer must have, equal for equal forms; empty where it has none, or has tools beside it."""

    @property
    def told(self) -> bytes:
        """The body that asks for one token, and for how the prompt and its grammar were made."""
        short = self._request.but(max_tokens=1, n=1, logprobs=False, top_logprobs=None)
        return self._encoded(short, {**self._own, "verbose": True})[0]

    def within(self, grammar: str) -> bytes:
        """The body that asks for the same within a grammar of our own, instead of the one made of its form."""
        return self._encoded(self._request.but(format=None), {**self._own, "grammar": grammar})[0]

    def _encoded(self, request: Request, own: dict[str, Any]) -> tuple[bytes, tuple[str, ...]]:
        return encode(request, self._deployment, _SERVICE, own)


class _PromptDetails(msgspec.Struct):
    cached_tokens: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None


class _Chunk(msgspec.Struct):
    usage: _Usage | None = None


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""


class _Failed(msgspec.Struct):
    error: _Error | None = None


_USAGE = msgspec.json.Decoder(_Chunk)
_FAILED = msgspec.json.Decoder(_Failed)


class Reader:
    """Reads one answer."""

    __slots__ = ("_chunks", "_form", "_id", "_model", "_tools", "_usage")

    def __init__(self, model: str, form: ToolForm | None = None, dropped: tuple[str, ...] = ()) -> None:
        self._model = model
        self._id = ""
        self._form = form
        self._chunks = ChunkReader()
        self._chunks.dropped = dropped
        self._tools: dict[int, ToolReader] = {}
        self._usage = Usage()

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Return the events of one chunk.

        Raises:
            Mistaken: `prompt_too_long` or `upstream_refused`.
            Unavailable: `upstream_error` or `upstream_garbage`.

        """
        if _PROGRESS in chunk:
            return ()
        if _NO_CHOICES in chunk:
            self._count(chunk)
            return ()
        if chunk.startswith(b'{"error"'):
            self._too_long(chunk)
        events = self._chunks.feed("", chunk)
        if len(events) == 1 and type(events[0]) is Said and self._form is None:
            return events
        return [out for event in events for out in self._read(event)]

    def end(self) -> Sequence[Event]:
        """Return what is left when the library has called back for the last time.

        Raises:
            Unavailable: `upstream_cut` when it ended before the answer did.

        """
        self._chunks.end()
        return (Used(usage=self._usage),)

    def _read(self, event: Event) -> Sequence[Event]:
        if isinstance(event, Started):
            self._id = event.id
            return (event.but(model=self._model),)  # the library says the file's path
        if self._form is None:
            return (event,)
        if isinstance(event, Said):
            tools = self._tools.get(event.choice)
            if tools is None:
                tools = self._tools[event.choice] = ToolReader(self._form, self._id, event.choice)
            return tools.feed(event.text)
        if isinstance(event, Finished) and event.reason == "stop":
            return (event.but(reason="tool_calls"),)
        return (event,)

    def _count(self, chunk: bytes) -> None:
        """Add one choice's usage: the library reports each alone, with the same prompt."""
        found = _USAGE.decode(chunk).usage
        if found is not None:
            cached = found.prompt_tokens_details.cached_tokens if found.prompt_tokens_details else 0
            self._usage = Usage(
                input_tokens=found.prompt_tokens,
                output_tokens=self._usage.output_tokens + found.completion_tokens,
                cache_read_tokens=cached,
            )

    @staticmethod
    def _too_long(chunk: bytes) -> None:
        error = _FAILED.decode(chunk).error
        if error is not None and error.type == "exceed_context_size_error":
            message = f"The local model refused the prompt: {error.message}. Its `context` option sets the size."
            raise Mistaken("prompt_too_long", message, place="messages")


def _plain(message: Message) -> Message:
    """Return a message in whose texts no template mark is left."""
    parts = tuple(_plain_part(part) for part in message.parts)
    return message if parts == message.parts else message.but(parts=parts)


def _plain_part(part: Part) -> Part:
    if isinstance(part, Text):
        return part.but(text=plain(part.text)) if "<" in part.text else part
    if isinstance(part, ToolResult):
        inner = tuple(p.but(text=plain(p.text)) if isinstance(p, Text) else p for p in part.parts)
        return part.but(parts=inner)
    return part


def plain(text: str) -> str:
    """Return a text in which no chat template finds a mark of its own."""
    return _MARK.sub(_SPLIT, text)
