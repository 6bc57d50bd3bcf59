"""The exact cache: who shares answers, what is kept, for how long, and where."""

import pytest

from rowen.route import AnswerCache, cache_key
from rowen.store.base import Cached
from rowen.values import Answer, Attempt, Caller, Choice, Fault, Unavailable, says


class MemoryStore:
    def __init__(self) -> None:
        self.kept: dict[str, Cached] = {}
        self.down = False

    async def get(self, key, now_ns):
        if self.down:
            raise Unavailable("store_unavailable")
        found = self.kept.get(key)
        return found if found and found.expires_ns > now_ns else None

    async def put(self, key, cached):
        if self.down:
            raise Unavailable("store_unavailable")
        self.kept[key] = cached

    async def prune(self, now_ns, keep):
        pass


def said(text="Hi", reason="stop") -> Answer:
    return Answer(choices=(Choice(message=says("assistant", text), reason=reason),))


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def cache(store, clock):
    return AnswerCache(store, clock)


@pytest.fixture
def stage(kit, cache):
    return kit.stage(None, kit.route(cache_ttl=60), cache=cache)


async def ask(stage, call=None, **outcome):
    """Choose, and when the cache has nothing, keep an answer."""
    chosen = await stage.choose(call or stage.call())
    if chosen.answer is None:
        await stage.keep(chosen.but(**({"answer": said(), "source": "model"} | outcome)))
    return chosen


async def test_the_same_request_is_answered_from_the_cache_with_the_trace_it_came_from(stage, clock):
    first = await ask(stage)
    clock.seconds += 9
    second = await ask(stage)

    assert first.answer is None
    assert first.notes["route"]["cache"] == "miss"
    assert (second.source, second.answer) == ("cache", said())
    assert second.notes["route"] == {
        "model": "fast",
        "strategy": "order",
        "cache": "hit",
        "trace": first.id,
        "age_s": 9,
    }


async def test_an_answer_expires(stage, clock):
    await ask(stage)
    clock.seconds += 61

    assert (await ask(stage)).answer is None


async def test_streamed_and_whole_requests_share_answers_and_so_do_users_names(stage):
    await ask(stage, stage.call(stream=True, user="u1", metadata={"a": "1"}))

    assert (await ask(stage, stage.call(stream=False))).source == "cache"


@pytest.mark.parametrize(
    "changes",
    [{"temperature": 0.5}, {"messages": (says("user", "Other"),)}, {"max_tokens": 5}, {"extra": {"logit_bias": {}}}],
)
async def test_any_other_difference_of_the_request_is_another_answer(stage, changes):
    await ask(stage)

    assert (await ask(stage, stage.call(**changes))).answer is None


async def test_a_changed_definition_starts_afresh(stage):
    await ask(stage)

    assert (await ask(stage, stage.call().but(definition="d2"))).answer is None


@pytest.mark.parametrize(
    ("scope", "caller", "shared"),
    [
        ("tenant", Caller(key="k2", shown="", tenant="acme", user="bob"), True),
        ("tenant", Caller(key="k1", shown="", tenant="rival", user="ann"), False),
        ("user", Caller(key="k2", shown="", tenant="acme", user="ann"), True),
        ("user", Caller(key="k1", shown="", tenant="acme", user="bob"), False),
        ("user", Caller(key="k1", shown="", tenant="rival", user="ann"), False),
        ("key", Caller(key="k1", shown="", tenant="acme", user="bob"), True),
        ("key", Caller(key="k2", shown="", tenant="acme", user="ann"), False),
    ],
)
async def test_answers_are_shared_within_their_scope_and_never_beyond_a_tenant(kit, cache, scope, caller, shared):
    stage = kit.stage(None, kit.route(cache_ttl=60, cache_scope=scope), cache=cache)
    await ask(stage)

    found = await ask(stage, stage.call().but(caller=caller))

    assert (found.source == "cache") is shared


async def test_without_a_user_the_user_scope_is_the_key(kit):
    route = kit.route(cache_scope="user")
    stage = kit.stage(None, route)
    calls = [stage.call().but(caller=Caller(key=key, shown="", tenant="acme")) for key in ("k1", "k2")]

    assert cache_key(calls[0], route) != cache_key(calls[1], route)


async def test_end_users_whom_one_key_tells_apart_do_not_share_answers(kit, cache):
    stage = kit.stage(None, kit.route(cache_ttl=60, cache_scope="user"), cache=cache)
    app = Caller(key="k1", shown="", tenant="acme")
    await ask(stage, stage.call().but(caller=app, end_user="ann"))

    ann, bob = [await ask(stage, stage.call().but(caller=app, end_user=user)) for user in ("ann", "bob")]

    assert (ann.source, bob.answer) == ("cache", None)


async def test_bypass_reads_nothing_and_refreshes(stage):
    await ask(stage)

    bypassed = await ask(stage, stage.call().but(use_cache=False), answer=said("New"))
    later = await ask(stage)

    assert bypassed.notes["route"]["cache"] == "bypass"
    assert later.answer == said("New")


