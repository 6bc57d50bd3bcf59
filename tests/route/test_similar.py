import struct

import pytest

from rowen.provider.echo import vector
from rowen.route import ModelRoute, cache_key
from rowen.route.calibrate import Pair, calibrated
from rowen.route.differ import differ
from rowen.route.near import Nearest
from rowen.route.similar import SimilarCache, agreement, question_of
from rowen.store.base import Cached
from rowen.values import (
    Answer,
    Call,
    Caller,
    Choice,
    Citation,
    Door,
    Embeddings,
    Found,
    Image,
    Looked,
    Passage,
    Request,
    Text,
    Tool,
    says,
)

ROUTE = ModelRoute(name="m", deployments=(), cache_ttl=60)


class WordVectors:
    """Texts that share words are near one another."""

    fingerprint = "words"

    async def __call__(self, texts, *, role="document"):
        rows = [vector(text, 64) for text in texts]
        return Embeddings(b"".join(struct.pack("<64f", *row) for row in rows), 64, 0)


class StillClock:
    def __init__(self):
        self.ns = 1_000_000_000

    def now_ns(self):
        return self.ns


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def cache(clock):
    return SimilarCache(WordVectors(), threshold=0.6, mode="on", clock=clock)


def passage(document="hours", version="1") -> Passage:
    return Passage(
        document=document, version=version, source="s", uri=document, title=document, start=0, end=4, text="Open."
    )


def call(question="When does the office open?", *, tenant="acme", id="a", passages=(), build="b1", **fields) -> Call:
    messages = fields.pop("messages", None) or (says("user", question),)
    return Call(
        id=id * 32,
        app="app",
        definition=fields.pop("definition", "d"),
        request=Request(model="m", messages=messages, passages=passages, **fields.pop("request", {})),
        door=Door(shape="internal"),
        started_ns=0,
        caller=Caller(key="k", shown="rk", tenant=tenant, **fields.pop("caller", {})),
        looked=(Looked(name="docs", top=3, found=Found(build=build)),) if passages else (),
        **fields,
    )


def answer(text="At nine.", document="") -> Answer:
    cited = Citation(
        number=1, document=document, version="1", source="s", uri="u", start=0, end=4, text="x", said_start=0,
        said_end=3, support=1.0, verified=True,
    )  # fmt: skip
    choice = Choice(message=says("assistant", text), reason="stop", citations=(cited,) if document else ())
    return Answer(choices=(choice,))


async def kept(cache, clock, asked: Call, given: Answer | None = None, *, route: ModelRoute = ROUTE) -> None:
    await cache.find(asked, route)
    stored = Cached(answer=given or answer(), trace=asked.id, stored_ns=clock.ns, expires_ns=clock.ns + 60_000_000_000)
    cache.keep(asked, stored)


async def test_the_same_meaning_in_other_words_has_the_earlier_answer(cache, clock):
    await kept(cache, clock, call())

    near = await cache.find(call("When does the office open today?".replace(" today", " please"), id="b"), ROUTE)

    assert near.answer.text == "At nine."
    assert near.facts["similar_to"] == "a" * 32
    assert near.facts["similarity"] >= 0.6


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "other"},
        {"caller": {"groups": ("hr",)}},
        {"definition": "d2"},
        {"request": {"temperature": 1.0}},
        {
            "messages": (
                says("user", "Tell me of Paris."),
                says("assistant", "Yes."),
                says("user", "When does the office open?"),
            )
        },
    ],
    ids=["tenant", "rights", "definition", "parameters", "conversation"],
)
async def test_nothing_is_shared_beyond_the_scope(cache, clock, other):
    await kept(cache, clock, call())

    assert (await cache.find(call(id="b", **other), ROUTE)).answer is None


async def test_two_turns_before_the_question_are_both_of_its_conversation(cache, clock):
    before = [says("user", "Tell me of Paris."), says("assistant", "Yes?"), says("user", "When does the office open?")]
    other = [before[0], says("assistant", "No."), before[2]]
    await kept(cache, clock, call(messages=tuple(before)))

    same = await cache.find(call(id="b", messages=tuple(before)), ROUTE)
    near = await cache.find(call(id="c", messages=tuple(other)), ROUTE)

    assert (same.answer is not None, near.answer) == (True, None)


