"""What users do and what the money was good for, on seeded traces with known answers."""

import random
from decimal import Decimal

import pytest

from rowen.insight.digest import Digest, costs, errors, latency, regression
from rowen.insight.errors import Group
from rowen.insight.latency import Diagnosis, Share
from rowen.insight.regression import Judged, suspects
from rowen.insight.review import review, unused_share, week_before
from rowen.insight.sessions import Step, activity, funnel, rephrased, retention
from rowen.insight.worth import of_all, worth
from rowen.values import Answer, Choice, Request, Score, Trace, says
from rowen.watch.finding import Finding

MONDAY, DAY, HOUR = 1_790_553_600_000_000_000, 86_400_000_000_000, 3_600_000_000_000
MINUTE = 60_000_000_000


def test_a_funnel_counts_sessions_that_take_the_steps_in_order(row):
    paths = {"a": "search ask buy", "b": "search ask", "c": "ask search", "d": "search help ask buy", "e": "buy"}
    rows = [
        row(MONDAY + number * MINUTE, session=session, feature=feature)
        for session, path in paths.items()
        for number, feature in enumerate(path.split())
    ]
    random.Random(1).shuffle(rows)

    found = funnel(rows, [Step(name=name, feature=name) for name in ("search", "ask", "buy")])

    assert [(one.name, one.sessions) for one in found] == [("search", 4), ("ask", 3), ("buy", 2)]
    assert found[1].of_before.value == 0.75
    assert found[2].of_all.value == 0.5
    assert found[2].of_all.low < 0.5 < found[2].of_all.high


def test_a_session_is_one_tenants_own(row):
    rows = [row(session="s", feature="a"), row(MONDAY + 1, session="s", feature="b", tenant="globex")]

    assert [one.sessions for one in funnel(rows, [Step(name="a", feature="a"), Step(name="b", feature="b")])] == [1, 0]
    assert funnel([], []) == []


def test_churn_is_exact_on_seeded_weeks(row):
    # week 0: ann bob cid; week 1: ann dan; week 2: ann bob
    who = [["ann", "bob", "cid"], ["ann", "dan"], ["ann", "bob"]]
    rows = [
        row(MONDAY + week * 7 * DAY + number * HOUR, user=user)
        for week, users in enumerate(who)
        for number, user in enumerate([*users, *users])
    ]

    found = activity(rows, since_ns=MONDAY, until_ns=MONDAY + 21 * DAY, every_ns=7 * DAY)

    assert [(one.active, one.new, one.returning, one.revived, one.churned) for one in found] == [
        (3, 3, 0, 0, 0),
        (2, 1, 1, 0, 2),
        (2, 0, 1, 1, 1),
    ]
    assert found[1].churn.value == pytest.approx(2 / 3)
    assert found[0].churn.value is None


def test_retention_is_that_of_the_seeded_cohorts(row):
    rows = [
        row(MONDAY + day * DAY, user=user)
        for user, days in {"a": (0, 1, 2), "b": (0, 2), "c": (1,), "": (0,)}.items()
        for day in days
    ]

    found = retention(rows, since_ns=MONDAY, until_ns=MONDAY + 3 * DAY, every_ns=DAY)

    assert [(one.users, one.active) for one in found] == [(2, (2, 1, 2)), (1, (1, 0)), (0, (0,))]


def test_questions_asked_again_are_counted(row):
    asked = [
        ("s", 0, "how do I return a parcel"),
        ("s", 1, "how can I return my parcel"),  # in other words
        ("s", 2, "how can I return my parcel"),  # the same
        ("s", 30, "how can I return my parcel"),  # too late
        ("s", 31, "what is the weather"),
        ("t", 0, "what is the weather"),
    ]
    rows = [row(MONDAY + minute * MINUTE, session=session, asked=text) for session, minute, text in asked]

    found = rephrased(rows)

    assert (found.rate.n, found.again) == (6, 1)
    assert found.rate.value == pytest.approx(2 / 6)


# --- worth


def score(row, value: float, created: int = 0) -> Score:
    return Score(
        id=f"s{row.id}{created}", tenant=row.tenant, trace=row.id, name="resolved", value=value, number=value,
        source="user", created_ns=created,
    )  # fmt: skip


