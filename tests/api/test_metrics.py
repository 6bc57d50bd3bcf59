"""The registry and its text format."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.api.metrics import Histogram, Metrics


def test_what_others_keep_is_read_when_it_is_asked_for():
    metrics = Metrics()
    states = {("fast",): 0.0}
    metrics.bring("rowen_breaker_open", "Whether a breaker is open.", ("deployment",), lambda: states)

    states["fast",] = 1.0

    assert '# TYPE rowen_breaker_open gauge\nrowen_breaker_open{deployment="fast"} 1\n' in metrics.text()


def test_label_values_are_escaped():
    metrics = Metrics()
    metrics.refused('a"b\\c\nd', 400, "x")

    assert 'door="a\\"b\\\\c\\nd"' in metrics.text()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_buckets_are_cumulative_and_complete(amounts):
    histogram = Histogram("h", "about", (), (1.0, 10.0))
    for amount in amounts:
        histogram.see((), amount)

    lines = dict(line.rsplit(" ", 1) for line in histogram.lines())

    assert int(lines['h_bucket{le="1.0"}']) == sum(amount <= 1 for amount in amounts)
    assert int(lines['h_bucket{le="10.0"}']) == sum(amount <= 10 for amount in amounts)
    assert int(lines['h_bucket{le="+Inf"}']) == int(lines["h_count"]) == len(amounts)