@pytest.mark.parametrize(
    ("scope", "other", "shared"),
    [
        ("tenant", {"key": "k2", "user": "bob"}, True),
        ("user", {"key": "k2", "user": "ann"}, True),
        ("user", {"key": "k", "user": "bob"}, False),
        ("user", {"key": "k", "user": "ann", "end_user": "cas"}, False),
        ("key", {"key": "k", "user": "bob"}, True),
        ("key", {"key": "k2", "user": "ann"}, False),
    ],
)
async def test_answers_are_shared_within_the_models_scope_alone(cache, clock, scope, other, shared):
    route = ModelRoute(name="m", deployments=(), cache_ttl=60, cache_scope=scope)

    def by(id: str, *, key: str = "k", user: str = "ann", end_user: str = "") -> Call:
        asked = call(id=id, end_user=end_user)
        return asked.but(caller=Caller(key=key, shown="rk", tenant="acme", user=user))

    await kept(cache, clock, by("a"), route=route)

    assert ((await cache.find(by("b", **other), route)).answer is not None) is shared


async def test_users_whom_one_key_tells_apart_have_answers_of_their_own(cache, clock):
    route = ModelRoute(name="m", deployments=(), cache_ttl=60, cache_scope="user")
    await kept(cache, clock, call(end_user="ann"), route=route)

    ann, bob = [await cache.find(call(id=id, end_user=user), route) for id, user in (("b", "ann"), ("c", "bob"))]

    assert (ann.answer is not None, bob.answer) == (True, None)


async def test_without_a_user_the_user_scope_is_the_key(cache, clock):
    route = ModelRoute(name="m", deployments=(), cache_ttl=60, cache_scope="user")
    one, other = (
        call(id=id).but(caller=Caller(key=key, shown="rk", tenant="acme")) for id, key in (("a", "k1"), ("b", "k2"))
    )
    await kept(cache, clock, one, route=route)

    assert (await cache.find(other, route)).answer is None
    assert (await cache.find(one, route)).answer is not None


async def test_an_answer_that_cites_nothing_rests_on_all_that_it_was_given(cache, clock):
    await kept(cache, clock, call(passages=(passage(), passage("prices"))))

    same = await cache.find(call(id="b", passages=(passage("prices"), passage())), ROUTE)
    fewer = await cache.find(call(id="c", passages=(passage(),)), ROUTE)

    assert (same.answer is not None, fewer.answer) == (True, None)


def test_a_question_in_several_parts_is_all_of_them_where_no_source_stands_before_it():
    message = says("user", "").but(parts=(Text(text="In Rome: "), Text(text="when do you open?")))

    assert question_of(Request(model="m", messages=(message,))) == "In Rome: when do you open?"


async def test_of_calls_that_never_came_to_an_answer_no_more_than_so_many_are_held(cache, clock):
    first = call(id="a")
    await cache.find(first, ROUTE)
    for number in range(1_000):
        await cache.find(call().but(id=f"{number:032x}"), ROUTE)

    stored = Cached(answer=answer(), trace="a", stored_ns=clock.ns, expires_ns=clock.ns + 60_000_000_000)

    assert cache.keep(first, stored) == {}
    assert (await cache.find(call(id="b"), ROUTE)).answer is None


async def test_a_call_that_was_not_looked_up_keeps_nothing(cache, clock):
    stored = Cached(answer=answer(), trace="a", stored_ns=clock.ns, expires_ns=clock.ns + 60_000_000_000)

    assert cache.keep(call(), stored) == {}
    assert (await cache.find(call(id="b"), ROUTE)).answer is None


