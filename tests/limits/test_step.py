import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest

from rowen.flow import Chain, Walk
from rowen.limits import Admission, AdmissionSettings, LimitsSettings, Meter, admit, limits_of, rules_for, settle
from rowen.values import (
    Answer,
    Attempt,
    Choice,
    Events,
    Finished,
    Limit,
    Mistaken,
    Refused,
    Said,
    Unavailable,
    Usage,
    says,
    usd,
)

SETTINGS = LimitsSettings(per_user="10/min", tokens="1000/day", budget="1 USD/day", concurrency=2)
ATTEMPT = Attempt(
    deployment="d",
    provider="echo",
    model="cheap",
    started_ns=1,
    ended_ns=2,
    usage=Usage(input_tokens=10, output_tokens=20),
    cost=usd("0.00003"),
)


class Bench:
    """A chain of the limits around an answer, and what the limits then say."""

    def __init__(self, clock, counters, estimate, attempts=(ATTEMPT,), *, before=(), fails=None) -> None:
        self.clock = clock
        self.meter = Meter(counters, clock)
        self.admission = Admission(AdmissionSettings(), clock)
        self.settings = estimate.settings
        self.attempts = attempts
        self.fails = fails
        self.chain = Chain(
            before=(
                ("limits.admit", admit(self.meter, self.settings, estimate, clock, admission=self.admission)),
                *before,
            ),
            answer=self.answer,
            after=(("limits.settle", settle(estimate, admission=self.admission)),),
        )

    async def answer(self, call, tell) -> Events:
        try:
            yield (Said(text="some"),)
            if self.fails:
                raise self.fails
            yield Said(text="thing"), Finished(reason="stop")
        finally:
            for attempt in self.attempts:
                tell(attempt)

    async def used(self, call) -> dict[str, Decimal]:
        rules = rules_for(call, limits_of(self.settings), self.settings.rates)
        return {standing.limit.measure: standing.used for standing in await self.meter.state(rules)}


async def test_what_was_really_used_is_booked(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(SETTINGS))

    done = await Walk(bench.chain, call, clock).answer()

    assert await bench.used(call) == {"concurrency": 0, "requests": 1, "tokens": 30, "money": Decimal("0.00003")}
    assert done.cost == usd("0.00003")
    assert bench.admission.running == 0


async def test_the_call_holds_what_was_reserved_and_notes_every_limit(clock, counters, call, estimate_of):
    estimate = estimate_of(SETTINGS)
    step = admit(Meter(counters, clock), SETTINGS, estimate, clock)

    held = await step(call)

    assert held.hold.tokens == 110
    assert held.hold.taken.amounts == (1, 1, 110, 220_000)  # at once, requests, tokens, money
    assert list(held.checked) == [
        ('2 calls at once for app "handbook"', 1, 2),
        ('10 requests per minute for user "ann"', 1, 10),
        ('1000 tokens per day for app "handbook"', 110, 1000),
        ('1 USD per day for app "handbook"', 0.00022, 1.0),
    ]


async def test_a_cache_hit_counts_as_a_request_and_nothing_else(clock, counters, call, estimate_of):
    async def keep(call):
        answer = Answer(choices=(Choice(message=says("assistant", "known"), reason="stop"),))
        return call.but(answer=answer, source="cache")

    bench = Bench(clock, counters, estimate_of(SETTINGS), before=(("route.choose", keep),))

    done = await Walk(bench.chain, call, clock).answer()

    assert await bench.used(call) == {"concurrency": 0, "requests": 1, "tokens": 0, "money": 0}
    assert done.cost == usd(0)


async def test_a_later_step_that_refuses_gives_everything_back_but_the_request(clock, counters, call, estimate_of):
    async def unknown(call):
        raise Mistaken("model_unknown")

    bench = Bench(clock, counters, estimate_of(SETTINGS), before=(("route.choose", unknown),))

    with pytest.raises(Mistaken):
        await Walk(bench.chain, call, clock).answer()

    assert await bench.used(call) == {"concurrency": 0, "requests": 1, "tokens": 0, "money": 0}
    assert bench.admission.running == 0


async def test_wasted_attempts_are_booked_with_the_used_one(clock, counters, call, estimate_of):
    failed = ATTEMPT.but(status="failed", waste=True, usage=Usage(input_tokens=10), cost=usd("0.00001"))
    bench = Bench(clock, counters, estimate_of(SETTINGS), (failed, ATTEMPT))

    await Walk(bench.chain, call, clock).answer()

    assert await bench.used(call) == {"concurrency": 0, "requests": 1, "tokens": 40, "money": Decimal("0.00004")}


