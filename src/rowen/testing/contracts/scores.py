"""What every store must do with scores and small records. Subclass them as a `StoreContract`, with a fixture `store`."""

import asyncio
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.base import Record, ScoreBucket, ScoreFilter, ScoreGroup, ScoreName, Store
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Score, ScoreConfig

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = 1_790_000_000_000_000_000 // (24 * HOUR) * (24 * HOUR)
"""A midnight, UTC."""

GROUPS: tuple[ScoreGroup, ...] = get_args(ScoreGroup)
_EVER = START + 10_000 * 24 * HOUR


def a_score(nth: int = 1, /, **fields: Any) -> Score:
    """Return a score; `nth` makes its id and orders it by time, one a second."""
    at_ns = START + nth * SECOND
    return Score(
        **{
            "id": f"{nth:032x}",
            "tenant": "acme",
            "app": "handbook",
            "trace": f"{nth:032x}",
            "name": "grounded",
            "value": 0.5,
            "number": 0.5,
            "source": "model",
            "by": "grounded",
            "judged_ns": at_ns,
            "created_ns": at_ns,
            **fields,
        }
    )


def a_record(id: str = "r1", **fields: Any) -> Record:
    """Return a small record."""
    return Record(**{"kind": "queue", "id": id, "tenant": "acme", "at_ns": START, "body": b'{"a":1}', **fields})


_numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10).map(float)
_worth = st.one_of(
    _numbers.map(lambda number: {"type": "number", "value": number, "number": number}),
    st.booleans().map(lambda yes: {"type": "boolean", "value": yes, "number": float(yes)}),
    st.sampled_from(("good", "bad")).map(lambda label: {"type": "category", "value": label}),
    st.just({"type": "text", "value": "I liked it"}),
)
_scores = st.builds(
    lambda number, minute, worth, place: a_score(number, judged_ns=START + minute * MINUTE, **worth, **place),
    st.integers(1, 6),
    st.integers(0, 150),
    _worth,
    st.fixed_dictionaries(
        {
            "tenant": st.sampled_from(("acme", "umbrella")),
            "app": st.sampled_from(("handbook", "shop")),
            "name": st.sampled_from(("grounded", "thumbs")),
            "source": st.sampled_from(("model", "user")),
            "by": st.sampled_from(("", "ann")),
            "version": st.sampled_from(("", "v2")),
            "environment": st.sampled_from(("", "staging")),
            "release": st.sampled_from(("", "r1")),
            "definition": st.sampled_from(("", "d1")),
        }
    ),
)
_acts = st.lists(
    st.one_of(
        st.lists(_scores, min_size=1, max_size=4).map(lambda scores: ("put", scores)),
        st.tuples(st.just("delete"), st.integers(1, 6), st.sampled_from(("acme", "umbrella"))),
        st.tuples(st.just("prune"), st.integers(0, 150)),
    ),
    max_size=12,
)

_FILTERS: tuple[tuple[dict[str, Any], list[int]], ...] = (
    ({}, [4, 3, 2, 1]),
    ({"tenant": "acme"}, [3, 2, 1]),
    ({"app": "shop"}, [2]),
    ({"name": "thumbs"}, [3]),
    ({"target": "session"}, [3]),
    ({"source": "user"}, [3]),
    ({"by": "ann"}, [3]),
    ({"version": "v2"}, [2]),
    ({"traces": (f"{1:032x}", f"{2:032x}")}, [2, 1]),
    ({"traces": (f"{1:032x}",), "tenant": "umbrella"}, []),
    ({"span": "0123456789abcdef"}, [1]),
    ({"session": "s1"}, [3]),
    ({"case": "c1"}, [4]),
    ({"environment": "staging"}, [2]),
    ({"release": "r1"}, [2]),
    ({"below": 0.5}, [2]),
    ({"above": 0.5}, [3]),
    ({"since_ns": START + 2 * SECOND, "until_ns": START + 4 * SECOND}, [3, 2]),
)
"""With the numbers of the scores that pass each."""


