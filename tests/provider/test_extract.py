import pytest

from rowen.provider.base import ModelSettings
from rowen.provider.extract import declared, make
from rowen.values import Deployment, Fold, Mistaken, Passage, Request, says

HERE = Deployment(name="quote", model="quote", provider="extract", upstream="extract", profile=declared())


def source(text: str, name: str) -> Passage:
    return Passage(document=name, version="1", source="s", uri=name, title=name, start=0, end=len(text), text=text)


HANDBOOK = (
    source("# Hours\nThe office opens at nine. Coffee is free.\nDogs are welcome on Fridays.", "hours"),
    source("Leave is 28 days a year. Ask your lead for leave two weeks ahead.", "leave"),
)


async def said(question: str, passages=HANDBOOK, **options) -> str:
    provider = make(ModelSettings(provider="extract", options=options), None)
    fold = Fold()
    async for batch in provider.ask(
        Request(model="quote", messages=(says("user", question),), passages=passages), HERE
    ):
        fold.take(batch)
    return fold.answer().text


async def test_it_quotes_the_sentence_that_fits_and_cites_its_source():
    assert await said("How many days of leave do I have?") == "Leave is 28 days a year. [2]"


async def test_it_says_that_it_does_not_know_when_no_sentence_fits():
    assert await said("Who won the world cup?", unknown="Not in here.") == "Not in here."


async def test_it_quotes_no_headings_and_no_more_than_asked():
    text = await said("leave office hours coffee dogs", sentences=2)

    assert "#" not in text
    assert text.count("[") <= 2


async def test_without_sources_it_knows_nothing():
    assert (await said("When?", passages=())).startswith("I do not know")


async def test_it_makes_no_vectors():
    provider = make(ModelSettings(provider="extract"), None)

    with pytest.raises(Mistaken):
        await anext(provider.ask(Request(model="quote", kind="embeddings", texts=("x",)), HERE))


async def test_words_are_found_in_other_forms_and_under_their_heading():
    routing = source(
        "## Circuit breakers\n\nEach deployment has one. It opens when half of the attempts failed.\n\n## Cache\n\nIt is off.",
        "routing",
    )

    assert "It opens when half of the attempts failed. [1]" in await said(
        "When does a circuit breaker open?", (routing,)
    )
