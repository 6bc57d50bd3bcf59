"""Two traces side by side: their figures, their spans by name, and the words in which question and answer differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from starlette.requests import Request

from rowen.access import Visit
from rowen.evaluate.compare.words import Piece, pieces_of
from rowen.store.base import ScoreFilter
from rowen.values import Mistaken, Score, SpanRow, TraceRow
from rowen.web.page import Page, Services, tenant_of
from rowen.web.said import said_count, said_money, said_ms
from rowen.web.talk import Turn, turn, turns_of

_SPANS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of both traces, and how they differ."""

    name: str
    left: str
    right: str
    change: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Spans of one name at one place in both trees; one of them may be missing."""

    name: str
    depth: int
    left: SpanRow | None
    right: SpanRow | None
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The page."""

    title: str
    left: TraceRow | None
    right: TraceRow | None
    asked_for: tuple[str, str]
    figures: Sequence[Figure]
    pairs: Sequence[Pair]
    left_out: int
    asked: Sequence[Piece]
    said: Sequence[Piece]
    scores: tuple[Sequence[Score], Sequence[Score]]


async def compare(request: Request, services: Services, visit: Visit) -> Page:
    """The comparison of the traces `left` and `right`; a form while one of them is missing."""
    tenant = tenant_of(visit)
    ids = tuple(request.query_params.get(side, "").strip() for side in ("left", "right"))
    rows = [await services.traces.row(id, tenant) if id else None for id in ids]
    for id, row in zip(ids, rows, strict=True):
        if id and (row is None or not visit.entry.sees(row.app)):
            raise Mistaken("not_found", f"There is no trace {id[:40]}.")
    left, right = rows
    if left is None or right is None:
        empty = Compared(
            title="Compare traces", left=left, right=right, asked_for=(ids[0], ids[1]), figures=(), pairs=(), left_out=0,
            asked=(), said=(), scores=((), ()),
        )  # fmt: skip
        return Page(template="traces/compare.html", context=empty)
    texts = [await _texts(services, row) for row in (left, right)]
    spans = [await services.traces.spans(row.id, row.tenant) for row in (left, right)]
    pairs = paired(spans[0], spans[1])
    judged = [await services.scores.find(ScoreFilter(tenant=row.tenant, traces=(row.id,))) for row in (left, right)]
    return Page(
        template="traces/compare.html",
        context=Compared(
            title="Compare traces",
            left=left,
            right=right,
            asked_for=(ids[0], ids[1]),
            figures=figures_of(left, right),
            pairs=pairs[:_SPANS],
            left_out=max(0, len(pairs) - _SPANS),
            asked=pieces_of(texts[0][0], texts[1][0]),
            said=pieces_of(texts[0][1], texts[1][1]),
            scores=(judged[0], judged[1]),
        ),
    )


def figures_of(left: TraceRow, right: TraceRow) -> list[Figure]:
    """Return what is known of both, side by side."""
    texts = ("status", "model", "deployment", "answered_by", "definition", "environment", "release", "app")
    known = [(name, getattr(left, name), getattr(right, name)) for name in texts]
    found = [
        Figure(name=name.replace("_", " "), left=a or "–", right=b or "–", change="", same=a == b)
        for name, a, b in known
        if a or b
    ]
    took = (left.duration_ns, right.duration_ns)
    tokens = (left.input_tokens + left.output_tokens, right.input_tokens + right.output_tokens)
    return [
        *found,
        Figure(
            name="took", left=said_ms(took[0]), right=said_ms(took[1]), change=_times(*took), same=took[0] == took[1]
        ),
        Figure(
            name="tokens",
            left=said_count(tokens[0]),
            right=said_count(tokens[1]),
            change=_times(*tokens),
            same=tokens[0] == tokens[1],
        ),
        Figure(
            name="cost",
            left=said_money(left.cost),
            right=said_money(right.cost),
            change=_times(float(left.cost or 0), float(right.cost or 0)),
            same=left.cost == right.cost,
        ),
    ]


def paired(left: Sequence[SpanRow], right: Sequence[SpanRow]) -> list[Pair]:
    """Return the spans of both trees in order, those of one path of names beside one another."""
    a, b = _paths(left), _paths(right)
    matched = SequenceMatcher(a=[path for path, _ in a], b=[path for path, _ in b], autojunk=False)
    pairs: list[Pair] = []
    for kind, a0, a1, b0, b1 in matched.get_opcodes():
        if kind == "equal":
            pairs.extend(_pair(path, one, other) for (path, one), (_, other) in zip(a[a0:a1], b[b0:b1], strict=True))
            continue
        pairs.extend(_pair(path, one, None) for path, one in a[a0:a1])
        pairs.extend(_pair(path, None, other) for path, other in b[b0:b1])
    return pairs


def _paths(rows: Sequence[SpanRow]) -> list[tuple[tuple[str, ...], SpanRow]]:
    by_id = {row.id: row for row in rows}

    def path(row: SpanRow) -> tuple[str, ...]:
        names: list[str] = []
        seen: set[str] = set()
        here: SpanRow | None = row
        while here is not None and here.id not in seen and len(names) < 12:
            seen.add(here.id)
            names.append(here.name)
            here = by_id.get(here.parent)
        return tuple(reversed(names))

    return [(path(row), row) for row in rows[:1000]]


def _pair(path: tuple[str, ...], left: SpanRow | None, right: SpanRow | None) -> Pair:
    change = _times(left.duration_ns, right.duration_ns) if left and right else ""
    return Pair(name=path[-1], depth=len(path) - 1, left=left, right=right, change=change)


def _times(left: float, right: float) -> str:
    if not left or not right:
        return ""
    return f"×{right / left:.2f}" if 0.01 <= right / left < 100 else f"×{right / left:.0e}"


async def _texts(services: Services, row: TraceRow) -> tuple[str, str]:
    """Return what was asked and answered, whole: of a call, or of the root span."""
    if row.origin == "call":
        found = await services.traces.get(row.id, row.tenant)
        if found is not None and found.request is not None:
            answers = found.answer.choices if found.answer else ()
            return _plain([turn(each) for each in found.request.messages]), _plain(
                [turn(each.message) for each in answers]
            )
    twigs = await services.traces.tree(row.id, row.tenant)
    root = next((twig.id for twig in twigs if not twig.parent), twigs[0].id if twigs else "")
    whole = await services.traces.span(row.id, root, row.tenant) if root else None
    if whole is None:
        return row.asked, row.said
    return _plain(turns_of(whole.input, "input")), _plain(turns_of(whole.output, "output"))


def _plain(turns: Sequence[Turn]) -> str:
    return "\n".join(f"{each.who}: {' '.join(text for _, text in each.pieces)}" for each in turns)
