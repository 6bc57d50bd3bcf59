"""Data sets: what was kept as a version comes back as it was, whatever happened since."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.evaluate.dataset import Dataset, Packed, asked, between, content_of, digest, packed, unpacked
from rowen.values import Case, Mistaken

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CASES = st.lists(
    st.builds(
        Case,
        id=st.text(min_size=1, max_size=4),
        input=JSON,
        expected=JSON,
        metadata=st.dictionaries(st.text(max_size=3), JSON, max_size=2),
    ),
    max_size=6,
    unique_by=lambda case: case.id,
)


async def test_a_version_keeps_the_cases_as_they_were(datasets, cases, case):
    await datasets.add([case("1"), case("2", "How high is the bale?", expected="A metre.")])
    first = await datasets.freeze("golden", "acme", note="to begin with", by="ann")
    await cases.put(case("2", "How high is the bale?", expected="Two metres."))
    await cases.delete("1", "acme")

    kept = await datasets.cases("golden", "acme", first.hash[:8])
    changes = await datasets.changes("golden", "acme", first.hash)

    assert [each.expected for each in kept if each.id == "2"] == ["A metre."]
    assert (changes.removed, changes.changed, changes.added) == (("1",), ("2",), ())
    assert (first.n, first.note, first.by, first.before) == (2, "to begin with", "ann", "")


async def test_the_same_content_is_the_same_version_and_another_one_follows_it(datasets, case):
    await datasets.add([case("1")])
    first = await datasets.freeze("golden", "acme")
    again = await datasets.freeze("golden", "acme", note="nothing new")
    await datasets.add([case("2", "Why?")])
    second = await datasets.freeze("golden", "acme")

    assert again == first
    assert second.before == first.hash
    assert {each.hash for each in await datasets.versions("golden", "acme")} == {first.hash, second.hash}


async def test_what_is_brought_again_changes_nothing(datasets, case):
    one = await datasets.add([case("1"), case("2", "Why?")])
    again = await datasets.add([case("1"), case("2", "Why?"), case("3", "How?")])
    other = await datasets.add([case("1", expected="In May.")])

    assert [(each.new, each.same, each.changed) for each in (one, again, other)] == [(2, 0, 0), (1, 2, 0), (0, 0, 1)]


async def test_another_tenant_sees_nothing_of_it(datasets, case):
    await datasets.add([case("1")])
    version = await datasets.freeze("golden", "acme")

    for look in (
        datasets.get("golden", "umbrella"),
        datasets.now("golden", "umbrella"),
        datasets.cases("golden", "umbrella", version.hash),
        datasets.delete("golden", "umbrella"),
    ):
        with pytest.raises(Mistaken) as caught:
            await look
        assert caught.value.code == "not_found"
    assert await datasets.all("umbrella") == []


async def test_a_data_set_is_known_by_what_is_said_or_by_its_cases(datasets, case):
    await datasets.put(Dataset(name="described", tenant="acme", about="Of the barn."))
    await datasets.add([case("1", app="farm")])

    assert [(each.name, each.about) for each in await datasets.all("acme")] == [
        ("described", "Of the barn."),
        ("golden", ""),
    ]


async def test_a_deleted_data_set_leaves_nothing(datasets, case):
    await datasets.add([case("1"), case("2", "Why?")])
    await datasets.put(Dataset(name="golden", tenant="acme"))
    version = await datasets.freeze("golden", "acme")

    assert await datasets.delete("golden", "acme") == 2
    with pytest.raises(Mistaken, match="no data set"):
        await datasets.get("golden", "acme")
    with pytest.raises(Mistaken, match="no version"):
        await datasets.cases("golden", "acme", version.hash)


async def test_nothing_cannot_be_kept_and_a_beginning_must_be_of_one_version(datasets, case):
    await datasets.put(Dataset(name="golden", tenant="acme"))
    with pytest.raises(Mistaken, match="no cases to keep"):
        await datasets.freeze("golden", "acme")
    for number in range(40):  # of so many hashes, two begin with the same hexadecimal digit
        await datasets.add([case(str(number))])
        await datasets.freeze("golden", "acme")
    with pytest.raises(Mistaken, match="versions of 'golden' begin with"):
        found = [each.hash[0] for each in await datasets.versions("golden", "acme")]
        await datasets.version("golden", "acme", max(found, key=found.count))


@given(CASES)
def test_what_is_packed_comes_back_and_its_hash_does_not_depend_on_the_order(cases):
    kept = Packed(dataset="d", tenant="t", hash=content_of(cases), cases=packed(cases))

    assert unpacked(kept) == cases
    assert content_of(cases[::-1]) == content_of(cases)


def test_a_damaged_version_is_told():
    kept = Packed(dataset="d", tenant="t", hash=content_of([Case(id="1")]), cases=packed([Case(id="2")]))

    with pytest.raises(Mistaken) as caught:
        unpacked(kept)
    assert caught.value.code == "store_corrupt"


@given(CASES, CASES)
def test_changes_lead_from_one_state_to_the_other(earlier, later):
    found = between(earlier, later)
    ids = {each.id for each in earlier} - {*found.removed} | {*found.added}

    assert ids == {each.id for each in later}
    after = {each.id: digest(each) for each in later}
    assert {*found.changed} == {each.id for each in earlier if each.id in after and after[each.id] != digest(each)}


def test_when_and_by_whom_it_was_written_makes_no_other_case():
    one = Case(id="1", input="x", created_ns=1, by="ann")

    assert digest(one) == digest(one.but(created_ns=2, by="bob", tenant="other"))
    assert digest(one) != digest(one.but(user="ann"))


@pytest.mark.parametrize(
    ("review", "expires", "age"),
    [
        (None, None, "fresh"),
        (date(2026, 5, 2), None, "fresh"),
        (date(2026, 5, 1), None, "due"),
        (date(2026, 1, 1), date(2026, 5, 1), "expired"),
    ],
)
def test_a_data_set_ages(review, expires, age):
    assert Dataset(name="d", review=review, expires=expires).age(date(2026, 5, 1)) == age


@pytest.mark.parametrize(
    ("input", "text"),
    [
        ("Why?", "Why?"),
        ([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}], "Why?"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "image", "url": "x"}]}],
            "What is it?\n",
        ),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ],
)
def test_what_was_asked_is_what_the_user_said(input, text):
    assert asked(input) == text