async def test_a_failure_in_mid_stream_books_what_was_used(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(SETTINGS), fails=Unavailable("upstream_cut", who="echo"))

    with pytest.raises(Unavailable):
        await Walk(bench.chain, call, clock).answer()

    assert (await bench.used(call))["tokens"] == 30


async def test_a_caller_that_leaves_pays_what_was_used(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(SETTINGS))

    async with aclosing(Walk(bench.chain, call, clock).events()) as events:
        async for _ in events:
            break

    assert await bench.used(call) == {"concurrency": 0, "requests": 1, "tokens": 30, "money": Decimal("0.00003")}
    assert bench.admission.running == 0


async def test_an_attempt_of_unknown_price_books_what_was_reserved(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(SETTINGS), (ATTEMPT.but(cost=None),))

    done = await Walk(bench.chain, call, clock).answer()

    assert (await bench.used(call))["money"] == Decimal("0.00022")
    assert done.cost is None


async def test_a_refused_call_leaves_no_trace_in_the_counters(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(SETTINGS))
    greedy = call.but(request=call.request.but(max_tokens=2_000))

    with pytest.raises(Refused) as caught:
        await Walk(bench.chain, greedy, clock).answer()

    assert caught.value.code == "limit_tokens"
    assert await bench.used(call) == {"concurrency": 0, "requests": 0, "tokens": 0, "money": 0}


async def test_the_budget_is_refused_as_a_budget(clock, counters, call, estimate_of):
    settings = LimitsSettings(budget="0.0003 USD/day")
    bench = Bench(clock, counters, estimate_of(settings), (ATTEMPT.but(cost=usd("0.0002")),))
    await Walk(bench.chain, call, clock).answer()

    with pytest.raises(Refused) as caught:
        await Walk(bench.chain, call, clock).answer()

    assert caught.value.code == "limit_budget"
    assert '0.0003 USD per day for app "handbook" is used up' in caught.value.message


async def test_the_limits_of_the_key_hold_and_follow_a_change(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(LimitsSettings()))
    limits = (Limit(measure="requests", amount=Decimal(1), window="minute", per="key"),)
    bound = call.but(caller=call.caller.but(limits=limits))
    await Walk(bench.chain, bound, clock).answer()

    with pytest.raises(Refused, match="key rk-abc"):
        await Walk(bench.chain, bound, clock).answer()
    raised = bound.but(caller=bound.caller.but(limits=(limits[0].but(amount=Decimal(2)),)))
    clock.move(0.2)

    assert (await Walk(bench.chain, raised, clock).answer()).answer.text == "something"


async def test_without_limits_nothing_is_counted_and_the_store_is_not_asked(clock, counters, call, estimate_of):
    bench = Bench(clock, counters, estimate_of(LimitsSettings()))

    await Walk(bench.chain, call, clock).answer()

    assert counters.asked == 0


async def test_a_call_that_leaves_the_queue_gives_its_reservation_back(clock, counters, call, estimate_of):
    estimate = estimate_of(SETTINGS)
    admission = Admission(AdmissionSettings(in_flight=1), clock, later=lambda seconds, sweep: None)
    meter = Meter(counters, clock)
    step = admit(meter, SETTINGS, estimate, clock, admission=admission)
    await step(call)
    queued = asyncio.ensure_future(step(call))
    while not admission.waiting:
        await asyncio.sleep(0)

    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued

    rules = rules_for(call, limits_of(SETTINGS), {})
    assert [standing.used for standing in await meter.state(rules)] == [1, 1, 110, Decimal("0.00022")]
    assert admission.waiting == 0


async def test_a_prompt_that_was_counted_for_its_length_is_not_counted_again(clock, counters, call, estimate_of):
    settings = LimitsSettings(tokens="1M/day", prompt_tokens=1_000)
    counted: list[int] = []

    def count(request):
        counted.append(1)
        return 700

    estimate = estimate_of(settings)
    step = admit(
        Meter(counters, clock),
        settings,
        type(estimate)(
            settings=settings,
            count_tokens=count,
            at_most=count,
            pricing=estimate.pricing,
            deployments_of=estimate.deployments_of,
        ),
        clock,
    )

    held = await step(call.but(request=call.request.but(messages=(says("user", "x" * 3_000),))))

    assert counted == [1]
    assert held.hold.tokens == 800