async def test_what_is_forgotten_is_not_found_and_what_was_asked_meanwhile_is_not_kept(cache, clock):
    await kept(cache, clock, call())
    await cache.find(call("Where is the blue bicycle?", id="b"), ROUTE)

    cache.forget()
    late = Cached(answer=answer(), trace="b", stored_ns=clock.ns, expires_ns=clock.ns + 60_000_000_000)

    assert cache.keep(call("Where is the blue bicycle?", id="b"), late) == {}
    assert (await cache.find(call(id="c"), ROUTE)).answer is None


async def test_of_many_scopes_the_one_that_was_used_least_lately_goes(clock):
    cache = SimilarCache(WordVectors(), threshold=0.6, mode="on", clock=clock, scopes=2)
    for id, tenant in (("a", "one"), ("b", "two")):
        await kept(cache, clock, call(id=id, tenant=tenant))
    await cache.find(call(id="c", tenant="one"), ROUTE)
    await kept(cache, clock, call(id="d", tenant="three"))

    found = {
        tenant: (await cache.find(call(id="e", tenant=tenant), ROUTE)).answer for tenant in ("one", "two", "three")
    }

    assert [tenant for tenant, each in found.items() if each is not None] == ["one", "three"]


async def test_of_many_questions_in_a_scope_the_oldest_goes_with_its_answer(clock):
    cache = SimilarCache(WordVectors(), threshold=0.6, mode="on", clock=clock, most=2)
    questions = ["When does the office open?", "Who feeds the fish?", "Where is the blue bicycle?"]
    for id, question in zip("abc", questions, strict=True):
        await kept(cache, clock, call(question, id=id))

    found = [(await cache.find(call(question, id="d"), ROUTE)).answer is not None for question in questions]

    assert found == [False, True, True]


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [("At nine.", "at NINE", 1.0), ("At nine.", "", 0.0), ("", "At nine.", 0.0), ("", "", 1.0), ("a b c", "c d", 0.4)],
)
def test_answers_agree_as_far_as_they_have_the_same_words(one, other, share):
    assert agreement(one, other) == pytest.approx(share)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("When do you open on Monday?", "When do you open on Tuesday?", "figures"),
        ("Can I return it after 30 days?", "Can I return it after 90 days?", "figures"),
        ("May dogs come in?", "May dogs not come in?", "negation"),
        ("How do I enable the alarm?", "How do I disable the alarm?", "opposites"),
        ("Is the office in Paris open?", "Is the office in Rome open?", "names"),
        ("Does Ann report to Bob?", "Does Bob report to Ann?", "order"),
        ("When do you open?", "When do you open please?", ""),
        ("What is the Wi-Fi password?", "what's the wi-fi password?", ""),
    ],
)
def test_words_that_decide_are_not_left_to_vectors(one, other, why):
    assert differ(one, other) == why == differ(other, one)


async def test_a_near_miss_is_noted_with_its_reason_and_not_shared(cache, clock):
    await kept(cache, clock, call("When does the office open on Monday?"))

    near = await cache.find(call("When does the office open on Tuesday?", id="b"), ROUTE)

    assert near.answer is None
    assert near.facts["similar_but"] == "figures"


async def test_an_answer_is_shared_only_while_its_sources_are_found_again_unchanged(cache, clock):
    await kept(cache, clock, call(passages=(passage(), passage("noise"))), answer(document="hours"))
    again = "When does the office open please?"

    same = await cache.find(call(again, id="b", passages=(passage(),)), ROUTE)
    changed = await cache.find(call(again, id="c", passages=(passage(version="2"),)), ROUTE)
    gone = await cache.find(call(again, id="d", passages=(passage("noise"),)), ROUTE)
    rebuilt = await cache.find(call(again, id="e", passages=(passage(),), build="b2"), ROUTE)

    assert same.answer is not None
    assert (changed.answer, changed.facts["similar_but"]) == (None, "sources")
    assert gone.answer is None
    assert rebuilt.answer is None


async def test_an_entry_expires(cache, clock):
    await kept(cache, clock, call())
    clock.ns += 61_000_000_000

    assert (await cache.find(call(id="b"), ROUTE)).answer is None


