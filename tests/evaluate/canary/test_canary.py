"""Canaries: a model that changes in silence is heard within one cycle, and one that is merely noisy is not."""

import random

import pytest

from rowen.evaluate.canary import PROMPTS, Asked, Canaries, Canary, CanaryTable, Reading, Said, judged
from rowen.jobs import Queue, Worker
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Answer, Choice, Deployment, Message, Text, Unavailable, Usage

HOUR = 3_600_000_000_000
PLACE = Deployment(name="main", model="main", provider="fake", upstream="grass-1")
WORDS = ["hay", "dry", "sun", "rain", "barn", "cow", "green", "mown", "grass", "field"]


def reading(say, asks=4, **more) -> Reading:
    answers = tuple(tuple(Said(text=say(prompt), **more) for _ in range(asks)) for prompt in PROMPTS)
    return Reading(
        id="r", app="shop", canary="c", deployment="main", model="grass-1", prompts="p", answers=answers, at_ns=1
    )


def steady(prompt: str) -> str:
    return f"The answer to {prompt}"


def noisy(rng: random.Random, words=WORDS):
    """A model that says other words each time."""
    return lambda prompt: f"{prompt[:10]} " + " ".join(rng.choices(words, k=12))


def test_the_same_answers_are_no_change():
    found = judged(reading(steady), [reading(steady)] * 4, error=0.001)

    assert (found.changed, found.p, found.why) == (False, 1.0, "")


def test_a_steady_model_that_answers_one_prompt_of_eight_otherwise_is_heard_at_once():
    now = reading(lambda prompt: "It is 392." if "17 times 23" in prompt else steady(prompt))

    found = judged(now, [reading(steady)] * 4, error=0.001)

    assert found.changed
    assert found.p <= 0.001
    assert "“The answer to What is 17 times 23?" in found.why
    assert "became “It is 392.”" in found.why


def test_a_noisy_model_that_begins_to_use_other_words_is_heard_at_once():
    rng = random.Random(1)
    before = [reading(noisy(rng)) for _ in range(4)]

    found = judged(reading(noisy(rng, ["hay", "dry", "sun", "snow", "ice", "frost"])), before, error=0.001)

    assert found.changed
    assert "words" in found.why


def test_a_model_that_answers_at_greater_length_is_heard():
    rng = random.Random(2)
    before = [reading(noisy(rng)) for _ in range(4)]
    longer = noisy(rng)

    found = judged(reading(lambda prompt: longer(prompt) + " " + longer(prompt)), before, error=0.001)

    assert found.changed
    assert "length" in found.why


def test_a_merely_noisy_model_is_taken_for_a_changed_one_no_more_often_than_is_stated():
    rng, alarms, cycles = random.Random(3), 0, 60
    before = [reading(noisy(rng)) for _ in range(3)]
    for _ in range(cycles):
        now = reading(noisy(rng))
        alarms += judged(now, before, error=0.05).changed
        before = [now, *before[:2]]

    assert alarms <= 7  # 60 times 5 % is 3; 8 or more would happen in 1 of 90 runs


def test_what_is_expected_and_missing_is_named():
    before = [reading(lambda prompt: f"391 {prompt}")] * 4
    now = reading(lambda prompt: f"392 {prompt}")

    assert "what is expected" in judged(now, before, expect=("391",) * 8, error=0.001).why


def test_a_provider_that_names_another_model_is_heard_whatever_it_says():
    before = [reading(steady, served="grass-1-may")] * 2

    found = judged(reading(steady, served="grass-1-june"), before, error=0.001)

    assert found.changed
    assert found.why == "the provider says that grass-1-june answers, no longer grass-1-may"


def test_nothing_is_said_without_readings_to_compare_with_or_without_answers():
    assert judged(reading(steady), [], error=0.001).why == "nothing to compare with yet"
    assert judged(reading(steady).but(prompts="other"), [reading(steady)], error=0.001).p is None
    failed = judged(reading(lambda _: "", error="upstream_timeout"), [reading(steady)], error=0.001)
    assert (failed.changed, failed.why) == (False, "32 answers are lacking in this cycle")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"expect": ("a",)}, "1 texts for 8 prompts"),
        ({"asks": 1}, "`asks` is 2 or more"),
        ({"error": 0.0}, "`error` is between"),
        ({"every": 5.0}, "a minute or more"),
    ],
)
def test_a_table_that_cannot_work_is_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        CanaryTable(**fields)


class Provider:
    """A provider whose model says other words each time, and can be exchanged in silence."""

    def __init__(self) -> None:
        self.rng, self.words, self.asked, self.down = random.Random(5), WORDS, 0, False

    async def __call__(self, app, place, request) -> Asked:
        self.asked += 1
        if self.down:
            raise Unavailable("upstream_timeout", who=place.name)
        text = noisy(self.rng, self.words)(request.messages[0].text)
        message = Message(role="assistant", parts=(Text(text=text),))
        answer = Answer(choices=(Choice(message=message),), model="grass-1", usage=Usage(output_tokens=12))
        return Asked(answer, 12.5)


class Kept:
    """Canaries with their job, on a store in memory."""

    def __init__(self, store, clock) -> None:
        self.clock, self.provider, self.places = clock, Provider(), (PLACE,)
        self.table = CanaryTable(every=3600.0)
        self.queue = Queue(store.records, clock)
        self.canaries = Canaries(store.records, self.queue, self.written, self.provider, clock)
        self.worker = Worker(self.queue, self.canaries.handlers, clock)

    def written(self) -> list[Canary]:
        return [Canary("shop", "c", self.table, self.places)] if self.table else []

    async def cycle(self) -> Reading:
        await self.canaries.queue_written()
        while await self.worker.once():
            pass
        self.clock.ns += HOUR
        (latest,) = await self.canaries.latest()
        return latest


@pytest.fixture
async def kept():
    clock = FakeClock()
    return Kept(await open_store("memory:", clock=clock), clock)


async def test_a_model_that_is_exchanged_in_silence_is_heard_in_the_first_cycle_after_it(kept):
    before = [await kept.cycle() for _ in range(5)]
    kept.provider.words = ["snow", "ice", "frost", "sleet"]
    heard = await kept.cycle()
    after = [await kept.cycle() for _ in range(3)]

    assert [each.changed for each in before] == [False] * 5
    assert heard.changed
    assert heard.p <= 0.001
    assert [each.changed for each in after] == [False] * 3
    assert [each.id for each in await kept.canaries.changes(0)] == [heard.id]


async def test_a_provider_that_is_down_is_no_change_and_no_baseline(kept):
    for _ in range(2):
        await kept.cycle()
    kept.provider.down = True
    down = await kept.cycle()
    kept.provider.down = False
    up = await kept.cycle()

    assert (down.changed, down.failed) == (False, 32)
    assert down.answers[0][0].error.startswith("upstream_timeout")
    assert (up.changed, up.p is not None) == (False, True)


async def test_a_cycle_asks_each_prompt_as_often_as_is_written_and_a_canary_that_is_gone_asks_nothing(kept):
    await kept.cycle()
    asked = kept.provider.asked
    kept.table = None
    while await kept.worker.once():
        pass

    assert asked == 8 * 4
    assert kept.provider.asked == asked
    assert (await kept.queue.find(kind="evaluate.canary"))[0].state == "cancelled"
