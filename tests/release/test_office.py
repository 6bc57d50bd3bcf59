"""Versions are let out by their app's strategy, once the gate is open; what was refused is in the log."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from rowen.evaluate.plan import MetricsTable
from rowen.release import Reason, Releases
from rowen.release.gate import Candidate
from rowen.release.office import Office
from rowen.release.remark import Remarks
from rowen.release.ruling import Finding, Ruling
from rowen.release.table import ReleaseTable
from rowen.release.version import Version
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import Definition, Mistaken, Refused

from .conftest import ANN, a_definition, hash_of

A, B = hash_of("a"), hash_of("b")


class Stub:
    """A gate that says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.passes = True
        self.asked: list[Candidate] = []

    async def ruling(self, case: Candidate) -> Ruling:
        self.asked.append(case)
        finding = Finding(
            gate="evaluate.smoke", kind="evaluation", passed=self.passes, why="it was never run", fix="run `rowen eval`"
        )
        return Ruling(
            app="shop",
            environment=case.environment,
            definition=case.version.definition,
            baseline=case.baseline,
            open=self.passes,
            findings=(finding,),
            runs=("r1",),
        )


def tables(definition: Definition) -> Mapping[str, Any]:
    return {
        "release": msgspec.convert(definition.source.get("release", {}), ReleaseTable),
        "metrics": MetricsTable(),
        "evaluate": {},
    }


@pytest.fixture
def gate() -> Stub:
    return Stub()


@pytest.fixture
def office(store: MemoryStore, releases: Releases, gate: Stub, clock: FakeClock) -> Office:
    return Office(releases, gate, remarks=Remarks(store.records, clock), definitions=store.definitions, tables=tables)  # type: ignore[arg-type]


def asking(letter: str, **release: object) -> Definition:
    """Return a Definition with a `[release]` table."""
    source = {"app": {"name": "shop"}, "release": release}
    return Definition(app="shop", hash=letter * 64, source=source)


async def test_the_first_version_answers_everybody_whatever_the_strategy(office: Office):
    version = await office.propose(asking("f", strategy="canary"), ANN)

    done = await office.let_out("shop", "1", ANN)

    assert (version.number, done.live.definition, done.rollout) == (1, hash_of("f"), None)


async def test_what_is_proposed_again_is_the_version_that_it_was(office: Office, releases: Releases):
    first = await office.propose(asking("f"), Reason(by="ann", note="first"))
    second = await office.propose(asking("f"), Reason(by="ben", note="again"))

    assert first == second
    assert len(await releases.log("shop")) == 1


async def test_what_the_gate_would_say_is_told_of_what_is_no_version_and_nothing_is_kept(
    office: Office, releases: Releases, store: MemoryStore, gate: Stub
):
    ruling = await office.foretold(asking("f"), ANN)

    assert (ruling.open, ruling.definition) == (True, hash_of("f"))
    assert (gate.asked[0].version.number, gate.asked[0].version.author) == (0, "ann")
    assert await releases.log("shop") == []
    assert await store.definitions.get(hash_of("f")) is None


async def test_what_the_gate_would_say_of_a_version_counts_who_approved_of_it(office: Office, gate: Stub):
    await office.propose(asking("f"), ANN)
    await office.desk.approve("shop", hash_of("f"), Reason(by="ben"))

    await office.foretold(asking("f"), ANN)

    assert (gate.asked[0].version.number, len(gate.asked[0].version.approvals)) == (1, 1)


@pytest.mark.parametrize(
    ("table", "shares"),
    [
        ({"strategy": "canary"}, (0.95, 0.05)),
        ({"strategy": "experiment", "share": 30}, (0.7, 0.3)),
        ({"strategy": "shadow", "share": 10, "budget": 2.5}, (1.0, 0.1)),
        ({"strategy": "bandit", "floor": 0.1}, (0.5, 0.5)),
    ],
)
async def test_a_later_version_goes_out_by_its_strategy(office: Office, table: dict[str, object], shares):
    await office.propose(a_definition("a"), ANN)
    await office.let_out("shop", "1", ANN)
    await office.propose(asking("f", **table), ANN)

    done = await office.let_out("shop", "2", Reason(by="ann", note="shorter"))

    assert done.rollout is not None
    assert (done.rollout.strategy, done.rollout.by, done.rollout.note) == (table["strategy"], "ann", "shorter")
    assert tuple(round(arm.share, 9) for arm in done.rollout.arms) == shares
    assert done.live.rollouts == (done.rollout,)
    assert done.rollout.budget == table.get("budget")
    assert done.rollout.steps == ((0.05, 0.25, 1.0) if table["strategy"] == "canary" else ())


async def test_what_is_refused_says_how_to_mend_it_and_stands_in_the_log(
    office: Office, releases: Releases, gate: Stub
):
    await office.propose(asking("f"), ANN)
    gate.passes = False

    with pytest.raises(Refused) as caught:
        await office.let_out("shop", "1", ANN)

    assert caught.value.code == "release_refused"
    assert "evaluate.smoke: it was never run — run `rowen eval`" in caught.value.message
    assert caught.value.details["findings"] == [
        {"gate": "evaluate.smoke", "why": "it was never run", "fix": "run `rowen eval`"}
    ]
    assert await releases.live("shop") is None
    line = (await releases.log("shop"))[0]
    assert (line.act, line.by, line.note) == ("refuse", "ann", "evaluate.smoke: it was never run")
    assert line.evidence["runs"] == ["r1"]