async def test_in_shadow_nothing_is_shared_and_the_models_own_answer_is_held_against_it(clock):
    cache = SimilarCache(WordVectors(), threshold=0.6, mode="shadow", clock=clock)
    await kept(cache, clock, call())
    again = call("When does the office open please?", id="b")

    near = await cache.find(again, ROUTE)
    facts = cache.keep(again, Cached(answer=answer("At nine sharp."), trace="b", stored_ns=0, expires_ns=1))

    assert near.answer is None
    assert near.facts["similar_to"] == "a" * 32
    assert facts["similar_agrees"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "request_",
    [
        Request(model="m", messages=(says("user", "x"),), n=2),
        Request(model="m", messages=(says("user", "x"),), tools=(Tool(name="t"),)),
        Request(model="m", messages=(says("user", "x"), says("assistant", "y"))),
        Request(model="m", kind="embeddings", texts=("x",)),
        Request(model="m", kind="embeddings", texts=("x",), messages=(says("user", "x"),)),
        Request(
            model="m", messages=(says("user", "x").but(parts=(Text(text="x"), Image(url="https://x.example/x.png"))),)
        ),
    ],
    ids=["many", "tools", "continued", "embeddings", "no chat", "a picture"],
)
def test_what_hangs_on_more_than_its_last_words_is_left_alone(request_):
    assert question_of(request_) is None


def test_the_question_is_told_from_the_sources_before_it():
    message = says("user", "")
    message = message.but(parts=(Text(text="<source-1>…</source-1>\n\nQuestion: ", ours=True), Text(text="When?")))

    assert question_of(Request(model="m", messages=(message,), passages=(passage(),))) == "When?"


def test_the_oldest_vector_goes_first():
    nearest = Nearest(2, 3)
    rows = [struct.pack("<2f", 1.0, 0.0)] * 4

    gone = [nearest.add(number, row) for number, row in enumerate(rows)]

    assert gone == [None, None, None, 0]
    assert {key for key, _ in nearest.nearest(rows[0], 9)} == {1, 2, 3}


def test_how_well_a_source_was_found_does_not_change_the_exact_key():
    one, other = call(passages=(passage(),)), call(passages=(passage().but(score=0.9),))

    assert cache_key(one, ROUTE) == cache_key(other, ROUTE)


def test_the_same_words_of_another_source_are_another_exact_key():
    one, other = call(passages=(passage(),)), call(passages=(passage("copy"),))

    assert cache_key(one, ROUTE) != cache_key(other, ROUTE)


async def test_what_rests_on_documents_is_not_shared_between_users_who_may_read_different_ones(cache, clock):
    await kept(
        cache, clock, call(passages=(passage(), passage("private")), caller={"user": "ann"}), answer(document="hours")
    )

    same = await cache.find(call(id="b", passages=(passage(), passage("private")), caller={"user": "ann"}), ROUTE)
    near = await cache.find(call(id="c", passages=(passage(),), caller={"user": "bob"}), ROUTE)

    assert same.answer is not None
    assert near.answer is None


async def test_calibration_takes_the_loosest_threshold_without_too_many_false_hits():
    pairs = [
        Pair(one="when does the office open", other="when does the office open please", same=True),
        Pair(
            one="where is the large canteen of this house",
            other="where is the large canteen of this house then",
            same=True,
        ),
        Pair(one="how long is the leave", other="how long is the break", same=False),
        Pair(one="how long is the leave", other="how long is the leave in 2024", same=False),
    ]

    found = await calibrated(pairs, WordVectors())

    at = {rung.threshold: rung for rung in found.rungs}
    assert found.threshold is not None
    assert at[found.threshold].false_hits.value == 0
    assert at[found.threshold].hits.value == 1
    assert not found.proven
    assert 700 <= found.needed <= 740


async def test_calibration_names_no_threshold_where_none_is_safe():
    pairs = [Pair(one="same words here", other="same words here", same=False)]

    assert (await calibrated(pairs, WordVectors())).threshold is None
