"""What every provider that speaks to an upstream has to hold to.

    class TestMine(ProviderContract):
        kind = "mine"                                   # as in the catalogue, or registered by entry point
        folders = (Path(__file__).parent / "mine",)     # recorded answers, see below

A recording is `CASE.sse`, `CASE.json` or `CASE.frames` and means the same in every vendor's shape:

- `text`: says "The meadow grows again.", stops, used 21 input tokens (8 of them from the cache) and 6 output tokens
- `length`, `filtered`: the answer ends because of its length; because of a content filter or the model's refusal
- `thought`: reasons "Grass first." and then says as `text`; used 26 output tokens, 20 of them for reasoning
- `tools`: calls `weather` with `{"city": "Oslo"}`; `parallel`: that, and then the same with "Bergen"
- `schema`: says `{"crop": "hay", "tons": 3}`
- `whole`, `whole-tools`: as `text` and `parallel`, as one JSON body
- `stream-error`: says "The " and then tells of an error that may be retried
- `error-STATUS.json`: the vendor's error bodies, for 400, 404, 429, 500 and what else there is
- `embeddings`: the vectors (0.6, 0.8) and (0, 1)
"""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from rowen.provider.base import ModelSettings, Provider
from rowen.provider.catalog import declared, maker
from rowen.provider.transport import HttpTransport, Transport
from rowen.testing.canned import Canned, CannedTransport, found, recorded
from rowen.testing.faults import Hang, Stream
from rowen.testing.upstream import FaultUpstream
from rowen.values import (
    Answer,
    Deployment,
    Event,
    File,
    Finished,
    Fold,
    Format,
    Image,
    Message,
    Mistaken,
    Problem,
    Profile,
    Request,
    Said,
    Secret,
    Started,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unavailable,
    Used,
    says,
)

