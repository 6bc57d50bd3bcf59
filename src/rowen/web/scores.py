"""How good it was: every score by name with its mean and trend, and one score cut by who judged, release and more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from rowen.access import Visit
from rowen.score.calibration import Calibration, Prevalence
from rowen.score.standing import JUDGES, JudgeWorth, share_in, worth_of
from rowen.store.base import ScoreBucket, ScoreFilter, ScoreGroup, ScoreName
from rowen.store.together import find_scores, scores_as_one
from rowen.values import Mistaken, Score
from rowen.values.interval import Interval, mean_of_sums, wilson
from rowen.web.charts import Mark, Slot, share, sparkline, trend
from rowen.web.page import Page, Services, address_with, api_call, tenant_of
from rowen.web.seen import alone, apps_of, offered
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
_MARKED: tuple[ScoreGroup, ...] = ("release", "definition")
_LABELLED = ("boolean", "category")
_SAID = ("boolean", "category", "number")
"""What may be a yes or a no: a number that is 1 or 0, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One name of scores in the list."""

    name: str
    kind: str
    app: str
    link: str
    count: int
    mean: Interval | None
    """None for texts and categories without numbers, and while what it is corrected by is worked out."""
    alone: Interval | None
    """What the judge alone says, where the mean is corrected by people's labels."""
    correcting: bool
    """Whether what it is corrected by is still worked out."""
    labels: Sequence[tuple[str, int]]
    line: Markup
    last_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreList:
    """All names, those that people gave first."""

    title: str
    stretch: Stretch
    app: str
    apps: Sequence[str]
    groups: Sequence[tuple[str, Sequence[Named]]]
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The scores of one value of the cut."""

    name: str
    count: int
    mean: Interval
    alone: Interval | None
    """What the judges alone say, where the mean is corrected."""
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class OneScore:
    """One name over time."""

    title: str
    name: str
    app: str
    """The app whose scores they are; empty for those of all apps together."""
    apps: Sequence[str]
    """The apps that have scores of this name."""
    kind: str
    stretch: Stretch
    total: Interval
    share: Prevalence | None
    """Where people labelled what judges said yes or no to: the share that is shown, and the judges' own."""
    worth: JudgeWorth | None
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
    tenant, apps = tenant_of(visit), apps_of(visit, request.query_params.get("app", ""))
    app = alone(apps)
    found: dict[str, list[Named]] = {}
    names = [each for one in apps for each in await services.scores.names(tenant, one)]
    labelled = _labelled(names)
    for each in sorted(names, key=lambda name: (name.name, name.app)):
        found.setdefault(each.source, []).append(await _named(services, tenant, each, stretch, labelled))
    order = [source for source in WHO if source in found]
    return Page(
        call=api_call(request, "/api/scores/names", app=app),
        template="scores/list.html",
        context=ScoreList(
            title=f"Scores of {app}" if app else "Scores",
            stretch=stretch,
            app=app,
            apps=offered(visit, sorted({each.app for each in await services.scores.names(tenant) if each.app})),
            groups=[(WHO[source], found[source]) for source in order],
            base=str(request.base_url).rstrip("/"),
        ),
    )


async def of_value(services: Services, tenant: str | None, stretch: Stretch, apps: tuple[str, ...]) -> list[Named]:
    """Return what says most about the worth of the answers, first: what users said and did, reviewers, then judges."""
    names = [each for app in apps for each in await services.scores.names(tenant, app)]
    order = list(WHO)
    names.sort(key=lambda each: (order.index(each.source), -each.count, each.name))
    labelled = _labelled(names)
    found = [await _named(services, tenant, each, stretch, labelled) for each in names[:_LOOKED_AT]]
    return [each for each in found if each.correcting or (each.mean is not None and each.mean.n)]


