"""What a data set is made of, and the warnings that it earns."""

from datetime import date

from rowen.evaluate.composition import composition
from rowen.evaluate.dataset import Dataset, content_of
from rowen.values import Case

TODAY = date(2026, 5, 1)
DAY = 86_400_000_000_000
CASES = [
    Case(
        id="1",
        input="When is the hay dry?",
        expected="In May.",
        source="review",
        user="ann",
        app="farm",
        created_ns=20_000 * DAY,
        metadata={"topic": "hay", "masked": True},
    ),
    Case(
        id="2",
        input="when is the hay dry",
        expected="In June.",
        source="trace",
        user="ann",
        app="farm",
        created_ns=20_010 * DAY,
    ),
    Case(
        id="3",
        input="Why do cows sleep in the barn when it rains outside on the field?",
        source="file",
        document="cows.md",
    ),
    Case(id="4", input="Why do cows sleep in the barn when it rains outside on the fields?", source="generator"),
    Case(id="5", input="How many eggs?", user="bob"),
]


def test_the_counts_are_those_of_the_cases():
    found = composition(Dataset(name="golden", owner="ann"), CASES, TODAY)

    assert (found.n, found.expected, found.synthetic, found.masked) == (5, 2, 1, 1)
    assert found.sources == {"review": 1, "trace": 1, "file": 1, "generator": 1, "unknown": 1}
    assert (found.users, found.largest_user, found.documents, found.apps) == (2, 2, 1, {"farm": 2})
    assert (found.copies, found.near, found.contradictions) == (1, 2, 1)
    assert (found.lengths.least, found.lengths.most) == (14, 66)
    assert (found.oldest, found.newest) == (date(2024, 10, 4), date(2024, 10, 14))
    assert found.fields == {"masked": 1, "topic": 1}
    assert found.hash == content_of(CASES)


def test_each_fault_is_said():
    said = " ".join(composition(Dataset(name="golden", expires=TODAY), CASES * 1, TODAY).warnings)

    for words in (
        "expired on 2026-05-01",
        "5 cases; fewer than 50",
        "1 questions stand",
        "2 of 5 cases nearly",
        "One user asked 2 of 5",
        "Nobody is named",
    ):
        assert words in said
    assert "made up" in " ".join(composition(Dataset(name="d"), CASES[3:4], TODAY).warnings)
    assert (
        "looked through by 2026-04-30"
        in composition(Dataset(name="d", review=date(2026, 4, 30)), CASES, TODAY).warnings[0]
    )


def test_a_good_data_set_earns_no_warning():
    cases = [Case(id=str(n), input=f"{n} {n * 7} {n * 13} what of it", user=f"u{n}", source="trace") for n in range(60)]

    assert composition(Dataset(name="d", owner="ann"), cases, TODAY).warnings == ()


def test_nothing_has_a_composition_too():
    found = composition(Dataset(name="d"), [], TODAY)

    assert (found.n, found.oldest, found.lengths.most) == (0, None, 0)