class ScoresContract:
    """Judgements, and the sums over them."""

    async def test_a_score_comes_back_as_it_was_put(self, store: Store) -> None:
        score = a_score(
            target="span",
            span="0123456789abcdef",
            session="s",
            type="category",
            value="half",
            number=0.5,
            reason="Names a document that is not there.",
            confidence=0.9,
            version="v1",
            config="grounded",
            environment="production",
            release="r1",
            definition="d1",
            evidence="f" * 32,
            metadata={"passage": [1, 2], "note": "ä"},
        )

        await store.scores.put([score])

        assert await store.scores.get(score.id) == score
        assert await store.scores.get(score.id, "acme") == score
        assert await store.scores.get(score.id, "umbrella") is None
        assert await store.scores.get("unknown") is None

    async def test_a_score_that_is_put_again_is_replaced_within_its_tenant_only(self, store: Store) -> None:
        await store.scores.put([a_score(1), a_score(1, tenant="umbrella", number=0.9, value=0.9)])

        await store.scores.put([a_score(1, number=0.1, value=0.1), a_score(1, number=0.2, value=0.2)])

        kept = await store.scores.find(ScoreFilter())
        assert sorted((score.tenant, score.value) for score in kept) == [("acme", 0.2), ("umbrella", 0.9)]

    async def test_days_of_scores_are_counted_by_tenant_and_marked(self, store: Store) -> None:
        day = 24 * HOUR
        await store.scores.put(
            [a_score(1), a_score(2, tenant="umbrella"), a_score(3, judged_ns=0), a_score(4, judged_ns=START + day)]
        )

        days = await store.scores.days(before_ns=START + day + 1)
        await store.scores.put([a_score(5, number=0.25, value=0.25)])
        later = await store.scores.days(before_ns=START + day + 1)

        assert [(each.start_ns - START, each.tenant, each.count) for each in days] == [
            (0, "acme", 2),
            (0, "umbrella", 1),
            (day, "acme", 1),
        ]
        assert later[1:] == days[1:]
        assert later[0].mark != days[0].mark
        assert await store.scores.days(before_ns=START) == []

    async def test_a_score_is_deleted_by_its_own_tenant_only(self, store: Store) -> None:
        await store.scores.put([a_score(1)])

        assert not await store.scores.delete(a_score(1).id, "umbrella")
        assert await store.scores.delete(a_score(1).id, "acme")
        assert not await store.scores.delete(a_score(1).id)
        assert await store.scores.find(ScoreFilter()) == []
        assert await store.scores.names() == []

    async def test_scores_are_paged_newest_first_whatever_their_ids(self, store: Store) -> None:
        ids = {3: "c", 1: "z", 2: "a", 5: "b", 4: "y"}
        await store.scores.put([a_score(number, id=id) for number, id in ids.items()])

        page = await store.scores.find(ScoreFilter(limit=2))
        rest = await store.scores.find(ScoreFilter(limit=9, before=page[-1].id))

        assert "".join(score.id for score in (*page, *rest)) == "bycaz"

    async def test_paging_from_a_score_that_is_gone_says_so(self, store: Store) -> None:
        with pytest.raises(Mistaken, match="not there any more") as caught:
            await store.scores.find(ScoreFilter(before="gone"))

        assert caught.value.code == "not_found"

    async def test_every_filter_finds_its_own(self, store: Store) -> None:
        await store.scores.put(
            [
                a_score(1, target="span", span="0123456789abcdef"),
                a_score(2, app="shop", version="v2", environment="staging", release="r1", value=0.1, number=0.1),
                a_score(
                    3, name="thumbs", target="session", trace="", session="s1", source="user", by="ann", value=True,
                    type="boolean", number=1.0,
                ),
                a_score(4, tenant="umbrella", target="case", trace="", case="c1", type="text", value="x", number=None),
            ]
        )  # fmt: skip

        for filter, numbers in _FILTERS:
            found = await store.scores.find(ScoreFilter(**filter))

            assert [int(score.id, 16) for score in found] == numbers, filter

    async def test_labels_count_categories_booleans_and_small_whole_numbers(self, store: Store) -> None:
        await store.scores.put(
            [
                a_score(1, type="boolean", value=True, number=1.0),
                a_score(2, type="category", value="good", number=1.0),
                a_score(3, value=5.0, number=5.0),
                a_score(4, value=5.5, number=5.5),
                a_score(5, value=11.0, number=11.0),
                a_score(6, type="text", value="good", number=None),
            ]
        )

        (bucket,) = await store.scores.buckets(
            tenant="acme", name="grounded", since_ns=START, until_ns=START + HOUR, every_ns=HOUR
        )

        assert bucket.labels == {"true": 1, "good": 1, "5": 1}
        assert (bucket.count, bucket.numbers, bucket.least, bucket.most) == (6, 5, 1.0, 11.0)

    async def test_sums_of_numbers_that_floats_would_lose_are_exact(self, store: Store) -> None:
        for number, value in enumerate((1e16, 1.0, -1e16, 0.1, 0.2), 1):
            await store.scores.put([a_score(number, value=value, number=value)])
        await store.scores.delete(a_score(5).id)

        (bucket,) = await store.scores.buckets(
            tenant="acme", name="grounded", since_ns=START, until_ns=START + HOUR, every_ns=HOUR
        )

        assert bucket.total == 1.1

    @given(acts=_acts)
    @settings(
        max_examples=30,
        deadline=None,
        # Each example begins by emptying the store; the subclasses run on stores of their own.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    async def test_sums_equal_those_counted_anew_after_any_puts_replacements_and_deletions(
        self, store: Store, acts: list[tuple[Any, ...]]
    ) -> None:
        await store.scores.prune(_EVER)
        kept: dict[tuple[str, str], Score] = {}

        for act in acts:
            match act:
                case ("put", scores):
                    await store.scores.put(scores)
                    kept.update({(score.tenant, score.id): score for score in scores})
                case ("delete", number, tenant):
                    place = (tenant, f"{number:032x}")
                    assert await store.scores.delete(place[1], tenant) == (kept.pop(place, None) is not None)
                case ("prune", minute):
                    old = [key for key, score in kept.items() if score.judged_ns < START + minute * MINUTE]
                    assert await store.scores.prune(START + minute * MINUTE) == len(old)
                    kept = {key: score for key, score in kept.items() if key not in old}

        await _same_sums(store, list(kept.values()))

    async def test_writers_and_readers_do_not_disturb_one_another(self, store: Store) -> None:
        await asyncio.gather(
            *(store.scores.put([a_score(number)]) for number in range(1, 60)),
            *(store.scores.find(ScoreFilter(limit=5)) for _ in range(10)),
        )

        (name,) = await store.scores.names("acme")
        assert name == ScoreName(
            name="grounded", app="handbook", type="number", source="model", count=59, last_ns=START + 59 * SECOND
        )


