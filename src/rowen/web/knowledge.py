"""What apps know: how fresh it is, its documents with their chunks in place, and what was put aside."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.retrieve.base import ChunkTable
from rowen.retrieve.calibration import Calibration, made_by
from rowen.retrieve.chunk.catalog import kinds
from rowen.retrieve.desk import Listing, Shown, Sized, Standing, Told, sized
from rowen.retrieve.state import Quarantined
from rowen.store.knowledge import Collection
from rowen.values import Chunk, Mistaken, Problem, Reader, Score
from rowen.values.whole import whole
from rowen.web import charts
from rowen.web.forms import choice, managed, text
from rowen.web.page import Page, Services, api_call, may_manage, tenant_of

HEALTH = {
    "well": ("ok", "well"),
    "ill": ("failed", "a source is ill"),
    "stale": ("failed", "out of date"),
    "building": ("refused", "being made"),
    "empty": ("refused", "empty"),
}
"""The class of the pill and the words of each health."""
VERDICTS = {"right": "right as they are", "small": "too small", "large": "too large", "torn": "torn at bad places"}
VERDICT = "chunks"
"""The name of the score that a person's verdict on chunks is kept under."""

_DOCUMENTS = 50
_NAME = 200  # characters of a thing that is looked up
_SMALLEST, _LARGEST = 50, 1_000_000  # characters of a chunk that is tried
_LETTERS = 30_000
"""Characters of a document on one page."""


class Stretch(NamedTuple):
    """A piece of text that the same chunks hold: none, one, or several where they overlap."""

    text: str
    begins: tuple[int, ...]
    """Numbers of the chunks that begin here."""
    shade: str
    """`odd` or `even` by the number of its chunk, `both` in several, empty in none."""
    size: int
    """Characters of the first chunk that begins here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One collection in the list."""

    standing: Standing
    pill: str
    words: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that the reader may see."""

    title: str
    rows: Sequence[Known]
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneKnown:
    """One collection."""

    title: str
    known: Known
    documents: Sequence[Listing]
    more: str
    source: str
    aside: Sequence[Quarantined]
    graph: bool
    """Whether relations were found between things that documents name."""
    of: str
    """The thing that is looked up; empty for none."""
    told: Sequence[Told]
    calibration: Calibration | None
    chart: Markup
    tables: int
    """How many tables the reader may read."""
    elsewhere: bool
    """Whether another index was asked than the one that answers."""
    may_change: bool
    failed: Problem | None
    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneDocument:
    """One document, its chunks shown in place."""

    title: str
    known: Known
    shown: Shown
    stretches: Sequence[Stretch]
    contexts: Mapping[int, str]
    sizes: Sized
    table: ChunkTable
    trying: bool
    kinds: Sequence[str]
    since: int
    before: int | None
    after: int | None
    verdict: Score | None
    verdicts: Mapping[str, str]
    may_change: bool
    failed: Problem | None
    call: str


async def knowledge(request: Request, services: Services, visit: Visit) -> Page:
    """All collections with their health and how fresh they are."""
    found = await services.knowledge.all(tenant_of(visit), visit.entry.apps)
    return Page(
        template="knowledge/list.html",
        context=Everything(
            title="Knowledge", rows=[_known(each) for each in found], call=api_call(request, "/api/knowledge")
        ),
    )


async def collection(request: Request, services: Services, visit: Visit) -> Page:
    """One collection: its sources, indexes, documents, and what was put aside."""
    return await _one(request, services, visit)


async def act(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Look at the sources now, let another index answer, or remove one."""
    form, actor = await managed(request, visit, services.address(request))
    found = collection_in(request, services, visit)
    what, build, desk = request.path_params["what"], str(form.get("build", "")), services.knowledge
    acts: Mapping[str, Callable[[], Awaitable[object]]] = {
        "sync": lambda: desk.sync(found, removal=form.get("removal") == "1"),
        "switch": lambda: desk.switch(found, build),
        "delete": lambda: desk.delete(found, build, force=form.get("force") == "1"),
    }
    if what not in acts:
        raise Mistaken("not_found", "Nothing of that kind can be done with it.")
    try:
        await acts[what]()
    except Mistaken as problem:
        return await _one(request, services, visit, failed=problem)
    target = f"{found.app}/{found.name}"
    await services.register.recorder.note(actor, f"knowledge.{what}", tenant=found.tenant, target=target)
    return RedirectResponse(link_of(found), status_code=303)


