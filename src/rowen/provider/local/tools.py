"""Tool calls that a model must make, built from a JSON schema: llama.cpp does not enforce `tool_choice` by itself."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rowen.values import CallArgs, Called, Event, Message, Mistaken, Request, Text, Tool, says

_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,\s*"arguments"\s*:\s*')


class ToolForm:
    """The form a forced tool call takes.

    One tool: the answer is its arguments. Several: the answer is `{"name": …, "arguments": …}`.
    """

    __slots__ = ("schema", "single", "tools")

    def __init__(self, tools: Sequence[Tool]) -> None:
        self.tools = tools
        self.single = tools[0].name if len(tools) == 1 else ""
        self.schema = _arguments(tools[0]) if self.single else _choice(tools)

    def instructed(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Return the messages with a word on the tools: a template without tools would not mention them."""
        lines = [_line(tool) for tool in self.tools]
        if self.single:
            ask = f"Answer only with the JSON arguments of this function call:\n{lines[0]}"
        else:
            listed = "\n".join(lines)
            ask = f'Call the fitting function. Answer only with JSON {{"name": …, "arguments": …}}:\n{listed}'
        first = messages[0]
        if first.role in {"system", "developer"}:
            return (first.but(parts=(*first.parts, Text(text=f"\n\n{ask}"))), *messages[1:])
        return (says("system", ask), *messages)


def form_of(request: Request) -> ToolForm | None:
    """Return the form of the call that a request demands, or None when the model is free to choose.

    Raises:
        Mistaken: `field_invalid` for a tool choice without that tool, `field_unsupported` for another vendor's tool.

    """
    choice = request.tool_choice
    for place, tool in enumerate(request.tools):
        if tool.hosted:
            message = f"The tool {tool.name!r} is run by another vendor; a local model does not have it."
            raise Mistaken("field_unsupported", message, place=f"tools[{place}]")
    if choice is None or choice.mode in {"auto", "none"}:
        return None
    tools = [tool for tool in request.tools if choice.mode == "required" or tool.name == choice.name]
    if not tools:
        raise Mistaken("field_invalid", "The tool choice names no tool of the request.", place="tool_choice")
    return ToolForm(tools)


class ToolReader:
    """Turns the text of a forced call, as it comes, into the events of a tool call."""

    __slots__ = ("_begun", "_choice", "_depth", "_form", "_id", "_over", "_quoted", "_skip", "_text")

    def __init__(self, form: ToolForm, answer: str = "", choice: int = 0) -> None:
        self._form = form
        self._id = f"call_{answer}_{choice}"
        self._choice = choice
        self._begun = False
        self._text = ""
        self._depth = 0
        self._quoted = self._skip = self._over = False

    def feed(self, text: str) -> list[Event]:
        """Return the events of a piece of text."""
        events: list[Event] = []
        if not self._begun:
            self._text += text
            name, text = self._head()
            if not name:
                return events
            self._begun = True
            events.append(Called(index=0, id=self._id, name=name, choice=self._choice))
        text = text if self._form.single else self._inside(text)
        if text:
            events.append(CallArgs(index=0, text=text, choice=self._choice))
        return events

    def _head(self) -> tuple[str, str]:
        """The tool's name and the first of its arguments; an empty name while it is not yet all there."""
        if self._form.single:
            return self._form.single, self._text
        found = _HEAD.match(self._text)
        if not found:
            return "", ""
        return msgspec.json.decode(f'"{found[1]}"', type=str), self._text[found.end() :]

    def _inside(self, text: str) -> str:
        """The part of a text that belongs to the arguments: all up to the brace that closes them."""
        if self._over:
            return ""
        if self._depth == 0:
            text = text.lstrip()
        for place, sign in enumerate(text):
            if self._skip:
                self._skip = False
            elif self._quoted:
                self._skip = sign == "\\"
                self._quoted = sign != '"'
            elif sign == '"':
                self._quoted = True
            elif sign in "{[":
                self._depth += 1
            elif sign in "}]":
                self._depth -= 1
                if self._depth == 0:
                    self._over = True
                    return text[: place + 1]
        return text


def _line(tool: Tool) -> str:
    schema = msgspec.json.encode(tool.schema.get("properties", {})).decode()
    return f"- {tool.name}: {tool.about or 'no description'} Arguments: {schema}"


def _arguments(tool: Tool) -> dict[str, Any]:
    """A tool's schema, which must be an object's."""
    schema = tool.schema
    if not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf"}:
        return {"type": "object", **schema}
    return schema


def _choice(tools: Sequence[Tool]) -> dict[str, Any]:
    """The schema of one call of any of the tools. Each tool's schema goes under `$defs`, its references with it."""
    shelves = {f"t{place}": _moved(_arguments(tool), f"#/$defs/t{place}") for place, tool in enumerate(tools)}
    forms = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, "arguments": {"$ref": f"#/$defs/t{place}"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for place, tool in enumerate(tools)
    ]
    return {"anyOf": forms, "$defs": shelves}


def _moved(schema: Any, base: str) -> Any:
    """A schema whose references to itself start at its new place."""
    if isinstance(schema, list):
        return [_moved(item, base) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: base + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _moved(value, base)
        for key, value in schema.items()
    }