def test_outcomes_for_each_dollar_are_the_hand_calculation(row):
    cheap = [row(MONDAY + n, model="cheap", cost=Decimal("0.01")) for n in range(100)]
    dear = [row(MONDAY + n, model="dear", cost=Decimal("0.10")) for n in range(100)]
    scores = [score(one, float(n < 40)) for n, one in enumerate(cheap)] + [
        score(one, float(n < 80)) for n, one in enumerate(dear)
    ]

    first, second = worth([*cheap, *dear], scores, by="model")

    assert (first.group, first.good, first.per_dollar.value) == ("cheap", 40, pytest.approx(40))
    assert (second.group, second.good, second.per_dollar.value) == ("dear", 80, pytest.approx(8))
    assert first.per_dollar.low > second.per_dollar.high
    assert first.per_dollar.low == pytest.approx(40 - 1.96 * 100 * (0.4 * 0.6 / 99) ** 0.5, rel=0.01)
    assert first.warning == ""


def test_few_answers_and_unknown_costs_are_said(row):
    rows = [row(MONDAY + n) for n in range(1_000)] + [row(MONDAY, cost=None)]
    judged = [score(one, 1.0) for one in rows[:50]] + [score(rows[-1], 1.0)]

    (found,) = worth(rows, judged)

    assert (found.judged, found.unpriced) == (50, 1)
    assert "judged" in found.warning
    (few,) = worth(rows[:5], judged)
    assert "Only 5" in few.warning
    assert worth([], []) == []


def test_where_only_the_newest_calls_are_weighed_it_is_said_and_the_sums_are_those_of_all(row):
    newest = worth([row(model="fast", cost=Decimal(1)) for _ in range(3)], [], by="model")

    found = of_all({one.group: one for one in newest}, {"fast": (90, Decimal(70), 2), "old": (5, Decimal(9), 0)}, 3)

    assert {one.group: (one.calls, one.cost, one.unpriced, one.judged) for one in found} == {
        "fast": (90, Decimal(70), 2, 0),
        "old": (5, Decimal(9), 0, 0),
    }
    assert all(one.warning.endswith("The ratios are those of the newest 3 calls.") for one in found)


def test_the_last_judgement_of_a_call_counts(row):
    one = row()

    (found,) = worth([one], [score(one, 1.0, created=1), score(one, 0.0, created=2)])

    assert found.good == 0


# --- review


FACTS = [
    "Parcels are returned within thirty days.", "Refunds arrive on the original card.", "Gift vouchers never expire here.",
    "Bicycles travel free on weekdays.", "Lockers accept deliveries overnight.", "Couriers telephone beforehand always.",
    "Warranty claims need photographs.", "Students receive discounts yearly.",
]  # fmt: skip


def planted_week(row) -> tuple[list, list]:
    rand = random.Random(1)
    rows, sample = [], []
    for n in range(600):
        at = MONDAY + n * 7 * DAY // 600
        rows.append(
            row(at, model="fast", asked=f"question {n}", cost=Decimal("0.001"), input_tokens=900, output_tokens=150)
        )
    for n in range(60):
        rows.append(row(MONDAY + n, asked="What are your opening hours?", cost=Decimal("0.002"), input_tokens=50))
    for n in range(80):
        rows.append(
            row(
                MONDAY + 2 * DAY + 14 * HOUR + n, model="careful", feature="classify", asked=f"text {n}",
                cost=Decimal("0.05"), input_tokens=800, output_tokens=3,
            )
        )  # fmt: skip
    for n in range(40):
        one = row(
            MONDAY + n * HOUR, app="manual", model="fast", asked=f"how {n}", cost=Decimal("0.01"), input_tokens=4_000,
            output_tokens=30,
        )  # fmt: skip
        context = "\n\n".join(f"{fact} " * 12 for fact in rand.sample(FACTS, 8))
        request = Request(model="fast", messages=(says("system", context), says("user", "how do refunds work?")))
        answer = Answer(
            id="x",
            model="m",
            choices=(Choice(message=says("assistant", "Refunds arrive on the original card soon."), reason="stop"),),
        )
        rows.append(one)
        sample.append(Trace(row=one, request=request, answer=answer))
    return rows, sample


async def test_planted_inefficiencies_are_found(store, row, write):
    rows, sample = planted_week(row)
    await write(rows)
    hours = await store.traces.buckets(tenant=None, since_ns=MONDAY, until_ns=MONDAY + 7 * DAY, every_ns=HOUR)

    found = review(rows, hours, sample)

    hints = {(one.kind, one.app): one for one in found.hints}
    assert set(hints) == {("repeated calls", "handbook"), ("oversized model", "handbook"), ("unused context", "manual")}
    repeated, oversized = hints["repeated calls", "handbook"], hints["oversized model", "handbook"]
    assert (repeated.calls, str(repeated.saving)) == (59, "0.118")
    assert oversized.about == "careful for classify"
    assert oversized.saving > Decimal("3.5")
    assert "telling word" in hints["unused context", "manual"].evidence
    assert found.hints[0] == oversized
    assert all(one.fix and one.examples for one in found.hints)
    assert found.peaks[0].startswith("Wednesday 14:00")
    assert found.peak_to_mean > 10