class RecordsContract:
    """Small records by kind."""

    async def test_a_record_comes_back_as_it_was_put_with_its_version(self, store: Store) -> None:
        record = a_record(app="handbook", group="g", state="open", body=b'{"text":"\xc3\xa4"}')

        first = await store.records.put(record)
        second = await store.records.put(record.but(state="done", version=99))

        assert first == record.but(version=1)
        assert second == record.but(state="done", version=2)
        assert await store.records.get("queue", "r1") == second
        assert await store.records.get("queue", "r1", "acme") == second
        assert await store.records.get("queue", "r1", "umbrella") is None
        assert await store.records.get("incident", "r1") is None

    async def test_a_write_over_a_version_that_is_not_there_is_a_conflict_and_changes_nothing(
        self, store: Store
    ) -> None:
        await store.records.put(a_record(), expect=0)
        await store.records.put(a_record(state="open"), expect=1)

        for wrong in (0, 1, 3):
            with pytest.raises(Mistaken, match="changed meanwhile") as caught:
                await store.records.put(a_record(state="lost"), expect=wrong)
            assert caught.value.code == "conflict"
        with pytest.raises(Mistaken):
            await store.records.put(a_record("new"), expect=1)

        found = await store.records.get("queue", "r1")
        assert found is not None
        assert (found.state, found.version) == ("open", 2)
        assert await store.records.get("queue", "new") is None

    async def test_of_many_who_write_over_one_version_exactly_one_wins(self, store: Store) -> None:
        await store.records.put(a_record())

        outcomes = await asyncio.gather(
            *(store.records.put(a_record(state=str(number)), expect=1) for number in range(8)), return_exceptions=True
        )

        assert sum(isinstance(outcome, Record) for outcome in outcomes) == 1

    async def test_tenants_may_use_the_same_id_and_never_see_one_another(self, store: Store) -> None:
        await store.records.put(a_record(tenant="acme", body=b"1"))
        await store.records.put(a_record(tenant="umbrella", body=b"2"))

        assert [record.body for record in await store.records.find("queue", tenant="umbrella")] == [b"2"]
        assert await store.records.delete("queue", "r1", "umbrella")
        assert not await store.records.delete("queue", "r1", "umbrella")
        assert [record.body for record in await store.records.find("queue")] == [b"1"]

    async def test_a_group_is_removed_whole_and_nothing_beside_it(self, store: Store) -> None:
        for number in range(3):
            await store.records.put(a_record(f"g{number}", group="g"))
        beside = [
            a_record("g3", group="h"),
            a_record("g4", kind="incident", group="g"),
            a_record("u", tenant="umbrella", group="g"),
        ]
        for record in beside:
            await store.records.put(record)

        removed = [await store.records.clear("queue", "g", "acme") for _ in range(2)]
        left = [*await store.records.find("queue"), *await store.records.find("incident")]

        assert removed == [3, 0]
        assert {record.but(version=0) for record in left} == set(beside)
        assert await store.records.clear("queue", "g") == 1  # of whichever tenant
        assert [record.id for record in await store.records.find("queue")] == ["g3"]

    async def test_several_records_are_written_all_or_none(self, store: Store) -> None:
        await store.records.put(a_record("there"))

        with pytest.raises(Mistaken) as caught:
            await store.records.put_all([(a_record("new"), 0), (a_record("there", state="lost"), 0)], tell=True)
        both = await store.records.put_all([(a_record("new"), 0), (a_record("there", state="open"), 1)])

        assert caught.value.code == "conflict"
        assert [(each.id, each.version, each.state) for each in both] == [("new", 1, ""), ("there", 2, "open")]
        assert await store.records.get("queue", "there") == both[1]

    async def test_the_revision_grows_with_records_that_tell_of_themselves_alone(self, store: Store) -> None:
        first = await store.revisions.revision()

        await store.records.put_all([(a_record("a"), None)])
        silent = await store.revisions.revision()
        await store.records.put_all([(a_record("b"), None)], tell=True)
        with pytest.raises(Mistaken):
            await store.records.put_all([(a_record("c"), 9)], tell=True)

        assert silent == first
        assert await store.revisions.revision() == first + 1

    async def test_records_are_found_by_each_of_their_marks_newest_first(self, store: Store) -> None:
        await store.records.put(a_record("a", app="shop", at_ns=START + 1))
        await store.records.put(a_record("b", group="g", at_ns=START + 3))
        await store.records.put(a_record("c", state="open", at_ns=START + 2))
        await store.records.put(a_record("d", at_ns=START + 2))
        await store.records.put(a_record("e", kind="incident"))

        async def ids(**marks: Any) -> str:
            return "".join(record.id for record in await store.records.find("queue", **marks))

        assert await ids() == "bdca"
        assert await ids(limit=2) == "bd"
        assert await ids(app="shop") == "a"
        assert await ids(group="g") == "b"
        assert await ids(state="open") == "c"
        assert await ids(since_ns=START + 2, until_ns=START + 3) == "dc"

    async def test_a_shelf_gives_values_back(self, store: Store) -> None:
        shelf = Shelf(
            store.records,
            "score_config",
            ScoreConfig,
            lambda config: Record(kind="", id=config.name, tenant=config.tenant, at_ns=config.created_ns),
        )
        stars = ScoreConfig(name="stars", tenant="acme", least=1, most=5, created_ns=START)

        version = await shelf.put(stars, expect=0)

        assert (version, await shelf.get("stars", "acme")) == (1, stars)
        assert await shelf.versioned("stars", "acme") == (stars, 1)
        assert await shelf.find(tenant="acme") == [stars]
        assert await shelf.get("stars", "umbrella") is None
        assert await shelf.delete("stars", "acme")
        assert await shelf.find() == []