KEY = "sk-live-0123456789abcdefghijKLMNOP"
SENTENCE = "The meadow grows again."
PIXEL = "iVBORw0KGgoAAAANSUhEUg"
SCHEMA = {
    "type": "object",
    "properties": {"crop": {"type": "string"}, "tons": {"type": "integer"}},
    "required": ["crop", "tons"],
    "additionalProperties": False,
}
WEATHER = Tool(
    name="weather",
    about="Tells the weather of a city.",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
ASK = Request(model="fast", messages=(says("system", "Be brief."), says("user", "What does the meadow do?")))

_BY_STATUS = {
    400: (Mistaken, "upstream_refused"),
    401: (Unavailable, "upstream_key"),
    403: (Unavailable, "upstream_key"),
    404: (Mistaken, "upstream_refused"),
    413: (Mistaken, "upstream_refused"),
    422: (Mistaken, "upstream_refused"),
    424: (Unavailable, "upstream_error"),
    429: (Unavailable, "upstream_limited"),
    500: (Unavailable, "upstream_error"),
    503: (Unavailable, "upstream_error"),
    529: (Unavailable, "upstream_error"),
}
_BY_LABEL = {"filter": (Mistaken, "upstream_filtered"), "key": (Unavailable, "upstream_key")}


class ProviderContract:
    """Inherit it, and say which kind and which recordings."""

    kind = ""
    folders: tuple[Path, ...] = ()
    options: dict[str, Any] = {}
    base_url = "http://upstream.test"

    # what a subclass may change

    def settings(self, url: str) -> ModelSettings:
        return ModelSettings(provider=self.kind, key=Secret(KEY), base_url=url, options=self.options)

    def deployment(self, **changes: Any) -> Deployment:
        profile = declared(self.settings(self.base_url))
        here = Deployment(name="fast/1", model="fast", provider=self.kind, upstream="small", profile=profile)
        return here.but(**changes)

    # what tests use

    def provider(self, transport: Transport, url: str = "") -> Provider:
        return maker(self.kind)(self.settings(url or self.base_url), transport)

    def recording(self, case: str) -> Canned:
        path = found(self.folders, case)
        if path is None:
            pytest.skip(f"{self.kind} has no recording of {case!r}")
        return recorded(path)

    async def heard(
        self, answer: Canned, request: Request = ASK, deployment: Deployment | None = None
    ) -> tuple[list[Event], CannedTransport]:
        transport = CannedTransport(answer)
        provider = self.provider(transport)
        async with aclosing(provider.ask(request, deployment or self.deployment())) as events:
            return [event async for batch in events for event in batch], transport

    async def told(self, case: str, request: Request = ASK) -> Answer:
        events, _ = await self.heard(self.recording(case), request)
        return _folded(events)

    async def sent(self, request: Request, deployment: Deployment | None = None) -> tuple[str, list[str]]:
        """The body that goes out, and the names of what was left out of it."""
        events, transport = await self.heard(self.recording("text"), request, deployment)
        started = events[0]
        assert isinstance(started, Started)
        return transport.asked[0].body.decode(), started.extra.get("rowen_dropped", [])

    # answers

    async def test_gives_text_its_end_and_its_usage_in_order(self) -> None:
        events, transport = await self.heard(self.recording("text"))

        answer = _folded(events)
        assert isinstance(events[0], Started)
        assert isinstance(events[-2], Finished)
        assert isinstance(events[-1], Used)
        assert answer.text == SENTENCE
        assert answer.choices[0].reason == "stop"
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 6)
        assert answer.usage.cache_read_tokens == 8
        assert answer.model
        assert transport.closed == 1

    async def test_gives_pieces_as_they_come(self) -> None:
        events, _ = await self.heard(self.recording("text"))

        assert [event.text for event in events if isinstance(event, Said)] == ["The ", "meadow ", "grows ", "again."]

    @pytest.mark.parametrize("case", ["text", "parallel", "thought"])
    async def test_gives_the_same_events_however_the_stream_is_split(self, case: str) -> None:
        recording = self.recording(case)
        whole, _ = await self.heard(recording)

        for size in (1, 2, 3, 7, 64, 1_000):
            split, _ = await self.heard(Canned(body=recording.body, content_type=recording.content_type, size=size))
            assert split == whole

    @pytest.mark.parametrize(
        ("case", "reasons"),
        [("length", {"length"}), ("filtered", {"content_filter", "refusal"}), ("tools", {"tool_calls"})],
    )
    async def test_says_why_the_answer_ended(self, case: str, reasons: set[str]) -> None:
        answer = await self.told(case)

        assert answer.choices[0].reason in reasons

    async def test_gives_a_tool_call_with_its_arguments_as_json_text(self) -> None:
        answer = await self.told("tools", ASK.but(tools=(WEATHER,)))

        (call,) = [part for part in answer.choices[0].message.parts if isinstance(part, ToolCall)]
        assert call.id
        assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Oslo"})

    @pytest.mark.parametrize("case", ["parallel", "whole-tools"])
    async def test_keeps_parallel_tool_calls_apart(self, case: str) -> None:
        answer = await self.told(case, ASK.but(tools=(WEATHER,)))

        calls = [part for part in answer.choices[0].message.parts if isinstance(part, ToolCall)]
        assert [json.loads(call.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Bergen"}]
        assert len({call.id for call in calls}) == 2
        assert answer.choices[0].reason == "tool_calls"

    async def test_gives_reasoning_apart_from_the_answer(self) -> None:
        answer = await self.told("thought")

        thoughts = "".join(getattr(part, "text", "") for part in answer.choices[0].message.parts[:1])
        assert thoughts == "Grass first."
        assert answer.text == SENTENCE
        assert answer.usage.output_tokens == 26

    async def test_gives_structured_output_as_text(self) -> None:
        answer = await self.told("schema")

        assert json.loads(answer.text) == {"crop": "hay", "tons": 3}

    async def test_reads_an_answer_that_is_not_streamed(self) -> None:
        answer = await self.told("whole")

        assert (answer.text, answer.choices[0].reason, answer.usage.input_tokens) == (SENTENCE, "stop", 21)

    async def test_gives_vectors_in_the_order_of_their_texts(self) -> None:
        request = Request(model="fast", kind="embeddings", texts=("hay", "oats"))

        if not self.deployment().profile.embeddings:
            with pytest.raises(Mistaken) as mistaken:
                await self.heard(self.recording("text"), request)
            assert mistaken.value.place == "embeddings"
            return
        answer = await self.told("embeddings", request)

        assert answer.vectors == ((0.6, 0.8), (0.0, 1.0))

    # requests

    async def test_sends_system_text_and_turns_under_the_providers_own_name_for_the_model(self) -> None:
        _, transport = await self.heard(self.recording("text"))

        asked = transport.asked[0]
        assert b"Be brief." in asked.body
        assert b"What does the meadow do?" in asked.body
        assert "small" in asked.url + asked.body.decode()
        assert "fast" not in asked.url + asked.body.decode()

    async def test_sends_the_key_in_a_header_and_nowhere_else(self) -> None:
        _, transport = await self.heard(self.recording("text"))

        asked = transport.asked[0]
        assert any(KEY in value for value in asked.headers.values())
        assert KEY not in asked.url
        assert KEY.encode() not in asked.body

    async def test_sends_images_by_content(self) -> None:
        image = Image(data=PIXEL, media_type="image/png")
        request = ASK.but(messages=(Message(role="user", parts=(Text(text="What is it?"), image)),))

        body, _ = await self._sent_or_lacking(request, self.deployment().profile.images)

        assert not body or PIXEL in body

    async def test_sends_text_documents(self) -> None:
        document = File(data="aGF5bWFraW5n", media_type="text/plain", name="hay.txt")
        request = ASK.but(messages=(Message(role="user", parts=(Text(text="Sum up."), document)),))

        body, _ = await self._sent_or_lacking(request, self.deployment().profile.files)

        assert not body or "haymaking" in body or "aGF5bWFraW5n" in body

    async def test_sends_calls_and_results_of_earlier_turns(self) -> None:
        turns = (
            says("user", "Is it dry?"),
            Message(
                role="assistant",
                parts=(
                    Text(text="I look."),
                    ToolCall(id="call_a", name="weather", arguments='{"city":"Oslo"}'),
                    ToolCall(id="call_b", name="weather", arguments="not JSON {"),
                ),
            ),
            Message(role="tool", parts=(ToolResult(id="call_a", parts=(Text(text="sun in Oslo"),)),)),
            Message(role="tool", parts=(ToolResult(id="call_b", parts=(Text(text="no city"),), failed=True),)),
            says("user", "And now?"),
        )

        body, _ = await self.sent(ASK.but(messages=turns, tools=(WEATHER,)))

        for said in ("I look.", "Oslo", "not JSON {", "sun in Oslo", "no city", "And now?"):
            assert said in body

    @pytest.mark.parametrize("mode", ["auto", "required", "named"])
    async def test_sends_tools_and_the_choice_among_them(self, mode: Any) -> None:
        request = ASK.but(
            tools=(WEATHER,), tool_choice=ToolChoice(mode=mode, name="weather" if mode == "named" else "")
        )

        body, _ = await self.sent(request)

        assert "Tells the weather of a city." in body
        assert "choice" in body.lower() or "callingconfig" in body.lower()

    async def test_sends_the_form_of_the_answer(self) -> None:
        request = ASK.but(format=Format(kind="schema", name="harvest", schema=SCHEMA))

        body, _ = await self._sent_or_lacking(request, self.deployment().profile.schema)

        assert not body or "tons" in body

    async def _sent_or_lacking(self, request: Request, able: bool) -> tuple[str, list[str]]:
        if able:
            return await self.sent(request)
        with pytest.raises(Mistaken) as mistaken:
            await self.sent(request)
        assert mistaken.value.code == "field_unsupported"
        return "", []

    # fields that are not known or not supported

    async def test_refuses_a_foreign_field_by_its_name(self) -> None:
        request = ASK.but(dialect="foreign", extra={"mystery": 1})

        with pytest.raises(Mistaken) as mistaken:
            await self.sent(request)

        assert (mistaken.value.code, mistaken.value.place) == ("field_unknown", "mystery")

    async def test_leaves_a_foreign_field_out_and_says_so(self) -> None:
        body, dropped = await self.sent(
            ASK.but(dialect="foreign", extra={"mystery": 1}), self.deployment(unknown="drop")
        )

        assert "mystery" not in body
        assert dropped == ["mystery"]

    async def test_passes_a_foreign_field_on(self) -> None:
        body, dropped = await self.sent(
            ASK.but(dialect="foreign", extra={"mystery": 1}), self.deployment(unknown="pass")
        )

        assert json.loads(body)["mystery"] == 1
        assert dropped == []

    async def test_refuses_what_the_model_lacks(self) -> None:
        deployment = self.deployment(profile=Profile(seed=False))

        with pytest.raises(Mistaken) as mistaken:
            await self.sent(ASK.but(seed=7), deployment)

        assert (mistaken.value.code, mistaken.value.place) == ("field_unsupported", "seed")

    async def test_leaves_out_what_the_model_lacks_where_that_is_the_policy(self) -> None:
        deployment = self.deployment(profile=Profile(seed=False), unknown="drop")

        body, dropped = await self.sent(ASK.but(seed=77123), deployment)

        assert "77123" not in body
        assert dropped == ["seed"]

    @pytest.mark.parametrize("unknown", ["refuse", "drop"])
    async def test_never_leaves_out_tools(self, unknown: Any) -> None:
        deployment = self.deployment(profile=Profile(tools=False), unknown=unknown)

        with pytest.raises(Mistaken) as mistaken:
            await self.sent(ASK.but(tools=(WEATHER,)), deployment)

        assert (mistaken.value.code, mistaken.value.place) == ("field_unsupported", "tools")

    # faults

    async def test_understands_the_vendors_errors(self) -> None:
        cases = sorted({path.stem for folder in self.folders for path in folder.glob("error-*.json")})
        assert cases

        for case in cases:
            _, status, *label = case.split("-")
            kind, code = _BY_LABEL[label[0]] if label else _BY_STATUS[int(status)]
            with pytest.raises(Problem) as problem:
                await self.heard(self.recording(case))
            assert (type(problem.value), problem.value.code, case) == (kind, code, case)
            assert problem.value.who == "fast/1"

    async def test_says_how_long_the_vendor_asks_to_wait(self) -> None:
        date = {"date": "Mon, 23 Nov 2026 12:00:00 GMT"}
        for headers, seconds in (
            ({"retry-after": "12"}, 12),
            ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT", **date}, 30),
            ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ):
            recording = self.recording("error-429")
            with pytest.raises(Unavailable) as limited:
                await self.heard(Canned(body=recording.body, status=429, headers=headers))
            assert limited.value.retry_after == seconds

    async def test_repeats_no_key_that_the_vendor_repeats(self) -> None:
        body = json.dumps({"error": {"message": f"bad key {KEY} and Bearer abcdefgh", "type": "x"}, "message": KEY})

        for status in (400, 401, 500):
            with pytest.raises(Problem) as problem:
                await self.heard(Canned(body=body.encode(), status=status))
            assert KEY not in str(problem.value)
            assert "abcdefgh" not in str(problem.value)

    async def test_tells_of_an_error_within_the_stream_after_what_was_said(self) -> None:
        transport = CannedTransport(self.recording("stream-error"))
        said: list[str] = []

        async def listen() -> None:
            async with aclosing(self.provider(transport).ask(ASK, self.deployment())) as events:
                async for batch in events:
                    said.extend(event.text for event in batch if isinstance(event, Said))

        with pytest.raises(Unavailable) as problem:
            await listen()

        assert said == ["The "]
        assert (problem.value.code, problem.value.who) == ("upstream_error", "fast/1")

    @pytest.mark.parametrize("broken", [False, True])
    async def test_never_takes_a_stream_that_was_cut_for_a_whole_answer(self, broken: bool) -> None:
        recording = self.recording("text")
        whole = _folded((await self.heard(recording))[0])

        for end in range(0, len(recording.body), 5):
            cut = Canned(body=recording.body[:end], content_type=recording.content_type, cut=broken)
            code = ""
            try:
                answer = _folded((await self.heard(cut))[0])
            except Unavailable as problem:
                code = problem.code
            # Where there is no error the end had come, and only what follows it was lost.
            assert code in {"upstream_cut", "upstream_garbage"} or answer.but(usage=whole.usage) == whole

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"<!doctype html><p>Please sign in.", "text/html"),
            (b"data: <p>hello\n\n", "text/event-stream"),
            (b"data: []\n\n", "text/event-stream"),
            (b"\x00\x01\x02\x03garbage garbage garbage", "application/vnd.amazon.eventstream"),
            (b"nothing of the kind", "application/json"),
            (b'{"choices": 7, "content": 7, "candidates": 7, "output": 7}', "application/json"),
            (b"", "application/json"),
        ],
    )
    async def test_says_when_the_answer_is_of_no_known_form(self, body: bytes, content_type: str) -> None:
        with pytest.raises(Unavailable) as problem:
            await self.heard(Canned(body=body, content_type=content_type))

        assert (problem.value.code, problem.value.who) == ("upstream_garbage", "fast/1")

    async def test_closing_the_answer_aborts_the_upstream_request(self) -> None:
        recording = self.recording("text")
        stream = Stream(chunks=(recording.body[:-20], recording.body[-20:]), content_type=recording.content_type)
        transport = HttpTransport()
        try:
            async with FaultUpstream() as up:
                up.on("*", Hang(then=stream, after_chunks=1))
                events = self.provider(transport, up.url).ask(ASK, self.deployment())

                await anext(events)
                await events.aclose()

                await up.until(lambda: up.disconnects == 1)
        finally:
            await transport.close()


def _folded(events: list[Event]) -> Answer:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.answer()
