"""Bodies as they are on the disk: JSON, compressed with what all of them say."""

from collections.abc import Sequence
from typing import Any

import msgspec
import zstandard

from rowen.store.familiar import FAMILIAR, NOTED_FAMILIAR, SPAN_FAMILIAR
from rowen.values import Answer, Happening, Link, Noted, Observed, Request, Span, SpanRow, Told, Trace, TraceRow, Value

_COMPRESSED_FROM = 512
_SHORT = 4096
_JSON = b"{"  # a body that begins so is not compressed; Zstandard's frames begin otherwise
_SPAN_FROM = 128
_OF_SPANS = b"\x02"  # a body that begins so is a Zstandard frame made with `SPAN_FAMILIAR`
_OF_CALLS = b"\x03"  # a body that begins so is a Zstandard frame made with `NOTED_FAMILIAR`
_KNOWING = b"\x01"  # a body that begins so is a Zstandard frame made with `FAMILIAR`; none is written any more


class Body(Value, frozen=True, kw_only=True):
    """What a call has beside its row: what its walk noted, or its spans as they are."""

    noted: Noted | None = None
    spans: tuple[Span, ...] = ()
    request: Request | None = None
    answer: Answer | None = None
    masked: bool = False


class SpanBody(Value, frozen=True, kw_only=True):
    """What a span that was sent to us has beside its row."""

    differs: dict[str, Any] = {}
    """The fields of the span that its row has otherwise."""
    message: str = ""
    attributes: dict[str, Any] = {}
    events: tuple[Happening, ...] = ()
    links: tuple[Link, ...] = ()
    scope: str = ""
    input: Any = None
    output: Any = None
    follows: int = 0
    """Of a text, the row has the beginning, and this only what follows: 1 of the input, 2 of the output, 3 of both."""


class PackedSpan(SpanBody, frozen=True, kw_only=True):
    """The same with what of the span's row stands here alone."""

    asked: int | str = ""
    """The input in the row; a number stands for so many characters of the beginning of the whole text."""
    said: int | str = ""
    """The output in the row."""
    session: str = ""
    user: str = ""
    feature: str = ""


_SAME = ("trace", "id", "parent", "name", "kind", "started_ns", "status")

_encode = msgspec.json.Encoder().encode
read_call = msgspec.json.Decoder(Body).decode
"""Reads what `call_body` gave."""
_span = msgspec.json.Decoder(SpanBody).decode
_packed_span = msgspec.json.Decoder(PackedSpan).decode
_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_NONE = msgspec.Raw(b"null")


def body_of(observed: Observed) -> SpanBody:
    """Return what a span has beside its row."""
    span, row = observed.span, observed.row
    differs = {name: getattr(span, name) for name in _SAME if getattr(span, name) != getattr(row, name)}
    if span.ended_ns != row.started_ns + row.duration_ns:
        differs["ended_ns"] = span.ended_ns
    return SpanBody(
        differs=differs,
        message=span.message,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        scope=span.scope,
        input=observed.input,
        output=observed.output,
    )


def encoded_of(observed: Observed) -> bytes:
    """Return what a span has beside a row without texts, as JSON."""
    body = body_of(observed)
    row = observed.row
    return _encode(
        PackedSpan(
            differs=body.differs,
            message=body.message,
            attributes=body.attributes,
            events=body.events,
            links=body.links,
            scope=body.scope,
            input=body.input,
            output=body.output,
            asked=_begun(row.input, body.input),
            said=_begun(row.output, body.output),
            session=row.session,
            user=row.user,
            feature=row.feature,
        )
    )


def decoded(encoded: bytes | msgspec.Raw) -> PackedSpan:
    """Return what `encoded_of` gave."""
    return _packed_span(encoded)


def shown(body: PackedSpan) -> tuple[str, str]:
    """Return what the row of a span shows of its input and output."""
    asked, said = body.asked, body.said
    return (
        asked if type(asked) is str else body.input[:asked],
        said if type(said) is str else body.output[:said],
    )


def _begun(beginning: str, whole: Any) -> int | str:
    return len(beginning) if beginning and type(whole) is str and whole.startswith(beginning) else beginning


def call_body(trace: Trace) -> bytes:
    """Return what a call has beside its row, as JSON."""
    spans = trace.spans
    if isinstance(spans, Told):
        body = Body(noted=spans.noted, request=trace.request, answer=trace.answer, masked=trace.masked)
    else:
        body = Body(spans=tuple(spans), request=trace.request, answer=trace.answer, masked=trace.masked)
    return _encode(body)


def call_of(row: TraceRow, body: Body) -> Trace:
    """Return the call that has this row and this body."""
    spans = body.spans if body.noted is None else Told(row, body.noted)
    return Trace(row=row, spans=spans, request=body.request, answer=body.answer, masked=body.masked)


def span_body(body: SpanBody, row: SpanRow) -> bytes:
    """Return what a span has beside its row, as JSON, without what the row has of its texts."""
    follows, input, output = 0, body.input, body.output
    if type(input) is str and row.input and input.startswith(row.input):
        follows, input = 1, input[len(row.input) :]
    if type(output) is str and row.output and output.startswith(row.output):
        follows, output = follows + 2, output[len(row.output) :]
    return _encode(body.but(input=input, output=output, follows=follows) if follows else body)


