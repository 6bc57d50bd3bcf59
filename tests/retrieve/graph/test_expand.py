"""What is said one way round is found the other way round, and one step further; never by way of what may not be read."""

import pytest
from bench.retrieval.reversal import world

from rowen.retrieve.base import ChunkTable, RetrieveSettings
from rowen.retrieve.graph import grown
from rowen.retrieve.load import Ports
from rowen.retrieve.plan import plan_of
from rowen.retrieve.search import Means, ranking, searched
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.values import Condition, Document, Reader, SystemClock

HOME = Collection(tenant="acme", app="demo", name="families")
ANYBODY = Reader(tenant="acme")
HR = Reader(tenant="acme", groups=("hr",))


def page(id, text, **fields):
    return Document(id=id, source="s", uri=id, version="1", text=text, **fields)


@pytest.fixture(params=["memory:", "sqlite"])
async def knowledge(request, tmp_path):
    store = await open_store(
        request.param if request.param == "memory:" else f"sqlite:{tmp_path}/data", clock=SystemClock()
    )
    yield store.knowledge
    await store.close()


class Asking:
    def __init__(self, knowledge, build, settings):
        self.build, self.settings = build, settings
        self.means = Means(knowledge=knowledge, clock=SystemClock())

    async def __call__(self, question, *, graph="rules", reader=ANYBODY, top=6):
        settings = self.settings.but(graph=graph)
        return await searched(self.build, settings, self.means, question, reader=reader, top=top)


async def indexed(knowledge, *documents, graph="rules"):
    settings = RetrieveSettings(graph=graph, embed="", chunk=ChunkTable(size=200, overlap=100, context="free"))
    plan = await plan_of(HOME, settings, Ports())
    build = await knowledge.begin(HOME, plan.manifest, now_ns=1)
    for document, cut in zip(documents, await plan.cut(documents, build.id, knowledge), strict=True):
        await knowledge.write(HOME, document, [cut])
    return Asking(knowledge, (await knowledge.builds(HOME))[0], settings)


async def test_reversed_questions_find_their_passage_first_with_the_graph_and_not_without(knowledge):
    made = world(5, seed=3)
    ask = await indexed(knowledge, *made.documents)

    async def share(kind, graph, top):
        hits = [
            any(answer in passage.text for passage in (await ask(question, graph=graph, top=top)).passages)
            for question, asked, answer in made.asked
            if asked == kind
        ]
        return sum(hits) / len(hits)

    assert await share("whose", "rules", 1) == 1.0
    assert await share("whose", "none", 1) == 0.0
    assert await share("two steps", "rules", 6) == 1.0
    assert await share("two steps", "none", 6) < 0.5


async def test_the_stage_tells_what_was_followed(knowledge):
    ask = await indexed(
        knowledge, page("a", "Ada Brenn's mother is Lia Brenn."), page("b", "Ada Brenn was born in Orvo.")
    )

    found = await ask("Where was Lia Brenn's child born?")

    (stage,) = [each for each in found.stages if each.name == "graph"]
    assert stage.facts == {"names": ("lia brenn",), "relations": 2, "found": 2}
    assert [(each.document, each.legs["graph"]) for each in found.passages] == [("a", 1.0), ("b", 0.9)]


async def test_what_a_question_does_not_ask_for_is_not_followed(knowledge):
    ask = await indexed(knowledge, page("a", "Ada Brenn's mother is Lia Brenn."), page("b", "Lia Brenn paints."))

    with_it, without = await ask("What does Lia Brenn paint?"), await ask("What does Lia Brenn paint?", graph="none")

    assert with_it.passages == without.passages


async def test_what_may_not_be_read_is_no_passage_and_no_bridge(knowledge):
    ask = await indexed(
        knowledge,
        page("secret", "Ada Brenn's mother is Lia Brenn.", access=("hr",)),
        page("open", "Ada Brenn was born in Orvo."),
        page("other", "Lia Brenn has a child and was born somewhere."),
    )
    question = "Where was the child of Lia Brenn born?"

    seen = {each.document: each.legs for each in (await ask(question, reader=HR)).passages}
    unseen = {each.document: each.legs for each in (await ask(question)).passages}

    assert seen["secret"]["graph"] == 1.0
    assert seen["open"]["graph"] == 0.9
    assert "secret" not in unseen
    assert all("graph" not in legs for legs in unseen.values())


async def test_conditions_hold_on_the_way_too(knowledge):
    ask = await indexed(
        knowledge,
        page("a", "Ada Brenn's mother is Lia Brenn.", metadata={"year": 2020}),
        page("b", "Ada Brenn was born in Orvo.", metadata={"year": 2026}),
    )
    year = Condition(field="year", value=2026)
    found = await grown(knowledge, ask.build, ["Where was Lia Brenn's child born?"], reader=ANYBODY, where=[year])

    assert found.scores == {}


async def test_an_index_without_relations_and_a_search_without_the_graph_are_as_before(knowledge):
    documents = (page("a", "Ada Brenn's mother is Lia Brenn."), page("b", "Lia Brenn paints."))
    ask = await indexed(knowledge, *documents, graph="none")

    asked = await ask("Whose mother is Lia Brenn?", graph="rules")

    assert "graph" not in {stage.name for stage in asked.stages}
    assert ask.build.manifest.graph == ""
    assert await ranking(ask.build, ask.settings, ask.means, "Lia", reader=ANYBODY)


async def test_the_longest_name_is_meant(knowledge):
    ask = await indexed(
        knowledge,
        page("a", "Ada Brenn's mother is Lia Brenn."),
        page("b", "Cy Tal's mother is Lia."),
        page("c", "Bo's mother is Brenn."),
    )

    found = await ask("whose MOTHER is lia brenn?", top=1)

    assert [each.document for each in found.passages] == ["a"]
    (stage,) = [each for each in found.stages if each.name == "graph"]
    assert stage.facts["names"] == ("lia brenn",)
