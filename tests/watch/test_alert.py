"""When what an alert saw began."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.store.base import Cell
from rowen.watch.alert import Firing
from rowen.watch.burn import Burning, BurnRule
from rowen.watch.window import MINUTE_NS

HOUR = 60


def seen(bad_minutes: set[int], minutes: int = 6 * HOUR, each: int = 1) -> Firing:
    """What a rule of six hours saw of one event a minute, bad in these minutes."""
    cells = [
        Cell(
            app="a",
            objective="slo/x",
            start_ns=minute * MINUTE_NS,
            good=0 if minute in bad_minutes else each,
            total=each,
        )
        for minute in range(minutes)
    ]
    rule = BurnRule(severity="page", share=0.05, long_ns=6 * HOUR * MINUTE_NS, short_ns=30 * MINUTE_NS, factor=6.0)
    burning = Burning(rule=rule, bad=len(bad_minutes), total=minutes, rate=1.0)
    return Firing.of_burning(burning, cells, minutes * MINUTE_NS)


def test_a_stray_bad_event_long_before_is_not_the_beginning():
    firing = seen({7, 100, *range(300, 360)})

    assert firing.began_ns == 300 * MINUTE_NS


def test_it_begins_with_the_first_bad_event_where_none_came_before():
    assert seen({350, 352, 359}).began_ns == 350 * MINUTE_NS


@given(st.sets(st.integers(0, 200), max_size=3), st.integers(260, 340))
def test_a_change_is_found_whatever_few_bad_events_came_before(strays: set[int], change: int):
    firing = seen(strays | set(range(change, 360)))

    assert firing.began_ns == change * MINUTE_NS