async def _same_sums(store: Store, kept: list[Score]) -> None:
    for by in GROUPS:
        for tenant, app, name in ((None, "", "grounded"), ("acme", "", "grounded"), ("acme", "shop", "")):
            mine = [
                score
                for score in kept
                if tenant in (None, score.tenant) and app in ("", score.app) and name in ("", score.name)
            ]
            for since, until, every in (
                (START, START + 3 * HOUR, HOUR),
                (START + 7 * MINUTE + 3, START + 140 * MINUTE, 24 * HOUR),
                (START + 30 * MINUTE, START + 90 * MINUTE, 15 * MINUTE),
            ):
                found = await store.scores.buckets(
                    tenant=tenant, name=name, since_ns=since, until_ns=until, every_ns=every, by=by, app=app
                )
                assert found == _counted(mine, since // MINUTE * MINUTE, until, every, by), (by, tenant, app, every)
    assert await store.scores.names("acme") == _names(score for score in kept if score.tenant == "acme")


def _counted(scores: list[Score], since: int, until: int, every: int, by: ScoreGroup) -> list[ScoreBucket]:
    cells: dict[tuple[int, str], list[Score]] = {}
    for score in scores:
        if since <= score.judged_ns < until:
            cells.setdefault((score.judged_ns // every * every, getattr(score, by) if by else ""), []).append(score)
    buckets = []
    for (start, group), members in sorted(cells.items()):
        numbers = [score.number for score in members if score.number is not None]
        labels: dict[str, int] = {}
        for score in members:
            value = score.value
            whole = isinstance(value, float) and not isinstance(value, bool) and value in range(11)
            label = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
            if score.type in ("boolean", "category") or whole:
                label = str(int(value)) if whole else label
                labels[label] = labels.get(label, 0) + 1
        buckets.append(
            ScoreBucket(
                start_ns=start,
                group=group,
                count=len(members),
                numbers=len(numbers),
                total=_rounded(sum(map(Fraction, numbers), Fraction())),
                squares=_rounded(sum((Fraction(number) ** 2 for number in numbers), Fraction())),
                least=min(numbers, default=None),
                most=max(numbers, default=None),
                labels=labels,
            )
        )
    return buckets


def _rounded(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")


def _names(scores: Iterable[Score]) -> list[ScoreName]:
    found: dict[tuple[str, str, str, str], list[int]] = {}
    for score in scores:
        found.setdefault((score.name, score.app, score.type, score.source), []).append(score.judged_ns)
    return [
        ScoreName(name=name, app=app, type=type_, source=source, count=len(times), last_ns=max(times))
        for (name, app, type_, source), times in sorted(found.items())
    ]
