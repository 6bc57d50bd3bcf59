"""What is said: messages made of parts, in no vendor's shape."""

from typing import Any, Literal

from rowen.values.base import Value

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Text(Value, frozen=True, kw_only=True, tag="text"):
    """Plain text."""

    text: str
    ours: bool = False
    """Whether the app put it there, not its caller: its prompt, examples, sources."""
    extra: dict[str, Any] = {}
    """Vendor fields of the part that have no place here (`cache_control`, `annotations`), kept for the same vendor."""


class Image(Value, frozen=True, kw_only=True, tag="image"):
    """A picture, by address or as base64 `data` with its `media_type`."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    detail: str = ""
    extra: dict[str, Any] = {}


class Audio(Value, frozen=True, kw_only=True, tag="audio"):
    """Sound as base64 `data` in `format` (wav, mp3, pcm16, …), or by the `id` of an earlier answer's sound."""

    data: str = ""
    format: str = ""
    id: str = ""
    transcript: str = ""
    extra: dict[str, Any] = {}


class File(Value, frozen=True, kw_only=True, tag="file"):
    """A document, by id, by address or as base64 `data`."""

    id: str = ""
    url: str = ""
    data: str = ""
    name: str = ""
    media_type: str = ""
    extra: dict[str, Any] = {}


class Thought(Value, frozen=True, kw_only=True, tag="thought"):
    """Reasoning that a model showed, with the vendor's signature so that it can be sent back unchanged."""

    text: str = ""
    signature: str = ""
    hidden: str = ""
    """Reasoning that the vendor sends only encrypted (`redacted_thinking`, `encrypted_content`)."""
    extra: dict[str, Any] = {}


class ToolCall(Value, frozen=True, kw_only=True, tag="tool_call"):
    """A model asks for a tool. `arguments` is JSON text as the model wrote it, perhaps not valid."""

    id: str
    name: str
    arguments: str
    extra: dict[str, Any] = {}


class ToolResult(Value, frozen=True, kw_only=True, tag="tool_result"):
    """What a tool gave back for the call of that id."""

    id: str
    parts: tuple["Text | Image | File", ...] = ()
    failed: bool = False
    name: str = ""
    extra: dict[str, Any] = {}


class Declined(Value, frozen=True, kw_only=True, tag="declined"):
    """The model's own refusal to answer, in its words."""

    text: str


Part = Text | Image | Audio | File | Thought | ToolCall | ToolResult | Declined


class Message(Value, frozen=True, kw_only=True):
    """One turn. A message that holds tool results has the role `tool`."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str = ""
    extra: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The text parts joined, without anything else."""
        if len(self.parts) == 1 and type(only := self.parts[0]) is Text:  # nearly always
            return only.text
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def says(role: Role, text: str, *, ours: bool = False) -> Message:
    """Return a message of one text part."""
    return Message(role=role, parts=(Text(text=text, ours=ours),))


def inert(text: str) -> str:
    """Return a text that cannot close the marks between which a model is shown it as data."""
    return text.replace("</", "< /")


def is_ours(part: Part) -> bool:
    """Return whether the app put a part to what its caller said."""
    return isinstance(part, Text) and part.ours


def as_said(message: Message) -> Message | None:
    """Return a message as the caller sent it, without what the app put to it; None where all of it is the app's."""
    ours = [is_ours(part) for part in message.parts]
    if not any(ours):
        return message
    return None if all(ours) else message.but(parts=tuple(part for part in message.parts if not is_ours(part)))
