"""What every store of runs must do. Mix `RunsContract` into a test class that has a fixture `store`."""

from decimal import Decimal
from typing import Any

from rowen.store.base import Place, Store
from rowen.values import Outcome

RUN = "01997000-0000-7000-8000-000000000001"


def an_outcome(number: int, **fields: Any) -> Outcome:
    """Return the outcome of a case; `number` makes its name and its figures."""
    given: dict[str, Any] = {
        "case": f"case-{number:04d}",
        "key": f"key-{number}",
        "asked": f"asked-{number}",
        "answer": f"answer {number}: " + "grass " * number,
        "numbers": {"grounded": number / 8, "length": float(number)},
        "labels": {"tone": "dry"},
        "reasons": {"grounded": f"because of {number}"},
        "contexts": ("grass grows", "twice"),
        "cost": Decimal(number) / 1_000_000,
        "answer_cost": Decimal(number) / 2_000_000,
        "paid": Decimal(0),
        "duration_ms": 12.5,
        "first_ms": 3.25,
        "input_tokens": 7,
        "output_tokens": 9,
        "trace": f"{number:032x}",
        "told": (f"{number + 1:032x}",),
        "group": "user-1",
        "slices": {"language": "de"},
        "at_ns": number,
    }
    return Outcome(**{**given, **fields})


class RunsContract:
    """Outcomes: put, counted, read and removed."""

    async def test_an_outcome_comes_back_as_it_was(self, store: Store) -> None:
        long, failed = an_outcome(300), an_outcome(1, state="failed", numbers={}, cost=None, answer="", first_ms=None)
        await store.runs.put(RUN, [long, failed], tenant="acme")

        found = await store.runs.page(RUN, tenant="acme")

        assert found == [failed, long]

    async def test_outcomes_are_apart_by_case_and_trial_and_replaced_in_their_place(self, store: Store) -> None:
        await store.runs.put(RUN, [an_outcome(1), an_outcome(1, trial=1), an_outcome(2)], tenant="acme")
        again = an_outcome(1, trial=1, answer="better")

        await store.runs.put(RUN, [again], tenant="acme")
        await store.runs.put(RUN, [again], tenant="acme")
        await store.runs.put(RUN, [], tenant="acme")

        assert await store.runs.page(RUN, tenant="acme") == [an_outcome(1), again, an_outcome(2)]

    async def test_figures_are_columns_by_case_and_trial(self, store: Store) -> None:
        await store.runs.put(
            RUN,
            [an_outcome(2, state="failed", numbers={}, cost=None), an_outcome(1, trial=1, cached=True), an_outcome(1)],
            tenant="acme",
        )

        found = await store.runs.figures(RUN, "acme")

        assert len(found) == 3
        assert found.cases == ("case-0001", "case-0001", "case-0002")
        assert found.trials == (0, 1, 0)
        assert found.states == ("answered", "answered", "failed")
        assert found.numbers == ({"grounded": 0.125, "length": 1.0}, {"grounded": 0.125, "length": 1.0}, {})
        assert found.labels[0] == {"tone": "dry"}
        assert found.costs == (Decimal("0.000001"), Decimal("0.000001"), None)
        assert found.cached == (False, True, False)
        assert found.paid == (Decimal(0), Decimal(0), Decimal(0))
        assert found.keys == ("key-1", "key-1", "key-2")
        assert found.slices[2] == {"language": "de"}
        assert (found.groups[0], found.durations[0], found.firsts[0]) == ("user-1", 12.5, 3.25)
        assert (found.input_tokens[0], found.output_tokens[0], found.traces[0]) == (7, 9, f"{1:032x}")

    async def test_an_unknown_run_has_no_outcomes(self, store: Store) -> None:
        assert len(await store.runs.figures(RUN, "acme")) == 0
        assert await store.runs.page(RUN, tenant="acme") == []
        assert await store.runs.find(RUN, [Place("case-0001")], tenant="acme") == []
        assert await store.runs.delete(RUN, "acme") == 0

    async def test_places_are_found_in_the_order_asked_for(self, store: Store) -> None:
        await store.runs.put(RUN, [an_outcome(number) for number in range(5)], tenant="acme")

        found = await store.runs.find(RUN, [Place("case-0003"), Place("case-0009"), Place("case-0001")], tenant="acme")

        assert [each.case for each in found] == ["case-0003", "case-0001"]

    async def test_pages_join_without_a_gap(self, store: Store) -> None:
        wanted = [an_outcome(number, trial=trial) for number in range(5) for trial in range(2)]
        await store.runs.put(RUN, wanted, tenant="acme")
        found: list[Outcome] = []
        after: Place | None = None

        while page := await store.runs.page(RUN, tenant="acme", after=after, limit=3):
            found += page
            after = Place(page[-1].case, page[-1].trial)

        assert found == wanted

    async def test_what_was_answered_before_is_known_by_its_keys_the_latest_first(self, store: Store) -> None:
        later = an_outcome(1, answer="later", at_ns=50)
        judged = an_outcome(1, key="other scorers", answer="judged otherwise", at_ns=40)
        await store.runs.put(RUN, [an_outcome(1), an_outcome(2, state="failed"), an_outcome(3)], tenant="acme")
        await store.runs.put("another", [judged], tenant="acme")
        await store.runs.put("a third", [later], tenant="acme")
        await store.runs.put("theirs", [an_outcome(1, answer="theirs", at_ns=99)], tenant="globex")

        found = await store.runs.known(
            ["key-1", "key-2", "asked-1", "other scorers", "asked-3", "asked-2", "nothing", ""], tenant="acme"
        )

        assert found == {
            "key-1": later,
            "asked-1": later,
            "asked-2": an_outcome(2, state="failed"),
            "other scorers": judged,
            "asked-3": an_outcome(3),
        }

    async def test_a_run_is_removed_whole_and_alone(self, store: Store) -> None:
        for tenant, run in (("acme", RUN), ("acme", "another"), ("globex", RUN)):
            await store.runs.put(run, [an_outcome(1), an_outcome(2)], tenant=tenant)

        removed = await store.runs.delete(RUN, "acme")

        assert removed == 2
        assert len(await store.runs.figures(RUN, "acme")) == 0
        assert await store.runs.page(RUN, tenant="acme") == []
        assert len(await store.runs.figures("another", "acme")) == 2
        assert len(await store.runs.figures(RUN, "globex")) == 2
        assert set(await store.runs.known(["key-1"], tenant="acme")) == {"key-1"}