@pytest.mark.parametrize(
    "outcome",
    [
        {"answer": said(reason="length")},
        {"answer": said(reason="content_filter")},
        {"answer": said(reason="tool_calls")},
        {"answer": said(reason="")},
        {"answer": Answer()},
        {"answer": Answer(choices=(*said().choices, *said(reason="length").choices))},
        {"problem": Fault(kind="unavailable", code="upstream_cut", message="")},
        {"source": "script"},
        {"attempts": (Attempt(deployment="b", provider="p", model="m", started_ns=0, ended_ns=1, reason="continue"),)},
    ],
)
async def test_what_is_not_whole_and_good_is_not_kept(stage, outcome):
    await ask(stage, **outcome)

    assert (await ask(stage)).answer is None


async def test_answers_that_call_tools_are_kept_where_the_model_says_so(kit, cache):
    stage = kit.stage(None, kit.route(cache_ttl=60, cache_tools=True), cache=cache)
    both = Answer(choices=(*said().choices, *said(reason="tool_calls").choices))
    await ask(stage, answer=both)

    found = await ask(stage)

    assert (found.source, found.answer) == ("cache", both)


async def test_nothing_is_cached_where_no_time_is_set(kit, cache, store):
    stage = kit.stage(None, kit.route(), cache=cache)
    await ask(stage)
    await cache.close()

    assert store.kept == {}
    assert (await ask(stage)).notes["route"]["cache"] == "off"


async def test_another_process_finds_the_answer_in_the_store(stage, kit, cache, store, clock):
    await ask(stage)
    await cache.close()
    other = kit.stage(None, kit.route(cache_ttl=60), cache=AnswerCache(store, clock))

    assert (await ask(other)).source == "cache"


async def test_what_was_found_in_the_store_is_at_hand_until_its_time_is_over(store, clock):
    cache, until = AnswerCache(store, clock), clock.now_ns() + 60 * 10**9
    store.kept["a:1"] = Cached(answer=said(), trace="t", stored_ns=0, expires_ns=until)
    await cache.get("a:1")
    store.down = True

    clock.seconds += 59
    before = await cache.get("a:1")
    clock.seconds += 1
    after = await cache.get("a:1")

    assert before is not None
    assert (clock.now_ns(), after) == (until, None)


async def test_the_store_is_cleared_of_what_is_too_much_every_so_many_answers(store, clock):
    pruned = []

    async def prune(now_ns, keep):
        pruned.append((len(store.kept), now_ns, keep))

    store.prune = prune
    cache = AnswerCache(store, clock, most_stored=7, most_waiting=2_000)

    for number in range(1_001):
        cache.put(str(number), Cached(answer=said(), trace="t", stored_ns=0, expires_ns=2**62))
    await cache.close()

    assert pruned == [(500, clock.now_ns(), 7), (1_000, clock.now_ns(), 7)]


async def test_an_answer_that_takes_anothers_place_is_not_counted_twice(clock):
    cache = AnswerCache(None, clock, most_bytes=40_000)
    kept = Cached(answer=said("x" * 3000), trace="t", stored_ns=0, expires_ns=2**62)
    cache.put("other", kept)

    for _ in range(50):
        cache.put("same", kept)

    assert await cache.get("other") is not None


async def test_vectors_and_likelihoods_count_in_what_memory_holds(clock):
    cache = AnswerCache(None, clock, most_bytes=200_000)
    vectors = Cached(answer=Answer(vectors=((0.0,) * 600,)), trace="t", stored_ns=0, expires_ns=2**62)

    for number in range(40):
        cache.put(str(number), vectors)

    assert sum([await cache.get(str(number)) is not None for number in range(40)]) == 9  # of 20,700 bytes each


async def test_a_store_that_fails_costs_the_cache_and_not_the_call(stage, store, cache, clock):
    store.down = True

    first = await ask(stage)
    await cache.close()

    assert first.answer is None
    assert cache.unwritten == 1
    assert (await ask(stage)).source == "cache"  # from memory


async def test_more_answers_than_can_wait_for_the_store_are_counted(store, clock):
    cache = AnswerCache(store, clock, most_waiting=2)
    kept = Cached(answer=said(), trace="t", stored_ns=0, expires_ns=2**62)

    for number in range(5):
        cache.put(str(number), kept)
    await cache.close()

    assert (len(store.kept), cache.unwritten) == (2, 3)


async def test_memory_is_bounded_and_keeps_what_was_used_last(clock):
    cache = AnswerCache(None, clock, most_bytes=40_000)
    kept = Cached(answer=said("x" * 3000), trace="t", stored_ns=0, expires_ns=2**62)

    for number in range(20):
        cache.put(str(number), kept)
        await cache.get("0")

    found = [number for number in range(20) if await cache.get(str(number))]
    assert found[0] == 0
    assert found[1:] == list(range(20 - len(found) + 1, 20))
    assert 5 <= len(found) <= 12


async def test_one_huge_answer_does_not_push_out_the_others(clock):
    cache = AnswerCache(None, clock, most_bytes=40_000)
    cache.put("small", Cached(answer=said(), trace="t", stored_ns=0, expires_ns=2**62))

    cache.put("huge", Cached(answer=said("x" * 30_000), trace="t", stored_ns=0, expires_ns=2**62))

    assert await cache.get("small") is not None
    assert await cache.get("huge") is None


async def test_what_is_forgotten_is_gone_from_memory_and_never_reaches_the_store(cache, store):
    kept = Cached(answer=said(), trace="t", stored_ns=0, expires_ns=2**62)
    cache.put("shop:1", kept)

    cache.forget()
    await cache.close()

    assert store.kept == {}
    assert await cache.get("shop:1") is None