async def score(request: Request, services: Services, visit: Visit) -> Page:
    """One name of scores over time, cut by who judged, version, release and more; the lowest or the latest beside."""
    stretch = stretch_of(request, services.clock)
    tenant = tenant_of(visit)
    name, seen = request.path_params["name"], apps_of(visit, request.query_params.get("app", ""))
    app = alone(seen)
    every = [each for each in await services.scores.names(tenant) if each.name == name]
    known = [each for each in every if seen == ("",) or each.app in seen]
    if not known:
        raise Mistaken("not_found", "There is no score of that name.")
    apps = [each for each in sorted({each.app for each in every}) if each and visit.entry.sees(each)]
    app = app or (apps[0] if {each.app for each in every} == {*apps[:1]} else "")
    seen = (app,) if app else seen
    title = f"{name} of {app}" if app else name
    buckets = await _buckets(services, tenant, name, seen, stretch)
    cut: ScoreGroup = next((each for each in CUTS if each == request.query_params.get("by")), "source")
    groups = await _buckets(services, tenant, name, seen, stretch, by=cut, whole=True)
    # How right judges are is told of one app, or of all that there are.
    worth = (
        await worth_of(services.scores, tenant=tenant, app=app, name=name)
        if len(seen) == 1 and any(_corrected(each, _labelled(known)) for each in known)
        else None
    )
    errors = worth.calibration if worth is not None else None
    if errors is not None:
        by_source = await _buckets(services, tenant, name, seen, stretch, by="source")
        mine = [each for each in by_source if each.group in JUDGES]
        errors = errors if mine and share_in(mine, errors) is not None else None
    if errors is not None:
        # People's labels tell how right the judges are; the share is that of what the judges judged.
        buckets = mine
    low = request.query_params.get("show") != "latest" and any(each.numbers for each in buckets)
    wanted = ScoreFilter(tenant=tenant, name=name, since_ns=stretch.since_ns, until_ns=stretch.until_ns, limit=500)
    latest = await find_scores(services.scores, wanted, seen)
    if low:
        latest = sorted(latest, key=lambda each: (each.number is None, each.number or 0.0))
    kind = known[0].type
    slots = [(start, mean_of(scores_as_one(_at(buckets, start)), kind, errors)) for start in stretch.starts]
    labels = _labels(buckets) if kind in _LABELLED else []
    most = max((count for _, count in labels), default=1)
    query = {key: value for key, value in request.query_params.items() if value}
    return Page(
        template="scores/one.html",
        context=OneScore(
            title=title,
            name=name,
            app=app,
            apps=apps,
            kind=kind,
            stretch=stretch,
            total=mean_of(scores_as_one(buckets), kind, errors),
            share=share_in(buckets, errors) if errors is not None else None,
            worth=worth,
            count=sum(each.count for each in buckets),
            labels=[(label, count, share(count, most)) for label, count in labels],
            chart=trend(
                [Slot(name=stretch.said(start)) for start, _ in slots],
                [mean for _, mean in slots],
                f"{title} in the last {stretch.range}",
                marks=await _releases(services, tenant, name, seen, stretch),
                share=kind == "boolean",
            ),
            rows=[(stretch.said(start), mean) for start, mean in reversed(slots) if mean.n],
            cut=cut,
            cuts=CUTS,
            query=query,
            by=_cuts(groups, kind, errors if cut == "source" else None),
            latest=latest[:_FEW],
            low=low,
            call=api_call(request, "/api/prevalence" if errors is not None else "/api/scores", name=name, app=app),
        ),
    )


def mean_of(bucket: ScoreBucket, kind: str, errors: Calibration | None = None) -> Interval:
    """Return the mean with its interval: Wilson's for a share of true ones, Student's t otherwise.

    A share that judges gave is corrected by their errors where they are known.
    """
    if errors is not None and (found := share_in([bucket], errors)) is not None:
        return found.shown
    if kind == "boolean":
        return wilson(bucket.total, bucket.numbers)
    return mean_of_sums(bucket.numbers, bucket.total, bucket.squares)


def _labelled(names: Sequence[ScoreName]) -> dict[tuple[str, str], int]:
    """The names of what people labelled, each with its app, and how often and when last: with a label more it is another."""
    return {
        (each.name, each.app): hash((each.count, each.last_ns))
        for each in names
        if each.source == "person" and each.type in _SAID
    }


