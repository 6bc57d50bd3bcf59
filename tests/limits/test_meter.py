import asyncio
from decimal import Decimal

import pytest

from rowen.limits import LimitsSettings, Meter, limits_of, rules_for
from rowen.values import Refused, Unavailable, ns_of
from rowen.values.clock import now

TOKENS = LimitsSettings(tokens="1000/day")


@pytest.fixture
def rules(call):
    def of(settings: LimitsSettings, one=call):
        return rules_for(one, limits_of(settings), settings.rates)

    return of


async def settle(held, tokens=0, money=0):
    await held.settle(tokens=tokens, money=lambda currency: money)


async def test_what_was_not_used_is_free_again(clock, counters, rules):
    meter = Meter(counters, clock)
    held = await meter.seats(rules(TOKENS)).reserve([900], clock.now_ns())
    await settle(held, tokens=100)

    again = await meter.seats(rules(TOKENS)).reserve([900], clock.now_ns())

    assert again.amounts == [900]


async def test_a_refusal_says_whose_limit_which_window_and_when_to_come_again(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="2/hour")
    for _ in range(2):
        await meter.seats(rules(settings)).reserve([1], clock.now_ns())
    clock.move(600)

    with pytest.raises(Refused) as caught:
        await meter.seats(rules(settings)).reserve([1], clock.now_ns())

    assert caught.value.code == "limit_requests"
    assert '2 requests per hour for user "ann"' in caught.value.message
    assert caught.value.retry_after == 3_000
    assert caught.value.details == {"limit": "2", "measure": "requests", "per": "user", "window": "hour", "used": "2"}


async def test_a_call_larger_than_the_whole_limit_is_not_told_to_come_again(clock, counters, rules):
    meter = Meter(counters, clock)

    with pytest.raises(Refused) as caught:
        await meter.seats(rules(TOKENS)).reserve([1_001], clock.now_ns())

    assert caught.value.code == "limit_tokens"
    assert caught.value.retry_after is None
    assert counters.asked == 0


async def test_a_new_window_begins_with_nothing_used(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="1/min")
    await meter.seats(rules(settings)).reserve([1], clock.now_ns())
    clock.move(60)

    held = await meter.seats(rules(settings)).reserve([1], clock.now_ns())

    assert held.amounts == [1]


