import pytest

from rowen.retrieve.cite import cited_in, citing, facts_of
from rowen.values import Call, Door, Finished, Fold, Format, Request, Said, Started, says

HOURS = "The office opens at nine. It closes at five on weekdays."
LEAVE = "Every employee has 28 days of paid leave a year."


@pytest.fixture
def sources(passage):
    return (passage(HOURS, "hours"), passage(LEAVE, "leave"))


def test_a_marked_statement_is_held_against_the_source_it_names(sources):
    text = "You have 28 days of paid leave [2]."

    (found,) = cited_in(text, sources).citations

    assert (found.number, found.document, found.verified, found.marked) == (2, "leave", True, True)
    assert found.text == LEAVE
    assert text[found.said_start : found.said_end] == text


def test_a_figure_that_the_source_does_not_have_is_not_verified(sources):
    (found,) = cited_in("Every employee has 30 days of paid leave a year [2].", sources).citations

    assert not found.verified


def test_a_statement_that_names_the_wrong_source_is_not_verified(sources):
    (found,) = cited_in("You have 28 days of paid leave [1].", sources).citations

    assert (found.document, found.verified) == ("hours", False)


@pytest.mark.parametrize(
    "text",
    [
        "The office opens at nine [1]. You have 28 days of leave [2].",
        "The office opens at nine. [1] You have 28 days of leave. [2]",
        "The office opens at nine【1】. You have 28 days of leave【2†leave.md】.",
        "The office opens at nine.\n[1]\nYou have 28 days of leave.\n[2]",
    ],
)
def test_marks_belong_to_the_statement_they_follow(sources, text):
    found = cited_in(text, sources).citations

    assert [each.number for each in found] == [1, 2]
    assert all(each.verified for each in found)


def test_several_sources_of_one_statement_are_each_checked(sources):
    found = cited_in("The office closes at five [1, 2].", sources).citations

    assert [(each.number, each.verified) for each in found] == [(1, True), (2, False)]


def test_a_mark_that_names_no_source_is_told(sources):
    cited = cited_in("The office opens at nine [7].", sources)

    assert cited.dangling == (7,)


def test_a_statement_without_a_mark_is_matched_when_one_source_bears_it_out(sources):
    found = cited_in("It is closing at five on weekdays. The moon is made of cheese.", sources).citations

    assert [(each.document, each.marked, each.verified) for each in found] == [("hours", False, True)]


def test_nothing_is_cited_where_nothing_fits(sources):
    assert cited_in("Quantum meadows dream of electric sheep.", sources) == ((), ())


def call(passages=()) -> Call:
    return Call(
        id="0" * 32,
        app="a",
        definition="d",
        request=Request(model="m", messages=(says("user", "When?"),), passages=passages),
        door=Door(shape="openai.chat"),
        started_ns=0,
    )


async def answers(call, tell):
    yield (Started(model="m"), Said(text="The office "))
    yield (Said(text="opens at nine"),)
    yield (Said(text=" [1]. It is blue [9]."), Finished(reason="stop"))


async def test_the_answers_end_bears_its_citations(sources):
    asked = call(sources).noting("retrieve", warnings=["stale"])

    events = [event async for batch in citing(answers)(asked, print) for event in batch]

    assert events[0].extra == {"rowen_warnings": ["stale"]}
    assert [each.document for each in events[-1].citations] == ["hours"]


async def test_what_was_cited_is_told_to_the_trace(sources):
    fold = Fold()
    async for batch in citing(answers)(call(sources), print):
        fold.take(batch)

    facts = facts_of(call(sources).but(answer=fold.answer()))

    assert facts == {"citations": 1, "verified": 1, "statements": 2, "statements_cited": 1, "dangling": [9]}


def noticed(passages=(), **fields) -> Call:
    asked = call(passages).noting("retrieve", warnings=["stale"], notice="This may be out of date.")
    return asked.but(request=asked.request.but(**fields))


async def told(asked, upstream=answers) -> str:
    fold = Fold()
    async for batch in citing(upstream)(asked, print):
        fold.take(batch)
    return fold.answer().text


async def test_a_notice_stands_below_the_answer_and_counts_as_none_of_its_statements(sources):
    fold = Fold()
    async for batch in citing(answers)(noticed(sources), print):
        fold.take(batch)

    facts = facts_of(noticed(sources).but(answer=fold.answer()))

    assert fold.answer().text == "The office opens at nine [1]. It is blue [9].\n\nThis may be out of date."
    assert (facts["statements"], facts["citations"]) == (2, 1)


async def test_a_notice_is_said_also_where_nothing_was_found():
    assert (await told(noticed())).endswith("\n\nThis may be out of date.")


async def test_what_a_program_reads_and_what_goes_on_or_was_cut_off_has_no_notice(sources):
    async def cut(call, tell):
        yield (Started(model="m"), Said(text="The office opens"), Finished(reason="length"))

    async def silent(call, tell):
        yield (Started(model="m"), Finished(reason="stop"))

    assert await told(noticed(sources), cut) == "The office opens"
    assert await told(noticed(sources), silent) == ""
    assert "out of date" not in await told(noticed(sources, format=Format(kind="json")))
    assert "out of date" in await told(noticed(sources, format=Format(kind="text")))


async def test_an_answer_without_sources_is_passed_on_untouched():
    batches = [batch async for batch in citing(answers)(call(), print)]

    assert batches == [batch async for batch in answers(call(), print)]


async def test_closing_the_citing_stream_closes_the_upstream(sources):
    closed = []

    async def upstream(call, tell):
        try:
            async for batch in answers(call, tell):
                yield batch
        finally:
            closed.append(True)

    events = citing(upstream)(call(sources), print)
    await anext(events)
    await events.aclose()

    assert closed == [True]


def test_a_long_run_of_space_is_looked_through_once(passage):
    found = cited_in(
        f"We open{' ' * 300_000}at nine [1].", [passage("We open at nine.")]
    )  # its square would take hours

    assert [each.number for each in found.citations] == [1]
