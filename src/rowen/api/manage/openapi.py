"""The description of the management API, OpenAPI 3.1, made from the route table."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from rowen import __version__
from rowen.api.manage.base import Verb, Verbs
from rowen.values import CODES, Value

_REF = "#/components/schemas/"
_ALWAYS = ("header_repeated", "field_invalid", "field_unknown", "utf8_invalid", "broken", "store_unavailable")
_KEY = ("key_missing", "key_unknown", "key_revoked", "key_expired", "key_scope", "key_network", "sign_in_needed")
_BODY = ("json_malformed", "json_too_deep", "body_too_large", "body_too_slow", "content_type")


class ErrorFacts(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What went wrong, where, and what can be done about it."""

    code: str
    message: str
    place: str
    next_step: str
    trace_id: str


class Error(Value, frozen=True, kw_only=True, omit_defaults=False):
    """The one shape of every error."""

    error: ErrorFacts


def described(verbs: Verbs) -> dict[str, Any]:
    """Return the OpenAPI document of a route table."""
    types = [Error, *(verb.gives for verb in verbs), *(verb.body for verb in verbs if verb.body)]
    schemas, components = msgspec.json.schema_components(types, ref_template=f"{_REF}{{name}}")
    _open_ended(components)
    given = schemas[1 : 1 + len(verbs)]
    bodies = iter(schemas[1 + len(verbs) :])
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for verb, gives in zip(verbs, given, strict=True):
        paths[verb.path][verb.method.lower()] = _operation(verb, gives, next(bodies) if verb.body else None)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Rowen management API",
            "version": __version__,
            "description": "Keys, tenants, audit, traces, models and definitions. Times are nanoseconds since 1970 "
            "UTC, money is US dollars as decimal text. A field that holds its default may be left out of an answer.",
        },
        "security": [{"bearer": []}, {"header": []}, {"session": []}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `Bearer rk-…`."},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "rowen_session",
                    "description": "The session of the pages. Writing needs the header `x-csrf-token` as well.",
                },
            },
        },
    }
    refs = {f"{_REF}{name}": f"{_REF}{_short(name)}" for name in components}
    short = {_short(name): component for name, component in components.items()}
    assert len(short) == len(components), "two types of one stage have one name: call one of them otherwise"
    document["components"]["schemas"] = short
    return cast("dict[str, Any]", _renamed(document, refs))


def _short(name: str) -> str:
    """Return what a schema is called, wherever its type stands: types of one name are told apart by their stage or records."""
    *place, type_ = name.split(".")
    if not place or place[1] == "values":
        return type_
    records = place[3] if place[1:3] == ["api", "manage"] else place[1]
    return f"{records.capitalize()}{type_}"


def _renamed(value: Any, refs: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {name: _renamed(each, refs) for name, each in value.items()}
        case list() | tuple():
            return [_renamed(each, refs) for each in value]
        case str():
            return refs.get(value, value)
        case _:
            return value


def _operation(verb: Verb[Any, Any], gives: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"type": "object", "required": ["data"], "properties": {"data": gives}}
    if verb.bare:
        answer = gives
    elif verb.many:
        answer["required"] = ["data", "next"]
        answer["properties"] = {
            "data": {"type": "array", "items": gives},
            "next": {"type": "string", "description": "Send it as `before` for the next page; empty on the last."},
        }
    operation: dict[str, Any] = {
        "operationId": verb.name,
        "summary": verb.summary,
        "tags": [verb.path.split("/")[2].partition(".")[0]],
        "x-scope": " or ".join((verb.scope, *verb.also)),
        "parameters": [*_path(verb.path), *_query(verb.params)],
        "responses": {
            str(verb.status): {"description": verb.summary, "content": {"application/json": {"schema": answer}}},
            **_errors(verb),
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": verb.needs_body, "content": {"application/json": {"schema": body}}}
    return operation


def _path(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query(params: type[Any]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([params])
    table = components[params.__name__]
    return [
        {"name": name, "in": "query", "required": name in table.get("required", ()), "schema": schema}
        for name, schema in table["properties"].items()
    ]


def _errors(verb: Verb[Any, Any]) -> dict[str, Any]:
    """Return the error answers by status, each naming its codes."""
    by_status: dict[int, list[str]] = defaultdict(list)
    writes = ("csrf_failed",) if verb.method != "GET" else ()
    for code in (*_ALWAYS, *_KEY, *(_BODY if verb.body else ()), *writes, *verb.errors):
        by_status[CODES[code].status].append(code)
    schema = {"schema": {"$ref": f"{_REF}Error"}}
    return {
        str(status): {
            "description": "\n".join(f"- `{code}`: {CODES[code].means}" for code in codes),
            "content": {"application/json": schema},
        }
        for status, codes in sorted(by_status.items())
    }


def _open_ended(components: dict[str, Any]) -> None:
    """Say of the bounds of intervals that they may be null: JSON has no infinity, and msgspec writes null for it."""
    for component in components.values():
        for field in component.get("properties", {}).values():
            if field.pop("x-endless", False):
                field["type"] = ["number", "null"]
