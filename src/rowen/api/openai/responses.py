"""`POST /v1/responses` and the answers kept there, in the shape of OpenAI's responses."""

import logging
from contextlib import suppress
from typing import Any, assert_never

import msgspec

from rowen.api.base import Services
from rowen.api.citation import annotations_of
from rowen.api.door import Asked, ModelDoor
from rowen.api.envelope import Envelope, Inbound
from rowen.api.openai import errors, items
from rowen.api.parse.openai_responses import Respond, respond_of
from rowen.api.reply import sentence, usage_of
from rowen.api.sequence import InTurn
from rowen.api.simple import SimpleDoor, Told
from rowen.store.base import Turn, Turns
from rowen.values import (
    Call,
    CallArgs,
    Called,
    Embedded,
    Event,
    Finished,
    Likely,
    Message,
    Mistaken,
    Problem,
    Reasoned,
    Refusing,
    Said,
    Signed,
    Sounded,
    Started,
    ToolCall,
    Used,
)

log = logging.getLogger(__name__)

_json = msgspec.json.Encoder().encode


class ResponsesDoor(ModelDoor):
    """Responses, whole or streamed, each kept unless `store` is false."""

    shape = "openai.responses"
    errors = errors

    async def read(self, body: dict[str, Any], inbound: Inbound) -> Asked:
        """Return the request with all that was said before it, and a writer of items."""
        asked = respond_of(body)
        earlier: tuple[Message, ...] = ()
        if asked.previous:
            earlier = await self._earlier(asked, inbound.envelope)
        said = (*earlier, *asked.request.messages)
        request = asked.after(earlier)
        writer = ResponsesWriter(asked, said, inbound, self.services.turns)
        return Asked(request, writer)

    async def _earlier(self, asked: Respond, envelope: Envelope) -> tuple[Message, ...]:
        services = self.services
        app = envelope.app or services.apps.named("").name
        caller = await services.check(envelope.digest, envelope.address, self.shape, app, None)
        turn = await services.turns.get(asked.previous, caller.tenant)
        if turn is None or (turn.app != app and not await self._may(envelope, turn.app)):
            raise Mistaken("not_found", "There is no stored response of that id.", place="previous_response_id")
        answers = tuple(choice.message for choice in turn.answer.choices[:1])
        return (*turn.messages, *answers)

    async def _may(self, envelope: Envelope, app: str) -> bool:
        """Whether the key may use the app that another answer came from."""
        with suppress(Problem):
            await self.services.check(envelope.digest, envelope.address, self.shape, app, None)
            return True
        return False


class KeptDoor(SimpleDoor):
    """`GET` and `DELETE /v1/responses/{id}`."""

    shape = "openai.responses"
    methods = ("GET", "DELETE")

    def __init__(self, services: Services, id: str) -> None:
        super().__init__(services, errors.body)
        self._id = id

    async def tell(self, inbound: Inbound) -> Told:
        """Return the response as it was sent, or that it is gone."""
        if b"stream=true" in inbound.query.lower():
            raise Mistaken("field_unsupported", "A stored response is not streamed again.", place="stream")
        services, envelope = self.services, inbound.envelope
        app = envelope.app or services.apps.named("").name
        caller = await services.check(envelope.digest, envelope.address, self.shape, app, None)
        turn = await services.turns.get(self._id, caller.tenant)
        if turn is None:
            raise Mistaken("not_found", "There is no stored response of that id.", place="id")
        await services.check(envelope.digest, envelope.address, self.shape, turn.app, None)
        if envelope.method == "DELETE":
            await services.turns.delete(self._id, caller.tenant)
            return Told(_json({"id": self._id, "object": "response", "deleted": True}))
        return Told(turn.body.encode())