async def document(request: Request, services: Services, visit: Visit) -> Page:
    """One document with its chunks, as the index has them or as another chunker would cut it."""
    return await _document(request, services, visit)


async def judge(request: Request, services: Services, visit: Visit) -> Page | Response:
    """Keep what a person says of the chunks of a document, as a score."""
    form, _ = await managed(request, visit, services.address(request))
    found = collection_in(request, services, visit)
    try:
        said = choice(form, "verdict", tuple(VERDICTS), "right")
        reason = text(form, "reason", most=2_000)
        chunker = text(form, "chunker", most=200)
    except Mistaken as problem:
        return await _document(request, services, visit, failed=problem)
    shown = await services.knowledge.document(found, request.path_params["id"], reader_of(visit, found))
    await services.intake.take([
        Score(
            id=_verdict_id(found, shown.document.id, chunker, visit.entry.key.id),
            tenant=found.tenant,
            app=found.app,
            target="case",
            case=f"{found.app}/{found.name}/{shown.document.id}",
            name=VERDICT,
            type="category",
            value=said,
            number=float(said == "right"),
            reason=reason,
            source="person",
            by=visit.entry.key.name,
            version=chunker,
            metadata={"kind": shown.document.kind, "uri": shown.document.uri, "version": shown.document.version},
        )
    ])  # fmt: skip
    return RedirectResponse(
        f"{link_of(found)}/{quote(shown.document.id)}?{request.url.query}".rstrip("?"), status_code=303
    )


def stretches(content: str, chunks: Sequence[Chunk], since: int, until: int) -> list[Stretch]:
    """Return a part of a text in stretches, each of which the same chunks hold."""
    edges = {since, until}
    for chunk in chunks:
        edges.update(edge for edge in (chunk.start, chunk.end) if since < edge < until)
    places = sorted(edges)
    found: list[Stretch] = []
    holding = 0
    for start, end in itertools.pairwise(places):
        # Chunks are sorted by their starts: those before `holding` ended long ago.
        while holding < len(chunks) and chunks[holding].end <= start:
            holding += 1
        inside, begins, number = [], [], holding
        while number < len(chunks) and chunks[number].start <= start:
            if chunks[number].end > start:
                inside.append(number)
                if chunks[number].start == start:
                    begins.append(number)
            number += 1
        shade = "" if not inside else "both" if len(inside) > 1 else ("odd" if inside[0] % 2 else "even")
        size = chunks[begins[0]].end - chunks[begins[0]].start if begins else 0
        found.append(Stretch(content[start:end], tuple(begins), shade, size))
    return found


