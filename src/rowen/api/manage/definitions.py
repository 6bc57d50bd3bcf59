"""Definitions: what ran here, by hash. They belong to whoever runs the server, so only an admin reads them."""

from rowen.api.manage.base import Asked, NoParams, Page, Paged, Plain, Verb, Verbs, page_of
from rowen.values import Definition, Mistaken, Value


class DefinitionRow(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A definition without its content."""

    app: str
    hash: str
    about: str
    owner: str
    files: tuple[str, ...]


class DefinitionParams(Paged, frozen=True, kw_only=True):
    """Which definitions."""

    app: Plain = ""


async def list_definitions(asked: Asked[DefinitionParams, None]) -> Page[DefinitionRow]:
    """What ran here, by app and hash."""
    found = await asked.manage.definitions.all(asked.app(asked.params.app) or None)
    rows = [
        DefinitionRow(app=one.app, hash=one.hash, about=one.about, owner=one.owner, files=tuple(sorted(one.files)))
        for one in found
        if asked.entry.sees(one.app)
    ]
    return page_of(sorted(rows, key=lambda row: row.hash, reverse=True), lambda row: row.hash, asked.params)


async def get_definition(asked: Asked[NoParams, None]) -> Definition:
    """One definition, whole."""
    found = await asked.manage.definitions.get(asked.path["hash"])
    if found is None or not asked.entry.sees(found.app):
        raise Mistaken("not_found", "there is no such definition", place="hash")
    return found


VERBS: Verbs = (
    Verb(
        method="GET",
        path="/api/definitions",
        name="list_definitions",
        summary="Every definition that ran here.",
        scope="admin",
        run=list_definitions,
        gives=DefinitionRow,
        many=True,
        params=DefinitionParams,
        errors=("not_found",),
    ),
    Verb(
        method="GET",
        path="/api/definitions/{hash}",
        name="get_definition",
        summary="One definition with its tables and files. Secrets are in it only as references.",
        scope="admin",
        run=get_definition,
        gives=Definition,
        params=NoParams,
        errors=("not_found",),
    ),
)