def read_span(said: bytes | str, row: SpanRow) -> SpanBody:
    """Return what `span_body` gave of the span that has this row."""
    body = _span(said)
    if not body.follows:
        return body
    return body.but(
        input=row.input + body.input if body.follows & 1 else body.input,
        output=row.output + body.output if body.follows & 2 else body.output,
        follows=0,
    )


def span_of(row: SpanRow, body: SpanBody) -> Span:
    """Return a span as it came."""
    span = Span(
        trace=row.trace,
        id=row.id,
        parent=row.parent,
        name=row.name,
        kind=row.kind,
        started_ns=row.started_ns,
        ended_ns=row.started_ns + row.duration_ns,
        status=row.status,
        message=body.message,
        attributes=body.attributes,
        events=body.events,
        links=body.links,
        scope=body.scope,
    )
    return msgspec.structs.replace(span, **body.differs) if body.differs else span


class Packing:
    """Packs in one thread and unpacks in one thread: Zstandard's contexts are not shared."""

    def __init__(self) -> None:
        # Level 1 takes a third of zlib's time for the same size; in a short body nearly all is familiar, and half the
        # effort finds it.
        long, short = _compressor(1, NOTED_FAMILIAR), _compressor(-3, NOTED_FAMILIAR)
        self._compress = long.compress
        self._compress_short = short.compress
        self._compress_all = long.multi_compress_to_buffer
        self._compress_all_short = short.multi_compress_to_buffer
        self._compress_span = _compressor(1, SPAN_FAMILIAR).compress
        self._decompress_span = zstandard.ZstdDecompressor(dict_data=_familiar(SPAN_FAMILIAR)).decompress
        self._decompress_call = zstandard.ZstdDecompressor(dict_data=_familiar(NOTED_FAMILIAR)).decompress
        self._decompress = zstandard.ZstdDecompressor(dict_data=_familiar(FAMILIAR)).decompress
        self._decompress_plain = zstandard.ZstdDecompressor().decompress

    def call(self, trace: Trace) -> bytes:
        """Pack what a call has beside its row."""
        return self.packed(call_body(trace))

    def calls(self, traces: Sequence[Trace]) -> list[bytes]:
        """Pack what each of several calls has beside its row.

        All are compressed in one go: other threads are let in for each, and who lets them in waits until they are done.
        """
        found = [call_body(trace) for trace in traces]
        lengths = list(map(len, found))
        short = [at for at, length in enumerate(lengths) if _COMPRESSED_FROM < length <= _SHORT]
        long = [at for at, length in enumerate(lengths) if length > _SHORT]
        for places, compress in ((short, self._compress_all_short), (long, self._compress_all)):
            if places:
                packed = compress([found[at] for at in places])
                for number, at in enumerate(places):
                    found[at] = _OF_CALLS + packed[number].tobytes()
        return found

    def span(self, body: SpanBody, row: SpanRow) -> bytes:
        """Pack what a span has beside its row."""
        encoded = span_body(body, row)
        return _OF_SPANS + self._compress_span(encoded) if len(encoded) > _SPAN_FROM else encoded

    def together(self, bodies: Sequence[bytes | msgspec.Raw | None]) -> bytes:
        """Pack what several spans have beside their rows, as `encoded_of` gave it; None for one that is gone."""
        whole = b"[" + b",".join(bytes(_NONE if body is None else body) for body in bodies) + b"]"
        return _OF_SPANS + self._compress_span(whole)

    def apart(self, packed: bytes) -> list[msgspec.Raw | None]:
        """Unpack what several spans have beside their rows."""
        return [None if body == _NONE else body for body in _many(self._decompress_span(packed[1:]))]

    def packed(self, body: bytes) -> bytes:
        """Compress a body that is worth it."""
        length = len(body)
        if length <= _COMPRESSED_FROM:
            return body
        return _OF_CALLS + (self._compress(body) if length > _SHORT else self._compress_short(body))

    def as_call(self, packed: bytes, row: TraceRow) -> Trace:
        """Unpack the body of the call that has this row."""
        return call_of(row, self.as_body(packed))

    def as_body(self, packed: bytes) -> Body:
        """Unpack a call's body."""
        return read_call(self._unpacked(packed))

    def as_span(self, packed: bytes, row: SpanRow) -> SpanBody:
        """Unpack the body of the span that has this row."""
        return read_span(self._unpacked(packed), row)

    def _unpacked(self, packed: bytes) -> bytes:
        if packed.startswith(_OF_SPANS):
            return self._decompress_span(packed[1:])
        if packed.startswith(_OF_CALLS):
            return self._decompress_call(packed[1:])
        if packed.startswith(_KNOWING):
            return self._decompress(packed[1:])
        return packed if packed.startswith(_JSON) else self._decompress_plain(packed)


def _familiar(text: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(text, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _compressor(level: int, text: bytes) -> zstandard.ZstdCompressor:
    familiar = _familiar(text)
    familiar.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=familiar)