async def test_a_call_that_ends_in_the_next_window_does_not_count_there(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(tokens="100/min")
    held = await meter.seats(rules(settings)).reserve([100], clock.now_ns())
    clock.move(60)
    await meter.seats(rules(settings)).reserve([1], clock.now_ns())

    await settle(held, tokens=5_000)

    assert (await meter.state(rules(settings)))[0].used == 1


async def test_all_limits_are_taken_or_none(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="10/min", tokens="100/day", concurrency=5)
    with pytest.raises(Refused):
        await meter.seats(rules(settings)).reserve([1, 1, 101], clock.now_ns())

    standings = await meter.state(rules(settings))

    assert [standing.used for standing in standings] == [0, 0, 0]


async def test_a_caller_that_leaves_while_the_store_is_asked_leaves_nothing_taken(clock, counters, rules):
    settings = LimitsSettings(per_user="10/min", tokens="100/day")
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Hanging(type(counters)):
        async def take(self, counter, *rest, **named):
            if counter.startswith("tokens"):
                asked.set()
                await go_on.wait()
            return await super().take(counter, *rest, **named)

    slow = Hanging()
    meter = Meter(slow, clock)
    task = asyncio.ensure_future(meter.seats(rules(settings)).reserve([1, 60], clock.now_ns()))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()

    held = await meter.seats(rules(settings)).reserve([1, 100], clock.now_ns())

    assert held.amounts == [1, 100]
    assert slow.kept["tokens:app:handbook:day@" + f"{now(clock):%Y-%m-%d}"] == 100


async def test_more_used_than_reserved_is_booked_above_the_limit(clock, counters, rules):
    meter = Meter(counters, clock)
    held = await meter.seats(rules(TOKENS)).reserve([1_000], clock.now_ns())

    await settle(held, tokens=1_300)

    assert list(counters.kept.values()) == [1_300]
    with pytest.raises(Refused):
        await meter.seats(rules(TOKENS)).reserve([1], clock.now_ns())


async def test_what_could_not_be_booked_is_booked_when_the_store_is_back(clock, counters, rules):
    meter = Meter(counters, clock)
    held = await meter.seats(rules(TOKENS)).reserve([1_000], clock.now_ns())
    counters.down = True
    with pytest.raises(Unavailable):
        await settle(held, tokens=1_300)
    counters.down = False

    await meter.flush()

    assert list(counters.kept.values()) == [1_300]


async def test_without_the_store_no_call_passes_a_limit(clock, counters, rules):
    meter = Meter(counters, clock)
    counters.down = True

    with pytest.raises(Unavailable) as caught:
        await meter.seats(rules(TOKENS)).reserve([1], clock.now_ns())

    assert caught.value.code == "store_unavailable"


async def test_the_store_is_rarely_asked_and_little_is_leased_ahead(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="100k/day")
    for _ in range(10_000):
        await settle(await meter.seats(rules(settings)).reserve([1], clock.now_ns()))

    (taken,) = counters.kept.values()

    assert counters.asked < 30
    assert 10_000 <= taken <= 10_000 + 100_000 // 64


async def test_a_flood_over_the_limit_is_refused_without_asking_the_store_each_time(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="3/min")
    for _ in range(3):
        await meter.seats(rules(settings)).reserve([1], clock.now_ns())
    before = counters.asked
    for _ in range(1_000):
        with pytest.raises(Refused):
            await meter.seats(rules(settings)).reserve([1], clock.now_ns())

    assert counters.asked - before < 5


async def test_idle_leases_go_back_for_other_processes(clock, counters, rules):
    one, other = Meter(counters, clock), Meter(counters, clock)
    settings = LimitsSettings(tokens="100k/day")
    for _ in range(20):
        await settle(await one.seats(rules(settings)).reserve([100], clock.now_ns()), tokens=100)

    await one.flush()
    await one.flush()

    assert list(counters.kept.values()) == [2_000]
    assert (await other.seats(rules(settings)).reserve([98_000], clock.now_ns())).amounts == [98_000]


async def test_closing_gives_everything_back_that_is_not_in_use(clock, counters, rules):
    meter = Meter(counters, clock)
    await meter.start()
    settings = LimitsSettings(tokens="100k/day", concurrency=8)
    await settle(await meter.seats(rules(settings)).reserve([1, 50], clock.now_ns()), tokens=20)

    await meter.close()

    assert list(counters.kept.values()) == [20]
    assert counters.held == []


async def test_calls_at_once_are_limited_over_processes(clock, counters, rules):
    one, other = Meter(counters, clock, owner="one"), Meter(counters, clock, owner="other")
    settings = LimitsSettings(concurrency=4)
    held = [await one.seats(rules(settings)).reserve([1], clock.now_ns()) for _ in range(3)]
    await other.seats(rules(settings)).reserve([1], clock.now_ns())

    for meter in (one, other):
        with pytest.raises(Refused) as caught:
            await meter.seats(rules(settings)).reserve([1], clock.now_ns())
        assert caught.value.code == "limit_concurrency"
        assert caught.value.retry_after == 1
    await settle(held[0])

    assert (await one.seats(rules(settings)).reserve([1], clock.now_ns())).amounts == [1]


async def test_a_share_that_is_not_used_goes_to_who_needs_it(clock, counters, rules):
    one, other = Meter(counters, clock, owner="one"), Meter(counters, clock, owner="other")
    settings = LimitsSettings(concurrency=4)
    held = [await one.seats(rules(settings)).reserve([1], clock.now_ns()) for _ in range(4)]
    for each in held:
        await settle(each)
    await one.flush()
    clock.move(0.25)
    await one.flush()

    taken = [await other.seats(rules(settings)).reserve([1], clock.now_ns()) for _ in range(4)]

    assert len(taken) == 4


async def test_a_killed_process_gives_its_share_up_after_a_while(clock, counters, rules):
    killed, other = Meter(counters, clock, owner="killed"), Meter(counters, clock, owner="other")
    settings = LimitsSettings(concurrency=2)
    for _ in range(2):
        await killed.seats(rules(settings)).reserve([1], clock.now_ns())
    clock.move(11)

    held = [await other.seats(rules(settings)).reserve([1], clock.now_ns()) for _ in range(2)]

    assert len(held) == 2


async def test_a_share_in_use_is_kept_alive(clock, counters, rules):
    one, other = Meter(counters, clock, owner="one"), Meter(counters, clock, owner="other")
    settings = LimitsSettings(concurrency=2)
    for _ in range(2):
        await one.seats(rules(settings)).reserve([1], clock.now_ns())
    for _ in range(10):
        clock.move(4)
        await one.flush()

    with pytest.raises(Refused):
        await other.seats(rules(settings)).reserve([1], clock.now_ns())


async def test_a_share_that_lapsed_is_not_used_without_asking(clock, counters, rules):
    one, other = Meter(counters, clock, owner="one"), Meter(counters, clock, owner="other")
    settings = LimitsSettings(concurrency=2)
    held = [await one.seats(rules(settings)).reserve([1], clock.now_ns()) for _ in range(2)]
    clock.move(11)
    for _ in range(2):
        await other.seats(rules(settings)).reserve([1], clock.now_ns())
    for each in held:
        await settle(each)

    with pytest.raises(Refused):
        await one.seats(rules(settings)).reserve([1], clock.now_ns())


async def test_the_state_says_what_is_used_left_and_when_it_begins_anew(clock, counters, rules):
    settings = LimitsSettings(tokens="1000/day", budget="5 EUR/day", rates={"EUR": Decimal("1.09")}, concurrency=3)
    meter = Meter(counters, clock)
    held = await meter.seats(rules(settings)).reserve([1, 100, 2_000_000_000], clock.now_ns())
    await settle(held, tokens=70, money=1_250_000_000)
    await meter.seats(rules(settings)).reserve([1, 10, 0], clock.now_ns())

    under_way, tokens, money = await meter.state(rules(settings))

    assert (under_way.used, under_way.left, under_way.resets_at) == (1, 2, None)
    assert (tokens.used, tokens.left) == (80, 920)
    assert (money.used, money.left) == (Decimal("1.25"), Decimal("3.75"))
    assert ns_of(money.resets_at) == clock.now_ns() + 86_400 * 10**9


async def test_what_is_used_is_told_to_the_unit_also_of_what_was_leased_ahead_and_owed(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(tokens="100k/day")

    seats = meter.seats(rules(settings))

    def used() -> int:
        ((_, amount, _),) = seats.used()
        return amount

    seen = []
    for tokens in (100, 40, 5_000):  # as reserved, less, and far more than was
        await settle(await seats.reserve([100], clock.now_ns()), tokens=tokens)
        seen.append(used())
    await meter.flush()
    (state,) = await meter.state(rules(settings))

    assert seen == [100, 140, 5_140]
    assert state.used == 5_140


async def test_a_lease_in_use_stays_at_hand_and_one_that_lies_idle_goes_back(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(tokens="100k/day")
    for _ in range(20):
        await settle(await meter.seats(rules(settings)).reserve([100], clock.now_ns()), tokens=100)
    (leased,) = counters.kept.values()

    await meter.flush()
    (in_use,) = counters.kept.values()
    await meter.flush()

    assert leased == in_use > 2_000
    assert list(counters.kept.values()) == [2_000]


async def test_near_its_limit_a_process_leases_nothing_ahead_until_others_have_given_back(clock, counters, rules):
    one, other = Meter(counters, clock), Meter(counters, clock)
    settings = LimitsSettings(tokens="6400/day")
    held = await other.seats(rules(settings)).reserve([5_600], clock.now_ns())
    for _ in range(3):  # in quick succession, which leases more and more ahead where there is room
        await one.seats(rules(settings)).reserve([10], clock.now_ns())
    near = sum(counters.kept.values())

    held.give_back()
    await other.close()
    await one.flush()
    for _ in range(3):
        await one.seats(rules(settings)).reserve([10], clock.now_ns())

    assert near == 5_630
    assert sum(counters.kept.values()) > 60


async def test_those_who_wait_for_one_lease_ask_the_store_once(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(tokens="64k/day")
    await meter.seats(rules(settings)).reserve([10], clock.now_ns())
    before = counters.asked

    taken = await asyncio.gather(*(meter.seats(rules(settings)).reserve([100], clock.now_ns()) for _ in range(5)))

    assert [each.amounts for each in taken] == [[100]] * 5
    assert counters.asked - before == 2  # the first 100 brought 200, the third asked for more


async def test_what_other_processes_used_is_known_after_a_flush(clock, counters, rules):
    one, other = Meter(counters, clock), Meter(counters, clock)
    await other.seats(rules(TOKENS)).reserve([300], clock.now_ns())
    seats = one.seats(rules(TOKENS))
    await seats.reserve([5], clock.now_ns())

    await one.flush()

    (noted,) = seats.used()
    assert noted == ('1000 tokens per day for app "handbook"', 305, 1_000)


async def test_counters_of_past_windows_and_idle_callers_take_no_memory(clock, counters, rules, call):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_user="10/min")
    for number in range(100):
        one = call.but(caller=call.caller.but(user=f"u{number}"))
        await settle(await meter.seats(rules(settings, one)).reserve([1], clock.now_ns()))

    clock.move(120)
    await meter.flush()

    assert meter.watched == 0


async def test_a_window_that_ends_between_reserving_and_noting_breaks_no_call(clock, counters, rules):
    meter = Meter(counters, clock)
    both = meter.seats(rules(LimitsSettings(per_app="5/min", tokens="1000/day")))
    held = await both.reserve([1, 10], clock.now_ns())
    clock.move(61)

    await meter.flush()
    await meter.flush()
    noted = both.used()
    await settle(held, tokens=10)

    assert [of for _, _, of in noted] == [1000]


async def test_callers_who_share_a_limit_spend_of_one_part_and_move_into_its_next_window_together(
    clock, counters, rules
):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_app="1000/min")
    one, other = meter.seats(rules(settings)), meter.seats(rules(settings))
    for seats in (one, other, one, other):
        await seats.reserve([10], clock.now_ns())
    before = (await meter.state(rules(settings)))[0].used
    clock.move(60)
    late = await one.reserve([10], clock.now_ns())
    moved_by_other = await other.reserve([10], clock.now_ns())

    late.give_back()
    moved_by_other.give_back()

    assert before == 40
    assert [one.used()[0][1], (await meter.state(rules(settings)))[0].used] == [0, 0]


async def test_a_clock_that_was_set_back_gives_nothing_to_a_window_that_has_begun(clock, counters, rules):
    meter = Meter(counters, clock)
    settings = LimitsSettings(per_app="1000/min")
    one, other = meter.seats(rules(settings)), meter.seats(rules(settings))
    old = await one.reserve([10], clock.now_ns())
    behind = clock.now_ns()
    clock.move(60)
    for amount in (20, 20, 10):  # the second leases more than it needs
        await other.reserve([amount], clock.now_ns())
    set_back = await one.reserve([10], behind)

    old.give_back()
    set_back.give_back()

    assert (await meter.state(rules(settings)))[0].used == 50


async def test_what_falls_short_of_one_limit_is_taken_from_none_also_where_nobody_need_be_asked(clock, counters, rules):
    meter = Meter(counters, clock)
    seats = meter.seats(rules(LimitsSettings(per_user="100/min", tokens="100/day")))
    for _ in range(3):
        await seats.reserve([1, 1], clock.now_ns())
    with pytest.raises(Refused):
        await seats.reserve([1, 98], clock.now_ns())

    assert [used for _, used, _ in seats.used()] == [3, 3]


async def test_a_part_that_was_forgotten_is_opened_anew_by_those_who_knew_it(clock, counters, rules):
    meter = Meter(counters, clock)
    seats = meter.seats(rules(LimitsSettings(tokens="1000/day")))
    await settle(await seats.reserve([10], clock.now_ns()), tokens=10)
    for _ in range(3):
        await meter.flush()
    forgotten = meter.watched

    await seats.reserve([5], clock.now_ns())
    await meter.close()

    assert forgotten == 0
    assert sum(counters.kept.values()) == 15


async def test_a_caller_at_a_steady_pace_has_the_store_asked_about_once_a_second(clock, counters, rules):
    seats = Meter(counters, clock).seats(rules(LimitsSettings(tokens="1M/day")))

    for _ in range(200):
        await settle(await seats.reserve([100], clock.now_ns()), tokens=100)
        clock.move(0.05)

    assert counters.asked <= 16  # ten seconds, and the few times by which a second's worth is found
