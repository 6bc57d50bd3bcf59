"""Takes a person's cases out of data sets for good: out of versions that were kept for ever too, and out of what runs answered."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

from rowen.evaluate.dataset import MOST, Packed, Version, content_of, contents, packed, unpacked, versions
from rowen.evaluate.run.base import shelf as runs_in
from rowen.store.base import Place, Records, Runs
from rowen.values import Case, Outcome, Value

Mine = Callable[[Case], bool]
"""Whether a case is to be forgotten."""


class Forgotten(Value, frozen=True, kw_only=True):
    """What was taken out."""

    versions: int = 0
    """Versions of data sets that had such cases."""
    outcomes: int = 0
    """Outcomes of runs whose texts are gone; their figures stay, under nobody's name."""
    traces: tuple[str, ...] = ()
    """The calls by which they were answered, to be erased as well, with what is within them."""


async def forget(records: Records, runs: Runs, tenant: str, mine: Mine, cases: Sequence[Case] = ()) -> Forgotten:
    """Take a tenant's cases out of the versions of its data sets, and blank what was answered to them in runs.

    Args:
        records: where data sets and runs are.
        runs: where outcomes are.
        tenant: whose.
        mine: which cases.
        cases: further ones that are gone from their data sets already.

    """
    kept, told, found = contents(records), versions(records), {(each.dataset, each.id) for each in cases}
    changed = 0
    for each in await kept.find(tenant=tenant, limit=MOST):
        every = unpacked(each)
        gone = [case for case in every if mine(case)]
        if not gone:
            continue
        found |= {(each.dataset, case.id) for case in gone}
        await kept.put(_without(each, every, gone))
        await told.amend(f"{each.dataset}:{each.hash}", partial(_lost, len(gone)), tenant)
        changed += 1
    outcomes, traces = 0, set[str]()
    for run in await runs_in(records).find(tenant=tenant, limit=MOST) if found else ():
        places = [Place(id, trial) for dataset, id in found if dataset == run.dataset for trial in range(run.trials)]
        there = await runs.find(run.id, places, tenant=tenant) if places else []
        if there:
            await runs.put(run.id, [_blank(each) for each in there], tenant=tenant)
            outcomes += len(there)
            traces |= {id for each in there for id in (each.trace, *each.told) if id}
    return Forgotten(versions=changed, outcomes=outcomes, traces=tuple(sorted(traces)))


def _lost(n: int, version: Version) -> Version:
    return version.but(erased=version.erased + n)


def _without(kept: Packed, every: Sequence[Case], gone: Sequence[Case]) -> Packed:
    ids = {case.id for case in gone}
    left = [case for case in every if case.id not in ids]
    return kept.but(cases=packed(left), left=content_of(left))


def _blank(outcome: Outcome) -> Outcome:
    """Return an outcome with its figures alone. What belonged together still does, though not by anybody's name."""
    group = f"erased {hashlib.sha256(outcome.group.encode()).hexdigest()[:12]}" if outcome.group else ""
    return outcome.but(answer="", contexts=(), reasons={}, trace="", told=(), key="", asked="", group=group)
