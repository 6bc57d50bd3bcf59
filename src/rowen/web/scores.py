"""How good it was: every score by name with its mean and trend, and one score cut by who judged, release and more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.store.base import Bucket, GroupBy, ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.values import Mistaken, Score
from rowen.values.interval import Interval, mean_of_sums, wilson
from rowen.web.charts import Mark, Slot, share, sparkline, trend
from rowen.web.page import Page, Services, address_with, tenant_of
from rowen.web.stretch import Stretch, stretch_of

CUTS: tuple[ScoreGroup, ...] = ("source", "by", "version", "app", "environment", "release", "definition")
WHO = {
    "user": "users of the app",
    "person": "people who review",
    "model": "model judges",
    "rule": "rules",
    "guard": "guards",
}
_FEW = 15
_LOOKED_AT = 20
_LABELLED = ("boolean", "category")
_MARKED: tuple[GroupBy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One name of scores in the list."""

    name: str
    kind: str
    app: str
    link: str
    count: int
    mean: Interval | None
    """None for texts and categories without numbers."""
    labels: Sequence[tuple[str, int]]
    line: Markup
    last_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreList:
    """All names, those that people gave first."""

    title: str
    stretch: Stretch
    groups: Sequence[tuple[str, Sequence[Named]]]
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The scores of one value of the cut."""

    name: str
    count: int
    mean: Interval
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class OneScore:
    """One name over time."""

    title: str
    name: str
    app: str
    kind: str
    stretch: Stretch
    total: Interval
    count: int
    labels: Sequence[tuple[str, int, Markup]]
    chart: Markup
    rows: Sequence[tuple[str, Interval]]
    cut: str
    cuts: Sequence[str]
    query: Mapping[str, str]
    by: Sequence[Cut]
    latest: Sequence[Score]
    low: bool
    call: str


async def scores(request: Request, services: Services, visit: Visit) -> Page:
    """Every name of scores, with its mean and how it went."""
    stretch = stretch_of(request, services.clock)
    tenant = tenant_of(visit)
    found: dict[str, list[Named]] = {}
    for each in sorted(await services.scores.names(tenant), key=lambda name: (name.name, name.app)):
        found.setdefault(each.source, []).append(await _named(services, tenant, each, stretch))
    order = [source for source in WHO if source in found]
    return Page(
        template="scores/list.html",
        context=ScoreList(
            title="Scores",
            stretch=stretch,
            groups=[(WHO[source], found[source]) for source in order],
            base=str(request.base_url).rstrip("/"),
        ),
    )


async def of_value(services: Services, tenant: str | None, stretch: Stretch) -> list[Named]:
    """Return what says most about the worth of the answers, first: what users said and did, reviewers, then judges."""
    names = await services.scores.names(tenant)
    order = list(WHO)
    names.sort(key=lambda each: (order.index(each.source), -each.count, each.name))
    found = [await _named(services, tenant, each, stretch) for each in names[:_LOOKED_AT]]
    return [each for each in found if each.mean is not None and each.mean.n]


async def score(request: Request, services: Services, visit: Visit) -> Page:
    """One name of scores over time, cut by who judged, version, release and more; the lowest or the latest beside."""
    stretch = stretch_of(request, services.clock)
    tenant = tenant_of(visit)
    name, app = request.path_params["name"], request.query_params.get("app", "")
    known = [each for each in await services.scores.names(tenant, app) if each.name == name]
    if not known:
        raise Mistaken("not_found", "There is no score of that name.")
    buckets = await _buckets(services, tenant, name, app, stretch)
    cut: ScoreGroup = next((each for each in CUTS if each == request.query_params.get("by")), "source")
    groups = await _buckets(services, tenant, name, app, stretch, by=cut, whole=True)
    low = request.query_params.get("show") != "latest" and any(each.numbers for each in buckets)
    latest = await services.scores.find(
        ScoreFilter(tenant=tenant, name=name, app=app, since_ns=stretch.since_ns, until_ns=stretch.until_ns, limit=500)
    )
    if low:
        latest = sorted(latest, key=lambda each: (each.number is None, each.number or 0.0))
    kind = known[0].type
    slots = [(start, mean_of(_merged(_at(buckets, start)), kind)) for start in stretch.starts]
    labels = _labels(buckets) if kind in _LABELLED else []
    most = max((count for _, count in labels), default=1)
    query = {key: value for key, value in request.query_params.items() if value}
    return Page(
        template="scores/one.html",
        context=OneScore(
            title=name,
            name=name,
            app=app,
            kind=kind,
            stretch=stretch,
            total=mean_of(_merged(buckets), kind),
            count=sum(each.count for each in buckets),
            labels=[(label, count, share(count, most)) for label, count in labels],
            chart=trend(
                [Slot(name=stretch.said(start)) for start, _ in slots],
                [mean for _, mean in slots],
                f"{name} in the last {stretch.range}",
                marks=await _releases(services, tenant, app, stretch),
                share=kind == "boolean",
            ),
            rows=[(stretch.said(start), mean) for start, mean in reversed(slots) if mean.n],
            cut=cut,
            cuts=CUTS,
            query=query,
            by=_cuts(groups, kind),
            latest=latest[:_FEW],
            low=low,
            call=f"curl -H 'Authorization: Bearer rk-…' '{request.url.replace(query='', path='/api/scores')}"
            f"{address_with({'name': name, 'app': app})}'",
        ),
    )


def mean_of(bucket: ScoreBucket, kind: str) -> Interval:
    """Return the mean with its interval: Wilson's for a share of true ones, Student's t otherwise."""
    if kind == "boolean":
        return wilson(bucket.total, bucket.numbers)
    return mean_of_sums(bucket.numbers, bucket.total, bucket.squares)


async def _named(services: Services, tenant: str | None, each: ScoreName, stretch: Stretch) -> Named:
    of_source = await _buckets(services, tenant, each.name, each.app, stretch, by="source")
    mine = [bucket for bucket in of_source if bucket.group == each.source]
    total = _merged(mine)
    values = [mean_of(_merged(_at(mine, start)), each.type).value for start in stretch.starts]
    return Named(
        name=each.name,
        kind=each.type,
        app=each.app,
        link=f"/scores/{each.name}{address_with({'app': each.app, 'range': stretch.range})}",
        count=total.count,
        mean=mean_of(total, each.type) if total.numbers else None,
        labels=_labels(mine)[:4] if each.type in _LABELLED else (),
        line=sparkline(values),
        last_ns=each.last_ns,
    )


async def _buckets(
    services: Services,
    tenant: str | None,
    name: str,
    app: str,
    stretch: Stretch,
    *,
    by: ScoreGroup = "",
    whole: bool = False,
) -> list[ScoreBucket]:
    return await services.scores.buckets(
        tenant=tenant,
        name=name,
        app=app,
        since_ns=stretch.since_ns,
        until_ns=stretch.until_ns,
        every_ns=stretch.until_ns - stretch.since_ns if whole else stretch.every_ns,
        by=by,
    )


def _at(buckets: Sequence[ScoreBucket], start: int) -> list[ScoreBucket]:
    return [bucket for bucket in buckets if bucket.start_ns == start]


def _merged(buckets: Sequence[ScoreBucket]) -> ScoreBucket:
    return ScoreBucket(
        start_ns=0,
        count=sum(each.count for each in buckets),
        numbers=sum(each.numbers for each in buckets),
        total=sum(each.total for each in buckets),
        squares=sum(each.squares for each in buckets),
    )


def _labels(buckets: Sequence[ScoreBucket]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for bucket in buckets:
        for label, count in bucket.labels.items():
            counts[label] = counts.get(label, 0) + count
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _cuts(groups: Sequence[ScoreBucket], kind: str) -> list[Cut]:
    names = sorted({bucket.group for bucket in groups})
    sums = {name: _merged([bucket for bucket in groups if bucket.group == name]) for name in names}
    means = {name: mean_of(each, kind) for name, each in sums.items()}
    most = max((abs(mean.value or 0) for mean in means.values()), default=1) or 1
    cuts = [
        Cut(name=name, count=sums[name].count, mean=mean, bar=share(abs(mean.value or 0), most))
        for name, mean in means.items()
    ]
    return sorted(cuts, key=lambda each: -each.count)


async def _releases(services: Services, tenant: str | None, app: str, stretch: Stretch) -> list[Mark]:
    """Where a release, or else a Definition, first answered within the stretch; none for the one it began with."""
    for by in _MARKED:
        buckets = await services.traces.buckets(
            tenant=tenant,
            since_ns=stretch.since_ns,
            until_ns=stretch.until_ns,
            every_ns=stretch.every_ns,
            by=by,
            app=app,
        )
        marks = _firsts(buckets, stretch)
        if marks:
            return marks
    return []


def _firsts(buckets: Sequence[Bucket], stretch: Stretch) -> list[Mark]:
    first: dict[str, int] = {}
    for bucket in buckets:
        if bucket.group:
            first.setdefault(bucket.group, bucket.start_ns)
    if not first:
        return []
    begun = min(first.values())
    return [
        Mark(place=(start - stretch.since_ns) // stretch.every_ns, name=name[:24])
        for name, start in first.items()
        if start != begun
    ]
