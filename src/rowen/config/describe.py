"""What the settings mean: JSON Schema for editors, and one line per key for the reference pages.

A field's description is the string literal under it in the class body, read from the source, so that code, schema and
reference cannot drift apart.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgspec

from rowen.config.kinds import Duration, TextFile, TextFiles
from rowen.config.read import Table
from rowen.values import Secret


class Line(msgspec.Struct, frozen=True):
    """One key of a table: its path, type, default and meaning."""

    path: str
    kind: str
    default: str
    meaning: str


@cache
def meanings(kind: type) -> dict[str, str]:
    """Return the description of each field of a settings class, its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith(("msgspec", "builtins")):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for here, below in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(here, ast.AnnAssign)
                and isinstance(here.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[here.target.id] = inspect.cleandoc(str(below.value.value))
    return found


def json_schema(schema: Mapping[str, Table]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of `app.toml`, for editors."""
    whole = msgspec.defstruct(
        "App",
        [(name, table.kind | None, None) for name, table in schema.items()],
        forbid_unknown_fields=True,
        kw_only=True,
    )
    (made,), components = msgspec.json.schema_components([whole], schema_hook=_hook, ref_template="#/$defs/{name}")
    for name, kind in _structs(schema).items():
        for field, meaning in meanings(kind).items():
            properties = components.get(name, {}).get("properties", {})
            if field in properties:
                properties[field].setdefault("description", meaning)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "app.toml",
        **made,
        "$defs": components,
    }


def lines(kind: Any, path: str = "") -> Iterator[Line]:
    """Yield the keys of a table and of the tables in it."""
    inner = [option for option in get_args(kind) if _is_table(option)]
    if _is_table(kind):
        yield from _fields(kind, path)
    elif inner:
        yield from _fields(inner[-1], f"{path}.NAME" if get_origin(kind) is dict else path)


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in {TextFile, TextFiles}


def _fields(kind: type[msgspec.Struct], path: str) -> Iterator[Line]:
    known = meanings(kind)
    for field in msgspec.structs.fields(kind):
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        default = "required" if field.required else _default(field)
        yield Line(where, type_name(field.type), default, known.get(field.name, ""))


def type_name(kind: Any) -> str:
    """Return a type as a reader of the reference would say it."""
    names = {
        str: "text",
        int: "integer",
        float: "number",
        bool: "true/false",
        Secret: "secret",
        TextFile: "file",
        TextFiles: "files",
        Any: "anything",
    }
    if kind in names:
        return names[kind]
    if kind == Duration:
        return "duration"
    if get_origin(kind) is Annotated:
        return f"{type_name(get_args(kind)[0])}{_range(get_args(kind)[1:])}"
    name = getattr(kind, "__name__", str(kind))
    if name == "Literal":
        return " | ".join(f"`{arg}`" for arg in get_args(kind))
    inner = [type_name(arg) for arg in get_args(kind) if arg not in {type(None), Ellipsis}]
    if name in {"tuple", "list"}:
        return f"list of {inner[0]}"
    if name == "dict":
        return f"table of {inner[1]}" if len(inner) > 1 else "table"
    return " or ".join(inner) if inner else name


def _range(notes: Sequence[Any]) -> str:
    """Return between which numbers a value may lie, as a reader of the reference would say it."""
    found = next((note for note in notes if isinstance(note, msgspec.Meta)), msgspec.Meta())
    match found.ge, found.le:
        case None, None:
            return ""
        case least, None:
            return f", {least} or more"
        case least, most:
            return f" from {least} to {most}"


def _default(field: Any) -> str:
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    match value:
        case None | "" | () | {} | msgspec.Struct():
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _structs(schema: Mapping[str, Table]) -> dict[str, type]:
    found: dict[str, type] = {}

    def walk(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__name__ not in found:
            found[kind.__name__] = kind
            for field in msgspec.structs.fields(kind):
                walk(field.type)
        for arg in get_args(kind):
            walk(arg)

    for table in schema.values():
        walk(table.kind)
    return found


def _hook(kind: type) -> dict[str, Any]:
    if kind is Secret:
        one = {"type": "object", "additionalProperties": False}
        return {
            "oneOf": [
                {**one, "properties": {"env": {"type": "string"}}, "required": ["env"]},
                {**one, "properties": {"file": {"type": "string"}}, "required": ["file"]},
            ]
        }
    raise NotImplementedError
