"""JSON Schema → the subset of OpenAPI's schema that Gemini's older `parameters` and `responseSchema` take."""

from typing import Any

_KEPT = frozenset({
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "required", "minProperties",
    "maxProperties", "minLength", "maxLength", "pattern", "example", "default", "minimum", "maximum",
})  # fmt: skip
_DEEPEST = 32  # a schema that refers to itself has no finite form


def subset(schema: Any) -> dict[str, Any]:
    """Return the nearest schema of the subset; what it cannot say is left out, which loosens it.

    References are put in place, `const` becomes an `enum` of one, `oneOf` becomes `anyOf`, a type that may be null
    becomes `nullable`.
    """
    root = schema if isinstance(schema, dict) else {}
    return _reduced(root, root, 0)


def _reduced(schema: Any, root: dict[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = _target(reference, root)
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _reduced({**target, **rest}, root, depth + 1)
    found = {name: value for name, value in schema.items() if name in _KEPT}
    kinds = found.get("type")
    if isinstance(kinds, list):
        real = [kind for kind in kinds if kind != "null"]
        if len(real) < len(kinds):
            found["nullable"] = True
        if len(real) == 1:
            found["type"] = real[0]
        else:
            del found["type"]
            found["anyOf"] = [{"type": kind} for kind in real]
    if "const" in schema:
        found["enum"] = [schema["const"]]
    if isinstance(schema.get("properties"), dict):
        found["properties"] = {name: _reduced(inner, root, depth + 1) for name, inner in schema["properties"].items()}
    if isinstance(schema.get("items"), dict):
        found["items"] = _reduced(schema["items"], root, depth + 1)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        real = [choice for choice in choices if not (isinstance(choice, dict) and choice.get("type") == "null")]
        if len(real) < len(choices):
            found["nullable"] = True
        reduced = [_reduced(choice, root, depth + 1) for choice in real]
        if len(reduced) == 1:
            found = {**reduced[0], **found}
        else:
            found["anyOf"] = reduced
    return found


def _target(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        if name:
            found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
