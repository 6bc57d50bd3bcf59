"""Saved views of the list of traces."""

from decimal import Decimal
from typing import Any

import pytest

from rowen.insight.views import Person, View, Views, checked, columns_of, ordered
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Key, Mistaken, Refused, TraceRow

ANN = Person(id="user:ann", tenant="acme", manages=True)
BOB = Person(id="user:bob", tenant="acme")
EVE = Person(id="user:eve", tenant="globex", manages=True)
SLOW = View(id="", name="slow", filter={"q": "latency>2s"}, columns=("when", "score.thumbs"), sort="took")


@pytest.fixture
def views() -> Views:
    return Views(MemoryRecords(), FakeClock())


async def test_a_view_comes_back_as_it_was_kept(views: Views):
    kept = await views.create(SLOW, BOB)

    assert await views.get(kept.id, BOB) == kept
    assert (kept.owner, kept.tenant, kept.filter, kept.sort) == ("user:bob", "acme", {"q": "latency>2s"}, "took")


async def test_only_what_is_shared_is_seen_by_others_of_the_tenant_and_nothing_by_other_tenants(views: Views):
    own = await views.create(SLOW, ANN)
    shared = await views.create(SLOW.but(name="for all", shared=True), ANN)

    assert [each.id for each in await views.of(ANN)] == [shared.id, own.id]
    assert [each.id for each in await views.of(BOB)] == [shared.id]
    assert await views.of(EVE) == []
    for id, person in ((own.id, BOB), (own.id, EVE), (shared.id, EVE)):
        with pytest.raises(Mistaken, match="no such view"):
            await views.get(id, person)


async def test_who_may_not_manage_neither_shares_nor_changes_what_is_shared(views: Views):
    shared = await views.create(SLOW.but(shared=True), ANN)

    for act in (
        views.create(SLOW.but(name="mine", shared=True), BOB),
        views.change(shared.but(name="taken"), BOB),
        views.delete(shared.id, BOB),
    ):
        with pytest.raises(Refused):
            await act

    assert await views.of(BOB) == [shared]


async def test_a_name_is_taken_once_by_each_person(views: Views):
    await views.create(SLOW, BOB)
    await views.create(SLOW, ANN)

    with pytest.raises(Mistaken, match="already") as problem:
        await views.create(SLOW.but(name="  slow "), BOB)

    assert problem.value.code == "conflict"


async def test_the_list_opens_with_the_view_that_was_chosen_while_it_is_there(views: Views):
    shared = await views.create(SLOW.but(shared=True), ANN)
    assert await views.chosen(BOB) is None

    await views.choose(shared.id, BOB)
    assert (await views.chosen(BOB), await views.chosen(ANN)) == (shared, None)

    await views.change(shared.but(shared=False), ANN)
    assert await views.chosen(BOB) is None

    await views.delete(shared.id, ANN)
    with pytest.raises(Mistaken, match="no such view"):
        await views.choose(shared.id, BOB)


async def test_a_rotated_key_keeps_its_views_and_its_choice(views: Views):
    old = Key(id="k1", digest="", shown="", name="ops", tenant="acme", scopes=("read",))
    before = Person.of(old)
    kept = await views.create(SLOW, before)
    await views.choose(kept.id, before)

    after = Person.of(old.but(id="k2", replaces="k1"))

    assert [each.id for each in await views.of(after)] == [kept.id]
    assert (await views.chosen(after)).id == kept.id


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"filter": {"tenant": "globex"}}, "filter"),
        ({"filter": {"q": "x" * 2001}}, "filter"),
        ({"sort": "asked"}, "sort"),
        ({"columns": ("price",)}, "columns"),
        ({"columns": ("score.",)}, "columns"),
        ({"columns": tuple(f"score.{n}" for n in range(41))}, "columns"),
    ],
)
def test_nonsense_is_refused_by_its_part(wrong: dict[str, Any], place: str):
    with pytest.raises(Mistaken) as problem:
        checked(SLOW.but(**wrong))

    assert problem.value.place == place


def test_columns_are_kept_in_their_order_each_once():
    assert columns_of(["cost", "when", " cost", "", "attribute.a.b"]) == ("cost", "when", "attribute.a.b")


@pytest.mark.parametrize(
    ("sort", "order", "ids"), [("cost", "desc", "cab-"), ("cost", "asc", "bac-"), ("when", "asc", "-abc")]
)
def test_what_is_not_known_comes_last_whichever_way_it_is_sorted(sort: str, order: str, ids: str):
    rows = [
        TraceRow(id=id, started_ns=at, duration_ns=1, app="a", definition="d", cost=cost)
        for at, (id, cost) in enumerate((("-", None), ("a", Decimal(2)), ("b", Decimal("0.1")), ("c", Decimal(10))))
    ]

    assert "".join(row.id for row in ordered(rows, sort, order)) == ids
