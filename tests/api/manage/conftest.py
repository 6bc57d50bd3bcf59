"""The management API over families in memory, with two tenants, their keys and their traces."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import httpx2
import pytest
from starlette.applications import Starlette

from rowen.access import SYSTEM, Directory, Register, Sessions, Throttle, Wanted
from rowen.api.manage import Manage, ModelState, routes
from rowen.evaluate.canary import Canaries, Reading
from rowen.evaluate.choice import Candidate, Choice
from rowen.evaluate.compare import Comparing
from rowen.evaluate.dataset import Datasets
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.robust import variants
from rowen.evaluate.robust.desk import Robust
from rowen.evaluate.run.base import shelf as runs_of
from rowen.evaluate.run.desk import RunDesk
from rowen.evaluate.run.office import RunOffice
from rowen.evaluate.run.suite import EvaluateTable
from rowen.flow.play import Tried, Try
from rowen.insight.budget import Budget
from rowen.insight.desk import Insight
from rowen.insight.errors import seen_in
from rowen.insight.views import Person, View, Views
from rowen.jobs import Queue
from rowen.prompt import Prompts
from rowen.release import Reason, Releases
from rowen.release.office import Office
from rowen.release.remark import Remarks
from rowen.release.ruling import Finding, Ruling
from rowen.release.table import ReleaseTable
from rowen.retrieve import RetrieveSettings
from rowen.retrieve.desk import Desk as KnowledgeDesk
from rowen.retrieve.state import Quarantined, SourceState, States
from rowen.score import queue as reviewing
from rowen.score.cases import Cases
from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.judging import Judging
from rowen.score.review import Review
from rowen.score.rule import Rule
from rowen.score.rules import Rules
from rowen.score.tokens import Tokens
from rowen.score.traffic import Traffic
from rowen.store.base import Bucket, Cell, DayCost, TraceFilter
from rowen.store.knowledge import Collection, Cut
from rowen.store.memory.knowledge import MemoryKnowledge
from rowen.store.memory.measures import MemoryMeasures
from rowen.store.memory.runs import MemoryRuns
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.values import (
    Arm,
    Case,
    Chunk,
    Column,
    Definition,
    Deployment,
    Document,
    Limit,
    Manifest,
    Mistaken,
    Outcome,
    Relation,
    Request,
    Rollout,
    Run,
    Scope,
    Score,
    ScoreConfig,
    SessionRow,
    Span,
    Table,
    Target,
    Trace,
    TraceRow,
    UserRow,
    says,
)
from rowen.values.interval import Interval, wilson
from rowen.watch import Objectives, WatchTable
from rowen.watch.alert import Alert, Firing
from rowen.watch.contact import ContactTable
from rowen.watch.desk import Desk
from rowen.watch.engine import Watched
from rowen.watch.incident import Incident
from rowen.watch.notice import Silence
from rowen.watch.tell import Teller

START = 1_800_000_000_000_000_000
KNOWN = Collection(tenant="acme", app="handbook", name="docs")
LEAVE = Table(
    name="leave",
    title="Leave",
    columns=(Column(name="who", title="Who"), Column(name="days", title="Days", type="number")),
    rows=(("clerks", 28),),
    places=(0,),
)


class Hands:
    """A clock whose hands are moved by the test."""

    def __init__(self) -> None:
        self.ns = START

    def now_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9


@dataclass
class Records:
    """Keys, definitions: records by one of their fields, for one tenant or all."""

    by: str = "id"
    kept: dict[str, Any] = field(default_factory=dict)
    changes: int = 0

    async def put(self, record) -> None:
        self.changes += 1
        self.kept[getattr(record, self.by)] = record

    async def get(self, id: str):
        return self.kept.get(id)

    async def all(self, owner: str | None = None):
        return [one for one in self.kept.values() if owner in {None, getattr(one, "tenant", None) or one.app}]

    async def touch(self, used) -> None:
        pass


@dataclass
class Homes:
    """Tenants and users."""

    homes: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)
    changes: int = 0

    async def put(self, tenant) -> None:
        self.changes += 1
        self.homes[tenant.id] = tenant

    async def all(self):
        return list(self.homes.values())

    async def put_user(self, user) -> None:
        self.changes += 1
        self.people[user.id] = user

    async def users(self, tenant: str | None = None):
        return [user for user in self.people.values() if tenant in {None, user.tenant}]


@dataclass
class Lines:
    """The audit log."""

    lines: list[Any] = field(default_factory=list)

    async def append(self, entry):
        self.lines.append(entry)
        return entry

    async def entries(self, tenant: str | None = None, *, before: str = "", limit: int = 100):
        found = [
            one for one in reversed(self.lines) if tenant in {None, one.tenant} and (not before or one.id < before)
        ]
        return found[:limit]

    async def broken_at(self):
        return None


@dataclass
class Counts:
    """Counters without windows."""

    sums_: dict[str, int] = field(default_factory=dict)

    async def take(self, counter, amount, limit, expires_ns, *, least=0) -> int:
        if self.sums_.get(counter, 0) + amount > limit:
            return 0
        self.sums_[counter] = self.sums_.get(counter, 0) + amount
        return amount

    async def give_back(self, counter, amount) -> None:
        self.sums_[counter] -= amount

    async def add(self, counter, amount, expires_ns) -> None:
        self.sums_[counter] = self.sums_.get(counter, 0) + amount

    async def sums(self, counters):
        return [self.sums_.get(counter, 0) for counter in counters]


@dataclass
class Told:
    """Traces; remembers what it was asked."""

    kept: list[Trace] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def find(self, filter: TraceFilter):
        self.asked.append(filter)
        rows = sorted((trace.row for trace in self.kept), key=lambda row: row.id, reverse=True)
        return [
            row
            for row in rows
            if filter.tenant in {None, row.tenant}
            and filter.app in {"", row.app}
            and (not filter.before or row.cursor < filter.before)
            and filter.status in {"", row.status}
            and filter.since_ns <= row.started_ns < (filter.until_ns or row.started_ns + 1)
        ][: filter.limit]

    async def sessions(self, **asked):
        self.asked.append(asked)
        return [
            SessionRow(session=f"of {one.row.tenant}", tenant=one.row.tenant, first_ns=START, last_ns=START, traces=1)
            for one in self.kept
            if asked["tenant"] in {None, one.row.tenant}
        ][: asked["limit"]]

    async def users(self, **asked):
        self.asked.append(asked)
        return [
            UserRow(user=f"of {one.row.tenant}", tenant=one.row.tenant, first_ns=START, last_ns=START, traces=1)
            for one in self.kept
            if asked["tenant"] in {None, one.row.tenant}
        ][: asked["limit"]]

    async def get(self, id: str, tenant: str | None = None):
        return next((one for one in self.kept if one.row.id == id and tenant in {None, one.row.tenant}), None)

    async def rows(self, ids: list[str], tenant: str | None = None):
        found = [await self.get(id, tenant) for id in ids]
        return [one.row for one in found if one is not None]

    async def buckets(self, **asked):
        self.asked.append(asked)
        calls = sum(1 for one in self.kept if asked["tenant"] in {None, one.row.tenant})
        return [Bucket(start_ns=asked["since_ns"], calls=calls, cost=Decimal("0.5"), durations={7: calls})]

    async def day_costs(self, **asked):
        self.asked.append(asked)
        rows = [one.row for one in self.kept if asked["tenant"] in {None, one.row.tenant}]
        groups: dict[str, int] = {}
        for row in rows:
            if asked["app"] in {"", row.app} and asked["since_ns"] <= row.started_ns < asked["until_ns"]:
                group = str(getattr(row, asked["by"], "")) if asked["by"] else ""
                groups[group] = groups.get(group, 0) + 1
        return [
            DayCost(start_ns=asked["since_ns"], group=group, calls=calls, unpriced=calls, cost=Decimal("0.5"))
            for group, calls in sorted(groups.items())
        ]

    async def values(self, column, tenant=None):
        return sorted({getattr(one.row, column) for one in self.kept if tenant in {None, one.row.tenant}})


class NoModels:
    """No judge asks anything here."""

    def ask(self, rule, tenant, within=""):
        return None

    def embed(self, rule, tenant, within=""):
        return None


class Suites:
    """Reads the one app that has a suite."""

    APP = SimpleNamespace(
        definition=Definition(app="handbook", hash="hash-handbook", source={}),
        path=Path("app.toml"),
        tables={
            "app": SimpleNamespace(release=""),
            "score": (),
            "evaluate": {"smoke": EvaluateTable(cases="dataset:reviewed", must={"error_rate": "< 1"})},
            "release": ReleaseTable(gate=("evaluate.smoke",)),
        },
    )

    async def loaded(self, app, hash):
        return self.APP

    def judges(self, run, plan):
        return None


class OpenGate:
    """A gate that says what it is told to."""

    def __init__(self) -> None:
        self.passes = True

    async def ruling(self, case) -> Ruling:
        finding = Finding(
            gate="evaluate.smoke", kind="evaluation", passed=self.passes, why="it was never run", fix="run it"
        )
        return Ruling(
            app=case.version.app,
            environment=case.environment,
            definition=case.version.definition,
            open=self.passes,
            findings=(finding,),
        )


class Api:
    """The API and everything beneath it."""

    def __init__(self) -> None:
        self.clock = Hands()
        self.keys, self.homes, self.log, self.told = Records(), Homes(), Lines(), Told()
        self.definitions = Records(by="hash")

        async def revision() -> int:
            return self.keys.changes + self.homes.changes

        self.directory = Directory(
            keys=self.keys, tenants=self.homes, revisions=SimpleNamespace(revision=revision), clock=self.clock
        )
        self.register = Register(
            keys=self.keys, tenants=self.homes, audit=self.log, directory=self.directory, clock=self.clock
        )
        counts = Counts()
        self.sessions = Sessions(
            directory=self.directory,
            recorder=self.register.recorder,
            counters=counts,
            throttle=Throttle(counts, self.clock),
            signing=b"s" * 32,
            clock=self.clock,
        )
        self.scores, self.small = MemoryScores(), MemoryRecords()
        self.configs = Configs(self.small, self.clock)
        self.views = Views(self.small, self.clock)
        self.intake = Intake(self.scores, self.configs, self._known, self.clock)
        self.jobs = Queue(self.small, self.clock)
        self.store = SimpleNamespace(
            records=self.small, measures=MemoryMeasures(), traces=self.told, scores=self.scores
        )
        self.notices: list[Any] = []
        self.watched = Watched(
            objectives=Objectives(app="handbook", watch={"up": WatchTable(sli="availability", target=0.99)}),
            contacts={"pager": ContactTable(kind="webhook", address="http://127.0.0.1:9/")},
        )
        self.desk = Desk(self.store, lambda: [self.watched], self.clock)
        self.review = Review(
            self.small,
            scores=self.scores,
            traces=self.told,
            configs=self.configs,
            intake=self.intake,
            clock=self.clock,
        )
        self.cases = Cases(self.small, scores=self.scores, traces=self.told, clock=self.clock)
        self.datasets = Datasets(self.small, cases=self.cases, clock=self.clock)
        self.runs = MemoryRuns()
        self.comparing = Comparing(self.small, self.runs, lambda app: MetricsTable(primary="right"))
        self.prompts = Prompts(self.small, self.definitions, self.clock)
        self.insight = Insight(
            traces=self.told, scores=self.scores, records=self.small, tenants=self.homes, clock=self.clock
        )
        self.judging = Judging(
            Rules(self.small, self.jobs, self.clock, list),
            Traffic(self.told),
            intake=self.intake,
            scores=self.scores,
            counters=counts,
            models=NoModels(),
            queue=self.jobs,
            clock=self.clock,
        )
        self.gate = OpenGate()
        self.office = Office(
            Releases(self.small, self.definitions, self.clock, signing=b"s" * 32),
            self.gate,
            remarks=Remarks(self.small, self.clock),
            definitions=self.definitions,
            tables=lambda _: {"release": ReleaseTable(), "metrics": MetricsTable(), "evaluate": {}},
        )
        self.knowledge = MemoryKnowledge()
        self.services = Manage(
            knowledge=KnowledgeDesk(
                self.knowledge,
                States(self.small),
                defined=lambda: {KNOWN: RetrieveSettings(source="docs/*.md")},
                wake=lambda collection, removal: self.jobs.wake("job-acme"),
                jobs=self.jobs,
                job_of=lambda collection: "job-acme",
                clock=self.clock,
            ),
            directory=self.directory,
            register=self.register,
            sessions=self.sessions,
            audit=self.log,
            traces=self.told,
            definitions=self.definitions,
            scores=self.scores,
            intake=self.intake,
            configs=self.configs,
            known=self._known,
            tokens=Tokens(b"s" * 32, self.clock),
            jobs=self.jobs,
            review=self.review,
            cases=self.cases,
            datasets=self.datasets,
            comparing=self.comparing,
            canaries=Canaries(self.small, self.jobs, list, self.nobody, self.clock),
            runs=RunOffice(
                RunDesk(self.small, self.runs, datasets=self.datasets, clock=self.clock),
                work=None,
                means=Suites(),
                records=self.small,
                queue=self.jobs,
                clock=self.clock,
                served=lambda: [Suites.APP],
                unread=self.nothing,
            ),
            robust=Robust(self.small, self.runs, self.datasets),
            choices=Choice.shelf(self.small),
            prompts=self.prompts,
            play=self._played,
            office=self.office,
            insight=self.insight,
            views=self.views,
            explain=self._explained,
            judging=self.judging,
            models=lambda: [state("handbook", "fast"), state("shop", "careful")],
            desk=self.desk,
            teller=Teller(self.store, self.send),
            clock=self.clock,
        )
        self.app = Starlette(routes=routes(self.services))
        self.secrets: dict[str, str] = {}
        self.ids: dict[str, str] = {}

    async def _known(self, id: str, tenant: str) -> TraceRow | None:
        found = await self.told.get(id, tenant)
        return found.row if found else None

    def cell(self, tenant: str, good: int, total: int) -> Cell:
        """What was counted for the objective in the last minute."""
        start = self.clock.ns // 60_000_000_000 * 60_000_000_000 - 60_000_000_000
        return Cell(app="handbook", objective="slo/up", tenant=tenant, start_ns=start, good=good, total=total)

    async def send(self, contact, notice) -> None:
        self.notices.append(notice)

    async def _played(self, asked: Try, *, caller, models) -> list[Tried]:
        if asked.prompt not in {"", "system"}:
            raise Mistaken("prompt_unknown", place="prompt")
        return [Tried(model=model, answer=asked.question, trace="t" * 32) for model in asked.models or ("fast",)]

    @staticmethod
    async def nothing(app):
        return ""

    @staticmethod
    async def nobody(app, place, request):
        raise AssertionError("nothing is asked")

    async def _explained(self, tenant: str, question: str) -> str:
        return f"The line of {tenant} was cut [span {'c' * 16}]."

    async def know(self) -> None:
        """Two documents of acme, one of them for the people team alone, in an index that answers and one that did."""
        states = States(self.small)
        await states.sources.put(SourceState(app="handbook", collection="docs", source="docs/*.md", synced_ns=START))
        await states.quarantine.put(
            Quarantined(
                id="q",
                app="handbook",
                collection="docs",
                source="docs/*.md",
                uri="x.pdf",
                code="document_encrypted",
                message="m",
            )
        )
        builds = [
            await self.knowledge.begin(KNOWN, Manifest(chunker=chunker, context="free", embedder=""), now_ns=START)
            for chunker in ("whole(size=800, overlap=0)", "overlap(size=800, overlap=400)")
        ]
        for number, access in enumerate(((), ("people",))):
            document = Document(
                id=f"acme-doc-{number}",
                source="docs/*.md",
                uri=f"{number}.md",
                version="v",
                text="Leave is 28 days.",
                access=access,
                tables=(LEAVE,),
            )
            said = Relation(subject="Leave", name="length", object="28 days", inverse="length of", start=0, end=17)
            cuts = [Cut(build.id, (Chunk(start=0, end=17),), b"", (said,)) for build in builds]
            await self.knowledge.write(KNOWN, document, cuts)
        for build in builds:
            await self.knowledge.ready(build.id)
            await self.knowledge.switch(build.id, now_ns=START)
        self.ids["acme.build"] = builds[0].id

    async def fill(self) -> "Api":
        """Two tenants, each with a user, keys by scope, and traces."""
        await self.directory.load()
        few = (Limit(measure="requests", amount=Decimal("2.5"), window="minute", per="tenant"),)
        for tenant in ("acme", "globex"):
            await self.register.people.create_tenant(SYSTEM, tenant, limits=few)
            user = await self.register.people.create_user(SYSTEM, tenant=tenant, name=f"of {tenant}")
            self.ids[f"{tenant}.user"] = user.id
            for scope in get_args(Scope):
                await self.key(f"{tenant}.{scope}", tenant=tenant, scopes=(scope,))
            for number, app in enumerate(("handbook", "shop")):
                row = TraceRow(
                    id=f"{tenant}{number}", started_ns=START, duration_ns=5, app=app, definition="h", tenant=tenant
                )
                asked = Request(model="fast", messages=(says("user", f"hello from {tenant}"),))
                spans = (Span(trace=row.id, id="c" * 16, name="chat", started_ns=START, ended_ns=START + 5),)
                self.told.kept.append(Trace(row=row, spans=spans, request=asked))
            await self.judging.rules.put(Rule(name=f"polite.{tenant}", tenant=tenant, app="handbook", kind="refusal"))
            await self.jobs.add("work", id=f"job-{tenant}", tenant=tenant, app="handbook")
            await self.jobs.pause(f"job-{tenant}")
            await Incident.shelf(self.small).put(
                Incident(id=f"incident-{tenant}", tenant=tenant, app="handbook", title=f"of {tenant}", began_ns=START)
            )
            await Silence.shelf(self.small).put(
                Silence(id=f"silence-{tenant}", tenant=tenant, begins_ns=START, ends_ns=START + 10**12, why=tenant)
            )
            await Alert.shelf(self.small).put(
                Alert(
                    id=f"alert-{tenant}",
                    tenant=tenant,
                    app="handbook",
                    objective="up",
                    severity="page",
                    fired_ns=START,
                    firing=Firing(said=tenant),
                )
            )
            await self.configs.put(ScoreConfig(name=f"tone.{tenant}", tenant=tenant, least=0, most=1))
            await self.intake.take(
                [Score(id=f"score-{tenant}", tenant=tenant, trace=f"{tenant}0", name="stars", value=5.0, source="user")]
            )
            queue = await self.review.put(
                reviewing.Queue(id=f"queue-{tenant}", tenant=tenant, name=f"of {tenant}", raters=2)
            )
            await self.review.fill(queue)
            self.ids[f"{tenant}.open"], self.ids[f"{tenant}.disputed"] = (
                reviewing.item_id(queue.id, f"{tenant}{number}", "") for number in range(2)
            )
            for rater, up in (("ann", True), ("bob", False)):
                opinion = reviewing.Opinion(rater=rater, values={"thumbs": up})
                await self.review.submit(queue, self.ids[f"{tenant}.disputed"], opinion)
            await self.cases.of_trace(f"{tenant}0", Case(id="", tenant=tenant))
            await self.cases.of_trace(f"{tenant}0", Case(id="", tenant=tenant, dataset=f"set.{tenant}"))
            await self.prompts.add(f"said.{tenant}", "Be kind.", note=f"of {tenant}", tenant=tenant)
            self.ids[f"{tenant}.version"] = (await self.datasets.freeze(f"set.{tenant}", tenant)).hash
            for id, state_ in (("going", "running"), ("halted", "stopped")):
                target = Target(kind="definition", app="handbook", definition="hash-handbook")
                run = Run(id=f"{id}-{tenant}", tenant=tenant, app="handbook", target=target, state=state_)
                await runs_of(self.small).put(run)
            for id in ("old", "new"):
                await runs_of(self.small).put(
                    Run(
                        id=f"{id}-{tenant}", tenant=tenant, app="handbook", target=Target(kind="callable"), state="done"
                    )
                )
                outcomes = [
                    Outcome(case=f"c{n}", answer=f"{id} of {tenant}", numbers={"right": float(id == "new" or n % 2)})
                    for n in range(40)
                ]
                await self.runs.put(f"{id}-{tenant}", outcomes, tenant=tenant)
            await self.ask_otherwise(tenant)
            await Choice.shelf(self.small).put(a_choice(tenant))
            await self.insight.budgets.put(Budget(id=f"budget-{tenant}", tenant=tenant, amount=Decimal(9)))
            self.ids[f"{tenant}.budget"] = f"budget-{tenant}"
            keeper = Person(id=f"key:{self.ids[f'{tenant}.read']}", tenant=tenant)
            view = await self.views.create(View(id="", name=f"of {tenant}"), keeper)
            self.ids[f"{tenant}.view"] = view.id
            broken = seen_in(Trace(row=row.but(status="failed", code=f"code.{tenant}")))
            self.ids[f"{tenant}.error"] = broken.fingerprint
            await self.insight.inbox.count([broken], START, START + 1)
        self.told.asked.clear()
        for app in ("handbook", "shop"):
            reading = Reading(
                id=app, app=app, canary="hay", deployment="main", model="m", prompts="p", answers=(), at_ns=START,
                changed=app == "shop",
            )  # fmt: skip
            await Reading.shelf(self.small).put(reading)
            await self.definitions.put(Definition(app=app, hash=f"hash-{app}", source={"app": {"name": app}}))
        await self.know()
        await self.let_out()
        return self

    async def ask_otherwise(self, tenant: str) -> None:
        """A run over cases that were asked in other ways as well."""
        asked = [Case(id=f"{n}", tenant=tenant, input=f"Where is meadow number {n}?") for n in range(6)]
        name = f"otherwise.{tenant}"
        await self.datasets.add(
            [case.but(id=f"{name}:{n}", dataset=name) for n, case in enumerate(variants(asked, ("repeat", "typo")))]
        )
        version = (await self.datasets.freeze(name, tenant)).hash
        run = Run(
            id=f"asked-{tenant}", tenant=tenant, app="handbook", target=Target(kind="callable"), dataset=name,
            version=version, state="done",
        )  # fmt: skip
        await runs_of(self.small).put(run)
        cases = await self.datasets.cases(name, tenant, version)
        await self.runs.put(run.id, [Outcome(case=case.id, answer="There.") for case in cases], tenant=tenant)

    async def let_out(self) -> None:
        """Two versions of the app, of which the second rolls out; staging is frozen."""
        desk, why = self.office.desk, Reason(by="ann", note="because")
        second = Definition(app="handbook", hash="hash-handbook-2", source={"app": {"name": "handbook"}, "models": {}})
        await self.definitions.put(second)
        await desk.release("handbook", "hash-handbook", why)
        await desk.release("handbook", "hash-handbook", why, environment="staging")
        await desk.freeze("handbook", why, environment="staging")
        arms = (
            Arm(name="baseline", definition="hash-handbook", share=0.95),
            Arm(name="candidate", definition=second.hash, share=0.05),
        )
        rollout = Rollout(id="", app="handbook", strategy="canary", arms=arms, steps=(0.05, 0.5))
        self.ids["rollout"] = (await desk.begin(rollout, why)).id
        remark = await self.office.remarks.add("handbook", second.hash, "It promises too much.", by="ben", blocks=True)
        self.ids["remark"] = remark.id

    async def key(self, name: str, **wanted) -> str:
        made = await self.register.create(SYSTEM, Wanted(**{"name": name, "tenant": "acme", **wanted}))
        self.secrets[name], self.ids[name] = made.secret.reveal(), made.key.id
        return made.secret.reveal()

    async def ask(self, method: str, path: str, who: str = "", *, headers=None, address="192.0.2.7", **more):
        """Send one request; `who` names a key, such as `acme.read`."""
        sent = {"authorization": f"Bearer {self.secrets[who]}"} if who else {}
        transport = httpx2.ASGITransport(app=self.app, client=(address, 5), raise_app_exceptions=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowen") as client:
            return await client.request(method, path, headers={**sent, **(headers or {})}, **more)


def a_choice(tenant: str) -> Choice:
    """A report on candidates in which nothing is chosen yet."""
    seconds = Interval(value=0.9, low=0.8, high=1.2, n=50, method="bca")
    candidates = tuple(
        Candidate(
            run=f"{run}-{tenant}", name=run, quality=wilson(40, 50), cost=seconds, p95=seconds, failed=wilson(0, 50)
        )
        for run in ("old", "new")
    )
    return Choice(
        id=f"choice-{tenant}", tenant=tenant, app="handbook", metric="right", higher_is_better=True, pairs=50,
        candidates=candidates, made_ns=START,
    )  # fmt: skip


def state(app: str, model: str) -> ModelState:
    return ModelState(app=app, deployment=Deployment(name=model, model=model, provider="echo", upstream=model))


@pytest.fixture
async def api() -> Api:
    return await Api().fill()


@pytest.fixture(scope="session")
def make_api():
    """Makes an API outside a running loop, as a client that has its own loop needs."""
    return Api
