"""What came of a run: figures with intervals, what they must be, slices, and why cases failed."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from rowen.evaluate.run.base import MEASURED, Loaded
from rowen.evaluate.run.desk import Plan
from rowen.evaluate.run.must import Held, held
from rowen.evaluate.run.tries import passes, tries_of
from rowen.store.base import Place, Record, Records, Runs
from rowen.store.shelf import Shelf
from rowen.values import CODES, Run, Value
from rowen.values.interval import Interval

BINS = 20
_FAILED = 1000  # failed outcomes of which the reasons are read
_SLICES = 40


class Figure(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One metric over the cases of a run."""

    metric: str
    measured: bool
    """Whether it is a time, a cost or a count, which no scorer gave."""
    interval: Interval
    missing: int
    """Cases that have no value, and are not among `n`."""
    higher_is_better: bool
    least: float
    most: float
    median: float
    p95: float
    bins: tuple[int, ...]
    """Cases by 20 equal stretches between `least` and `most`; of what lies between 0 and 1, between these."""


class Slice(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Some of the cases."""

    name: str
    value: str
    cases: int
    figures: dict[str, Interval]


class Result(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What came of a run."""

    run: Run
    passed: bool
    """Whether it came to its end and every `must` is kept."""
    why: str
    """What speaks against it, in a sentence; empty where nothing does."""
    held: tuple[Held, ...]
    figures: tuple[Figure, ...]
    labels: dict[str, dict[str, int]]
    """How often each category was given, by metric."""
    slices: tuple[Slice, ...]
    errors: dict[str, int]
    """Failed outcomes by what went wrong; of the first 1,000."""


def result_of(run: Loaded, plan: Plan, errors: dict[str, int], *, slices: bool = True) -> Result:
    """Return what came of a run.

    Args:
        run: the run with its figures.
        plan: what it was run with.
        errors: its failed outcomes by what went wrong.
        slices: whether to look at slices too.

    """
    figures = [_figure(run, metric) for metric in (*run.metrics, *MEASURED)]
    kept = tuple(held(must, run, plan.undecided) for must in plan.musts)
    why = _why(run.run, kept)
    return Result(
        run=run.run,
        passed=not why,
        why=why,
        held=kept,
        figures=tuple(each for each in (*figures, *_tried(run)) if each.interval.value is not None),
        labels=_labels(run),
        slices=tuple(_slices(run)) if slices else (),
        errors=errors,
    )


async def errors_of(outcomes: Runs, run: Loaded) -> dict[str, int]:
    """Return the failed outcomes of a run by what went wrong."""
    figures = run.figures
    failed = [
        Place(case, trial)
        for case, trial, state in zip(figures.cases, figures.trials, figures.states, strict=True)
        if state == "failed"
    ]
    found = await outcomes.find(run.run.id, failed[:_FAILED], tenant=run.run.tenant)
    return dict(Counter(_kind(each.reasons.get("error", "")) for each in found).most_common())


class Kept(Value, frozen=True, kw_only=True):
    """A result among the records. JSON has no infinity, which an interval may end in, so it is packed otherwise."""

    run: str
    tenant: str
    app: str
    created_ns: int
    packed: bytes
    """MessagePack."""


class Results:
    """The results of runs that have ended, kept so that no page counts them again.

    Args:
        records: where they are.

    """

    def __init__(self, records: Records) -> None:
        self._shelf = Shelf(records, "run.result", Kept, _described)

    async def put(self, result: Result) -> None:
        """Keep a result in place of an earlier one of its run."""
        run = result.run
        await self._shelf.put(
            Kept(run=run.id, tenant=run.tenant, app=run.app, created_ns=run.created_ns, packed=_pack(result))
        )

    async def get(self, run: Run) -> Result | None:
        """Return the result of a run, None where it is not that of how the run ended."""
        kept = await self._shelf.get(run.id, run.tenant)
        found = None if kept is None else _unpack(kept.packed)
        return found if found is not None and found.run.ended_ns == run.ended_ns else None

    async def latest(self, tenant: str | None, limit: int) -> dict[str, Result]:
        """Return results by run, those of the newest runs."""
        found = await self._shelf.find(tenant=tenant, limit=limit)
        return {kept.run: _unpack(kept.packed) for kept in found}

    async def delete(self, run: Run) -> None:
        """Remove a run's result."""
        await self._shelf.delete(run.id, run.tenant)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Result).decode


def _described(kept: Kept) -> Record:
    return Record(kind="", id=kept.run, tenant=kept.tenant, app=kept.app, at_ns=kept.created_ns)


def _why(run: Run, kept: Sequence[Held]) -> str:
    said = [str(each) for each in kept if not each.passed]
    if run.state != "done":
        said.insert(0, run.why or f"the run is {run.state}")
    return "; ".join(said)


def _figure(run: Loaded, metric: str) -> Figure:
    values = sorted(run.cases(metric).values())
    n, bounds = len(values), run.bounds(metric)
    least, most = (values[0], values[-1]) if values else (0.0, 0.0)
    return Figure(
        metric=metric,
        measured=metric in MEASURED,
        interval=run.interval(metric),
        missing=len(run.groups) - n,
        higher_is_better=run.higher_is_better(metric),
        least=least,
        most=most,
        median=values[n // 2] if values else 0.0,
        p95=values[min(n - 1, int(n * 0.95))] if values else 0.0,
        bins=_bins(values, *((0.0, 1.0) if bounds == (0.0, 1.0) else (least, most))),
    )


def _tried(run: Loaded) -> list[Figure]:
    """Return pass@k and pass^k of every yes-or-no metric, for as many tries as all cases have."""
    found: list[Figure] = []
    if run.run.trials < 2:
        return found
    for metric in run.metrics:
        tried = tries_of(run, metric)
        if tried is None or tried.least < 2:
            continue
        for sign, any_of in (("@", True), ("^", False)):
            found.append(
                Figure(
                    metric=f"{metric}{sign}{tried.least}",
                    measured=False,
                    interval=passes(tried, tried.least, any_of),
                    missing=len(run.groups) - len(tried.cases),
                    higher_is_better=run.higher_is_better(metric),
                    least=0.0,
                    most=1.0,
                    median=0.0,
                    p95=0.0,
                    bins=(),
                )
            )
    return found


def _bins(values: Sequence[float], least: float, most: float) -> tuple[int, ...]:
    if not values or not most > least:
        return ()
    counts = Counter(min(BINS - 1, int((value - least) / (most - least) * BINS)) for value in values)
    return tuple(counts[place] for place in range(BINS))


def _labels(run: Loaded) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for labels in run.figures.labels:
        for metric, label in labels.items():
            found.setdefault(metric, Counter())[label] += 1
    return {metric: dict(counts.most_common()) for metric, counts in sorted(found.items())}


def _slices(run: Loaded) -> list[Slice]:
    metrics = (*run.metrics, "error_rate", "latency")
    found = [
        Slice(
            name=name,
            value=value,
            cases=len(cases),
            figures={
                metric: interval for metric in metrics if (interval := run.interval(metric, cases)).value is not None
            },
        )
        for name, values in run.slices.items()
        for value, cases in values.items()
    ]
    return found[:_SLICES]


def _kind(error: str) -> str:
    """Return what went wrong without what is told of it: the scorer where it was one, and the code."""
    first, _, rest = error.partition(": ")
    return first if first in CODES or not rest else f"{first}: {rest.split(': ')[0]}"