def _corrected(each: ScoreName, labelled: Mapping[tuple[str, str], int]) -> bool:
    return each.type in _SAID and each.source in JUDGES and (each.name, each.app) in labelled


async def _named(
    services: Services,
    tenant: str | None,
    each: ScoreName,
    stretch: Stretch,
    labelled: Mapping[tuple[str, str], int],
) -> Named:
    errors: Calibration | None = None
    correcting = False
    if _corrected(each, labelled):
        known = await services.kept.get(
            ("worth", tenant, each.app, each.name, labelled[each.name, each.app]),
            lambda: worth_of(services.scores, tenant=tenant, app=each.app, name=each.name),
        )
        correcting = known.value is None
        errors = known.value.calibration if known.value is not None else None
    of_source = await _buckets(services, tenant, each.name, (each.app,), stretch, by="source")
    mine = [bucket for bucket in of_source if bucket.group == each.source]
    total = scores_as_one(mine)
    values = [mean_of(scores_as_one(_at(mine, start)), each.type, errors).value for start in stretch.starts]
    return Named(
        name=each.name,
        kind=each.type,
        app=each.app,
        link=f"/scores/{each.name}{address_with({'app': each.app, 'range': stretch.range})}",
        count=total.count,
        mean=mean_of(total, each.type, errors) if total.numbers and not correcting else None,
        alone=mean_of(total, each.type) if errors is not None and share_in([total], errors) is not None else None,
        correcting=correcting,
        labels=_labels(mine)[:4] if each.type in _LABELLED else (),
        line=sparkline(values),
        last_ns=each.last_ns,
    )


async def _buckets(
    services: Services,
    tenant: str | None,
    name: str,
    apps: tuple[str, ...],
    stretch: Stretch,
    *,
    by: ScoreGroup = "",
    whole: bool = False,
) -> list[ScoreBucket]:
    every = stretch.until_ns - stretch.since_ns if whole else stretch.every_ns
    found = [
        bucket
        for app in apps
        for bucket in await services.scores.buckets(
            tenant=tenant,
            name=name,
            app=app,
            since_ns=stretch.since_ns,
            until_ns=stretch.until_ns,
            every_ns=every,
            by=by,
        )
    ]
    return sorted(found, key=lambda bucket: bucket.start_ns)


def _at(buckets: Sequence[ScoreBucket], start: int) -> list[ScoreBucket]:
    return [bucket for bucket in buckets if bucket.start_ns == start]


def _labels(buckets: Sequence[ScoreBucket]) -> list[tuple[str, int]]:
    return sorted(scores_as_one(buckets).labels.items(), key=lambda each: (-each[1], each[0]))


def _cuts(groups: Sequence[ScoreBucket], kind: str, errors: Calibration | None) -> list[Cut]:
    names = sorted({bucket.group for bucket in groups})
    sums = {name: scores_as_one([bucket for bucket in groups if bucket.group == name]) for name in names}
    of = {name: errors if name in JUDGES else None for name in names}
    means = {name: mean_of(each, kind, of[name]) for name, each in sums.items()}
    most = max((abs(mean.value or 0) for mean in means.values()), default=1) or 1
    cuts = [
        Cut(
            name=name,
            count=sums[name].count,
            mean=mean,
            alone=mean_of(sums[name], kind) if of[name] is not None and share_in([sums[name]], of[name]) else None,
            bar=share(abs(mean.value or 0), most),
        )
        for name, mean in means.items()
    ]
    return sorted(cuts, key=lambda each: -each.count)


async def _releases(
    services: Services, tenant: str | None, name: str, apps: tuple[str, ...], stretch: Stretch
) -> list[Mark]:
    """Where the first answer of a release, or else of a Definition, was judged; none for the one it began with."""
    for by in _MARKED:
        marks = _firsts(await _buckets(services, tenant, name, apps, stretch, by=by), stretch)
        if marks:
            return marks
    return []


def _firsts(buckets: Sequence[ScoreBucket], stretch: Stretch) -> list[Mark]:
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