class ResponsesWriter:
    """Writes the sequence of events, or the whole response, and keeps it."""

    def __init__(self, asked: Respond, said: tuple[Message, ...], inbound: Inbound, turns: Turns) -> None:
        self._asked = asked
        self._said = said
        self._trace = inbound.trace
        self._known = f"resp_{inbound.trace}"
        self._created = inbound.started_ns // 1_000_000_000
        self._turns = turns
        self._model = asked.request.model
        self._number = 0
        self._begun = False
        self._order = InTurn()
        self._items: list[dict[str, Any]] = []
        self._run: list[str] = []
        self._logprobs: list[Any] = []
        self._open = ""
        """What is open now: `text`, `refusal`, `thought` or `call`; empty when nothing is."""
        self._reason = ""
        self._said_prefix = b""

    def event(self, event: Event) -> bytes:
        """Return the events that one of ours makes."""
        if type(event) is Said and self._open == "text" and self._order.idle:
            self._run.append(event.text)
            return self._delta(_json(event.text))
        match event:
            case Started():
                self._model = event.model or self._model
                return b""
            case Used() | Embedded():
                return b""
            case _ if event.choice != 0:
                return b""  # a response has one choice; `n` cannot be asked for
            case _:
                out = b"" if self._begun else self._begin()
                return out + b"".join([self._one(one) for one in self._order.put(event)])

    async def end(self, call: Call) -> bytes:
        """Return the last event, which holds the whole response, and keep it."""
        out = (b"" if self._begun else self._begin()) + self._close()
        response = self._response(items.status_of(self._reason), self._items)
        response["incomplete_details"] = items.reason_of(self._reason)
        await self._keep(call, response)
        kind = "response.incomplete" if response["incomplete_details"] else "response.completed"
        return out + self._event(kind, {"response": response})

    def fail(self, problem: Problem) -> bytes:
        """Return the failed response, and the error on which clients raise."""
        response = self._response("failed", self._items)
        response["error"] = {"code": problem.code, "message": sentence(problem)}
        out = self._event("response.failed", {"response": response})
        error = errors.error_of(problem)
        flat = {key: error[key] for key in ("code", "message", "param")}
        return out + self._event("error", {**flat, "error": error, "trace_id": self._trace})

    async def whole(self, call: Call) -> bytes:
        """Return the response in one piece, and keep it."""
        answer = call.answer
        assert answer is not None  # a walk that ends without a problem has one
        self._model = answer.model or self._model
        reason = answer.choices[0].reason if answer.choices else ""
        output = items.output_of(answer, self._trace, signed=self._asked.signed or not self._asked.store)
        response = self._response(items.status_of(reason), output)
        response["incomplete_details"] = items.reason_of(reason)
        return await self._keep(call, response)

    async def _keep(self, call: Call, response: dict[str, Any]) -> bytes:
        """Complete the response with its usage, and keep it if it is to be kept."""
        response["usage"] = items.usage_object(usage_of(call))
        body = _json(response)
        if not self._asked.store or call.caller is None or call.answer is None:
            response["store"] = False
            return body if not self._asked.store else _json(response)
        turn = Turn(
            id=self._known,
            tenant=call.caller.tenant,
            app=call.app,
            created_ns=call.started_ns,
            messages=self._said,
            answer=call.answer,
            body=body.decode(),
        )
        try:
            await self._turns.put(turn)
        except Problem as problem:
            # The answer is made and paid for: it is given, and says itself that it was not kept.
            log.warning("response %s was not kept: %s", self._known, problem.code)
            response["store"] = False
            return _json(response)
        return body

    def _response(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        return items.response_of(
            self._asked, known=self._known, created=self._created, model=self._model, status=status, output=output
        )

    def _event(self, kind: str, fields: dict[str, Any]) -> bytes:
        number = self._number
        self._number += 1
        data = _json({"type": kind, "sequence_number": number, **fields})
        return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"

    def _begin(self) -> bytes:
        self._begun = True
        response = self._response("in_progress", [])
        return self._event("response.created", {"response": response}) + self._event(
            "response.in_progress", {"response": response}
        )

    def _one(self, event: Event) -> bytes:
        match event:
            case Said():
                out = self._part("text")
                self._run.append(event.text)
                return out + self._delta(_json(event.text))
            case Refusing():
                out = self._part("refusal")
                self._run.append(event.text)
                return out + self._event("response.refusal.delta", {**self._place(), "delta": event.text})
            case Reasoned():
                out = self._thought()
                self._run.append(event.text)
                return out + self._event(
                    "response.reasoning_summary_text.delta", {**self._at(), "summary_index": 0, "delta": event.text}
                )
            case Signed():
                return self._sign(event)
            case Called():
                return self._close() + self._call(event)
            case CallArgs():
                self._run.append(event.text)
                custom = self._items[-1]["type"] == "custom_tool_call"
                kind = "response.custom_tool_call_input.delta" if custom else "response.function_call_arguments.delta"
                return self._event(kind, {**self._at(), "delta": event.text})
            case Likely():
                return self._likely(event)
            case Sounded():
                return self._event("response.audio.delta", {"delta": event.data}) + self._event(
                    "response.audio.transcript.delta", {"delta": event.transcript}
                )
            case Finished():
                self._reason = event.reason
                out = self._close()
                items.decorate(self._items, self._logprobs, annotations_of(event))
                return out
            case Started() | Used() | Embedded():
                return b""
            case _:
                assert_never(event)

    def _at(self) -> dict[str, Any]:
        return {"item_id": self._items[-1]["id"], "output_index": len(self._items) - 1}

    def _place(self) -> dict[str, Any]:
        return {**self._at(), "content_index": len(self._items[-1]["content"])}

    def _delta(self, text: bytes) -> bytes:
        number = self._number
        self._number += 1
        return b'%b%d,"delta":%b}\n\n' % (self._said_prefix, number, text)

    def _next(self) -> str:
        return f"{self._trace}{len(self._items):02x}"

    def _added(self, item: dict[str, Any]) -> bytes:
        self._items.append(item)
        return self._event("response.output_item.added", {"output_index": len(self._items) - 1, "item": item})

    def _part(self, kind: str) -> bytes:
        """Open a part of a message, in the message that is open or in a new one."""
        if self._open == kind:
            return b""
        out = b""
        if self._open in {"text", "refusal"}:
            out += self._close_part()
        else:
            out += self._close() + self._added(items.message_item(self._next(), [], "in_progress"))
        self._open = kind
        place = self._place()
        begun = items.text("", []) if kind == "text" else items.refusal("")
        if kind == "text":
            fixed = _json({"type": "response.output_text.delta", **place, "logprobs": []})[:-1]
            self._said_prefix = b"event: response.output_text.delta\ndata: " + fixed + b',"sequence_number":'
        return out + self._event("response.content_part.added", {**place, "part": begun})

    def _thought(self) -> bytes:
        if self._open == "thought":
            return b""
        out = self._close() + self._added(items.thought_item(self._next(), "", ""))
        self._open = "thought"
        part = {"type": "summary_text", "text": ""}
        return out + self._event(
            "response.reasoning_summary_part.added", {**self._at(), "summary_index": 0, "part": part}
        )

    def _sign(self, event: Signed) -> bytes:
        out = b""
        if self._open != "thought":
            out = self._close() + self._added(items.thought_item(self._next(), "", ""))
            self._open = "sealed"
        if self._asked.signed or not self._asked.store:
            self._items[-1]["encrypted_content"] = items.sealed_of(event.signature, event.hidden)
        return out + self._close()

    def _call(self, event: Called) -> bytes:
        part = ToolCall(id=event.id, name=event.name, arguments="", extra=event.extra)
        self._open = "call"
        return self._added(items.call_item(self._next(), part, "in_progress"))

    def _likely(self, event: Likely) -> bytes:
        """Log probabilities travel with a delta that adds no text."""
        self._logprobs.extend(event.tokens)
        if self._open != "text":
            return b""
        return self._event("response.output_text.delta", {**self._place(), "delta": "", "logprobs": event.tokens})

    def _close_part(self) -> bytes:
        """Close the open part of a message."""
        place = self._place()
        said = "".join(self._run)
        self._run = []
        if self._open == "text":
            part = items.text(said, [])
            out = self._event("response.output_text.done", {**place, "text": said, "logprobs": self._logprobs})
        else:
            part = items.refusal(said)
            out = self._event("response.refusal.done", {**place, "refusal": said})
        out += self._event("response.content_part.done", {**place, "part": part})
        self._items[-1]["content"].append(part)
        return out

    def _close(self) -> bytes:
        """Close the open item."""
        if not self._open:
            return b""
        item = self._items[-1]
        said = "".join(self._run)
        out = b""
        match self._open:
            case "text" | "refusal":
                out = self._close_part()
                item["status"] = items.status_of(self._reason)
            case "thought":
                part = {"type": "summary_text", "text": said}
                at = {**self._at(), "summary_index": 0}
                out = self._event("response.reasoning_summary_text.done", {**at, "text": said})
                out += self._event("response.reasoning_summary_part.done", {**at, "part": part})
                item["summary"] = [part]
            case "call":
                custom = item["type"] == "custom_tool_call"
                kind = "response.custom_tool_call_input.done" if custom else "response.function_call_arguments.done"
                field = "input" if custom else "arguments"
                item[field], item["status"] = said, "completed"
                more = {} if custom else {"name": item["name"]}
                out = self._event(kind, {**self._at(), field: said, **more})
            case _:
                pass  # sealed reasoning has nothing to close but itself
        self._run = []
        self._open = ""
        return out + self._event("response.output_item.done", {"output_index": len(self._items) - 1, "item": item})