async def _one(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    found = collection_in(request, services, visit)
    standing = await services.knowledge.standing(found)
    source = request.query_params.get("source", "")
    graph = bool(standing.live and standing.live.manifest.graph)
    of = request.query_params.get("of", "").strip()[:_NAME] if graph else ""
    calibration = await services.knowledge.calibration(found)
    listed = await services.knowledge.documents(
        found, reader_of(visit, found), source=source, after=request.query_params.get("after", ""), limit=_DOCUMENTS
    )
    return Page(
        template="knowledge/one.html",
        context=OneKnown(
            title=found.name,
            known=_known(standing),
            documents=listed,
            more=listed[-1].id if len(listed) == _DOCUMENTS else "",
            source=source,
            # Nobody has said yet who may read what was put aside, not even its name.
            aside=await services.knowledge.quarantine(found) if may_manage(visit) else (),
            graph=graph,
            of=of,
            told=await services.knowledge.related(found, of, reader_of(visit, found)) if of else (),
            calibration=calibration,
            chart=_chart(calibration) if calibration else Markup(""),
            tables=len(await services.knowledge.tables(found, reader_of(visit, found))),
            elsewhere=bool(calibration and standing.live and calibration.index != made_by(standing.live.manifest)),
            may_change=may_manage(visit),
            failed=failed,
            call=api_call(request, f"/api/knowledge/{quote(found.app)}/{quote(found.name)}"),
        ),
        status=failed.status if failed else 200,
    )


def _chart(found: Calibration) -> Markup:
    bins = [(f"{each.low:.0%}", each.said, each.right) for each in found.bins]
    return charts.believed(bins, "Chance that was said, and share that was so", lambda share: f"{share:.0%}")


async def _document(request: Request, services: Services, visit: Visit, *, failed: Problem | None = None) -> Page:
    found = collection_in(request, services, visit)
    query, reader, id = request.query_params, reader_of(visit, found), request.path_params["id"]
    trying = "kind" in query
    table = ChunkTable()
    try:
        table = _table(query) if trying else table
        shown = await services.knowledge.document(found, id, reader, table=table if trying else None)
    except Mistaken as problem:
        if problem.code == "not_found":
            raise
        failed, trying = problem, False
        shown = await services.knowledge.document(found, id, reader)
    content = shown.document.text
    since = min(whole(query, "from", usual=0, of="characters"), max(0, len(content) - 1))
    until = min(len(content), since + _LETTERS)
    scores = await services.scores.get(_verdict_id(found, id, shown.chunker, visit.entry.key.id), found.tenant)
    return Page(
        template="knowledge/document.html",
        context=OneDocument(
            title=shown.document.title,
            known=_known(await services.knowledge.standing(found)),
            shown=shown,
            stretches=stretches(content, shown.chunks, since, until),
            contexts={number: chunk.context for number, chunk in enumerate(shown.chunks) if chunk.context},
            sizes=sized(shown.chunks),
            table=table if trying else _written(shown.chunker),
            trying=trying,
            kinds=kinds(),
            since=since,
            before=max(0, since - _LETTERS) if since else None,
            after=until if until < len(content) else None,
            verdict=scores,
            verdicts=VERDICTS,
            may_change=may_manage(visit),
            failed=failed,
            call=api_call(request, f"/api/knowledge/{quote(found.app)}/{quote(found.name)}/documents/{id}"),
        ),
        status=failed.status if failed else 200,
    )


def collection_in(request: Request, services: Services, visit: Visit) -> Collection:
    """Return the collection that an address names, where the visitor may see its app.

    Raises:
        Mistaken: `not_found`.

    """
    app, name = request.path_params["app"], request.path_params["name"]
    if visit.entry.sees(app):
        found = services.knowledge.collection(app, name)
        if tenant_of(visit) in {None, found.tenant}:
            return found
    raise Mistaken("not_found", "There is no such knowledge.")


def reader_of(visit: Visit, found: Collection) -> Reader:
    """Return for whom documents are shown: an admin sees all, others what their key's groups may read."""
    if tenant_of(visit) is None:
        return Reader(tenant=found.tenant, everything=True)
    return Reader(tenant=found.tenant, groups=(*visit.caller.groups, f"tenant:{visit.caller.tenant}"))


def _known(standing: Standing) -> Known:
    pill, words = HEALTH[standing.health]
    link = f"/knowledge/{quote(standing.app, safe='')}/{quote(standing.name, safe='')}"
    return Known(standing=standing, pill=pill, words=words, link=link)


def link_of(found: Collection) -> str:
    """Return the address of a collection's page."""
    return f"/knowledge/{quote(found.app, safe='')}/{quote(found.name, safe='')}"


def _table(query: Mapping[str, str]) -> ChunkTable:
    # A chunk for each letter of a large document would be more than a page, or a process, can hold.
    size = whole(query, "size", _SMALLEST, _LARGEST, usual=800, of="characters")
    overlap = whole(query, "overlap", 0, _LARGEST, usual=0, of="characters")
    return ChunkTable(kind=query.get("kind", "overlap"), size=size, overlap=overlap)


def _written(chunker: str) -> ChunkTable:
    """Return the table of a chunker as a manifest names it: `overlap(size=800, overlap=400)`."""
    kind, _, rest = chunker.partition("(")
    said = dict(part.strip().split("=") for part in rest.rstrip(")").split(",") if "=" in part)
    numbers = {name: int(value) for name, value in said.items() if value.isascii() and value.isdigit()}
    return ChunkTable(kind=kind, size=numbers.get("size", 800), overlap=numbers.get("overlap", 0))


def _verdict_id(found: Collection, document: str, chunker: str, key: str) -> str:
    """Return the id of one person's verdict on one way of cutting a document: another one takes its place."""
    return f"chunks:{found.app}:{found.name}:{document[:16]}:{chunker}:{key}"[:100]