def test_a_frugal_week_has_no_hints(row):
    rows = [row(MONDAY + n * HOUR, asked=f"question {n}", output_tokens=200) for n in range(160)]

    found = review(rows, [], [])

    assert found.hints == ()
    assert "No prompts are kept" in found.note
    assert found.spent == Decimal("1.60")


def test_a_long_prefix_that_is_read_anew_each_time_is_found(row):
    system = "Be kind and answer from the handbook. " * 80
    sample = [
        Trace(
            row=row(MONDAY + n, input_tokens=900),
            request=Request(model="fast", messages=(says("system", system), says("user", f"q {n}"))),
        )
        for n in range(30)
    ]

    found = review([one.row for one in sample], [], sample)

    assert [one.kind for one in found.hints] == ["uncached prefix"]
    assert 0 < found.hints[0].saving <= found.spent


def test_unused_context_is_told_by_words_that_tell():
    assert unused_share(FACTS[:4], "Refunds arrive on your original card.") == pytest.approx(
        1 - len(FACTS[1]) / sum(map(len, FACTS[:4]))
    )
    assert unused_share(FACTS[:2], "Refunds arrive on your original card.") is None
    assert unused_share(FACTS, "Yes.") is None


def test_the_week_before_is_seven_whole_days():
    assert week_before(MONDAY + 9 * DAY + 5) == (MONDAY + 2 * DAY, MONDAY + 9 * DAY)


# --- digest


def finding(kind: str, at_ns: int, severity: str = "warning", key: str = "") -> Finding:
    return Finding(kind=kind, key=key or f"{kind}{at_ns}", title="t", at_ns=at_ns, severity=severity)


def test_a_night_has_exactly_its_items():
    since, now = MONDAY, MONDAY + 8 * HOUR
    hour = MONDAY // HOUR

    def group(id: str, state: str, hours: dict[int, int], last: int) -> Group:
        return Group(
            id=id,
            tenant="t",
            app="a",
            code="c",
            place="p",
            title=id,
            state=state,
            first_ns=0,
            last_ns=last,
            hours=hours,
        )

    told = costs(
        [
            finding("anomaly", MONDAY - 1),
            finding("anomaly", MONDAY + 5),
            finding("budget", MONDAY + 9, "critical", "b"),
            finding("budget", MONDAY + 10, "critical", "b"),
            finding("errors", MONDAY + 7),
        ],
        since,
    )
    lines = errors(
        [
            group("often", "open", {hour + 1: 9, hour - 40: 2}, MONDAY + HOUR),
            group("seldom", "regressed", {hour: 1}, MONDAY + 1),
            group("ignored", "ignored", {hour: 99}, MONDAY + 1),
            group("old", "open", {hour - 5: 99}, MONDAY - 1),
        ],
        since,
        now,
    )

    assert [(one.kind, one.at_ns) for one in told] == [("budget", MONDAY + 9), ("anomaly", MONDAY + 5)]
    assert [(line.id, line.count) for line in lines] == [("often", 9), ("seldom", 1)]
    assert not Digest(since_ns=since, until_ns=now, costs=told).empty
    assert Digest(since_ns=since, until_ns=now).empty


def test_a_drop_is_told_with_its_suspect_and_none_without_one():
    rand = random.Random(1)

    def answers(rate: float) -> list[Judged]:
        return [
            Judged(
                trace=f"t{n}",
                bad=rand.random() < (rate if n % 4 == 0 else 0.05),
                marks=frozenset({("release", "1.5" if n % 4 == 0 else "1.4")}),
            )
            for n in range(800)
        ]

    told = regression("grounded", "a", "t", suspects(answers(0.6), answers(0.05)), MONDAY)

    assert told is not None
    assert told.facts["suspect"] == "release = 1.5"
    assert "grounded is bad in" in told.title
    assert regression("grounded", "a", "t", suspects(answers(0.05), answers(0.05)), MONDAY) is None


def test_slowness_is_told_with_its_evidence():
    share = Share(
        cause="queue", added_ms=90, share=0.9, p=0.0, before=1, after=91, evidence="1 ms → 91 ms", examples=("t1",)
    )
    slow = Diagnosis(slower=True, cause="queue", before_ms=100, after_ms=200, causes=(share,))

    told = latency("a", "t", slow, MONDAY)

    assert told is not None
    assert (told.facts, told.examples) == ({"evidence": "1 ms → 91 ms"}, ("t1",))
    assert latency("a", "t", Diagnosis(), MONDAY) is None