async def test_what_was_forced_is_told_as_such(office: Office, releases: Releases, gate: Stub):
    await office.propose(asking("f"), ANN)
    gate.passes = False

    with pytest.raises(Mistaken, match="says why"):
        await office.let_out("shop", "1", Reason(by="ann", force=True))
    done = await office.let_out("shop", "1", Reason(by="ann", note="the old one leaks keys", force=True))

    assert done.live.definition == hash_of("f")
    line = (await releases.log("shop"))[0]
    assert line.note == "the old one leaks keys"
    assert line.evidence["forced"] == ["evaluate.smoke: it was never run — run `rowen eval`"]


async def test_the_log_tells_which_indexes_there_were_when_something_was_let_out(
    store: MemoryStore, releases: Releases, gate: Stub, clock: FakeClock
):
    async def content(version: Version) -> Mapping[str, Any]:
        return {"docs/b1": {"state": "live", "documents": 12, "snapshot": f"of version {version.number}"}}

    office = Office(
        releases,
        gate,  # type: ignore[arg-type]
        remarks=Remarks(store.records, clock),
        definitions=store.definitions,
        tables=tables,
        content=content,
    )
    await office.propose(asking("f"), ANN)

    await office.let_out("shop", "1", ANN)

    line = (await releases.log("shop"))[0]
    assert line.evidence["index"] == {"docs/b1": {"state": "live", "documents": 12, "snapshot": "of version 1"}}


async def test_what_is_live_already_is_not_let_out_again(office: Office):
    await office.propose(asking("f"), ANN)
    await office.let_out("shop", "1", ANN)

    with pytest.raises(Mistaken, match="is what is live"):
        await office.let_out("shop", "1", ANN)


async def test_a_canary_is_promoted_through_the_gate_again(office: Office, gate: Stub, releases: Releases):
    await office.propose(a_definition("a"), ANN)
    await office.let_out("shop", "1", ANN)
    await office.propose(asking("f", strategy="canary"), ANN)
    rollout = (await office.let_out("shop", "2", ANN)).rollout
    assert rollout is not None
    gate.passes = False

    with pytest.raises(Refused):
        await office.promote(rollout.id, ANN)
    gate.passes = True
    done = await office.promote(rollout.id, ANN)

    assert (done.live.definition, done.live.before) == (hash_of("f"), A)
    assert gate.asked[-1].baseline == A
    assert [line.act for line in await releases.log("shop", limit=3)] == ["promote", "refuse", "begin"]


async def test_the_gate_sees_what_was_said_of_the_version(office: Office, gate: Stub):
    await office.propose(asking("f", approvals=1), ANN)
    await office.remarks.add("shop", hash_of("f"), "wait", by="ben", blocks=True)

    ruling = await office.ruling("shop", "1", environment="staging")

    assert ruling.open
    asked = gate.asked[0]
    assert (asked.environment, [one.text for one in asked.remarks], asked.terms.approvals) == ("staging", ["wait"], 1)


async def test_what_this_rowen_cannot_read_is_closed_and_says_why(
    store: MemoryStore, releases: Releases, gate: Stub, clock: FakeClock
):
    def unreadable(definition: Definition) -> Mapping[str, Any]:
        raise Mistaken("config_unknown_key", 'unknown key "old"', place="app.toml")

    office = Office(
        releases, gate, remarks=Remarks(store.records, clock), definitions=store.definitions, tables=unreadable
    )  # type: ignore[arg-type]
    await office.propose(asking("f"), ANN)

    ruling = await office.ruling("shop", "1")

    assert not ruling.open
    assert ruling.findings[0].why == 'this version of Rowen cannot run it: unknown key "old" (app.toml)'
    with pytest.raises(Refused, match="cannot run it"):
        await office.let_out("shop", "1", ANN)


async def test_a_remark_is_resolved_once(store: MemoryStore, clock: FakeClock):
    remarks = Remarks(store.records, clock)
    remark = await remarks.add("shop", A, " fix this ", by="ben", blocks=True)

    done = await remarks.resolve(remark.id, "shop", by="ann", answer="done")

    assert (remark.text, remark.holds, done.holds, done.resolved_by, done.answer) == (
        "fix this",
        True,
        False,
        "ann",
        "done",
    )
    for wrong, code in (
        (("nothing", "shop"), "not_found"),
        ((remark.id, "other"), "not_found"),
        ((remark.id, "shop"), "conflict"),
    ):
        with pytest.raises(Mistaken) as caught:
            await remarks.resolve(*wrong, by="ann")
        assert caught.value.code == code
    for text in ("", "  ", "x" * 4_001):
        with pytest.raises(Mistaken, match="characters"):
            await remarks.add("shop", A, text, by="ben")
