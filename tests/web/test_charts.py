import re

from rowen.values.interval import mean, wilson
from rowen.web.charts import Mark, Series, Slot, bars, curves, lane, round_up, sparkline, trend


def plain(value: float) -> str:
    return f"{value:g}"


def slots(*names: str) -> list[Slot]:
    return [Slot(name=name) for name in names]


def test_text_in_a_chart_is_escaped():
    html = bars(
        [Slot(name="<script>", link='/"><i>')], [Series(kind="ok", name="<b>", values=[1.0])], "<i>", lambda _: "<u>"
    )

    for tag in ("<script>", "<b>", "<i>", "<u>"):
        assert tag not in html
    assert "&lt;script&gt;" in html


def test_a_chart_has_no_inline_style():
    assert "style=" not in bars(slots("a", "b"), [Series(kind="ok", name="n", values=[1.0, 0.0])], "t", plain)


def test_a_bar_of_nothing_is_not_drawn_and_the_smallest_amount_is():
    html = bars(slots("a", "b", "c"), [Series(kind="ok", name="n", values=[0.0, 3000.0, 1.0])], "t", plain)

    heights = [float(found) for found in re.findall(r'class="ok"[^>]*height="([\d.]+)"', html)]
    assert len(heights) == 2
    assert min(heights) >= 0.8


def test_bars_never_rise_above_the_chart():
    layers = [Series(kind=f"k{i}", name="n", values=[1000.0 if i == 0 else 0.001]) for i in range(6)]

    html = bars(slots("a"), layers, "t", plain)

    assert all(float(found) >= 0 for found in re.findall(r' y="(-?[\d.]+)"', html))


def test_a_line_has_a_gap_where_there_is_no_value():
    html = curves(slots("a", "b", "c", "d"), [Series(kind="p50", name="n", values=[1.0, 2.0, None, 4.0])], "t", plain)

    assert html.count("<polyline") == 1
    assert html.count('class="p50 dot"') == 1


def test_a_slot_tells_its_numbers_and_leads_to_its_traces():
    html = bars(
        [Slot(name="10:00", link="/traces?a=1&b=2")], [Series(kind="ok", name="answered", values=[7.0])], "t", plain
    )

    assert '<a href="/traces?a=1&amp;b=2" tabindex="-1">' in html
    assert "<title>10:00\nanswered 7</title>" in html


def test_names_on_the_time_axis_divide_it_evenly():
    for number, columns in ((48, 6), (60, 6), (42, 7), (30, 6), (7, 7)):
        html = bars(slots(*map(str, range(number))), [Series(kind="ok", name="n", values=[1.0] * number)], "t", plain)

        times = re.search(r'class="times" aria-hidden="true">(.*?)</div>', html)
        assert times
        assert times[1].count("<span>") == columns


def test_the_shortest_span_is_still_seen_and_stays_inside():
    html = lane(999_999, 0, 1_000_000, "internal")

    x, width = (float(found) for found in re.search(r'x="([\d.]+)" y="0" width="([\d.]+)"', html).groups())
    assert width >= 6
    assert x + width <= 1000


def test_the_top_of_an_axis_is_round_and_above_the_value():
    for value in (0.0003, 0.9, 1, 7, 42, 99, 101, 12345):
        top = round_up(value)

        assert value <= top <= value * 2.01
    assert round_up(0) == 1


def test_a_trend_has_a_ribbon_of_intervals_and_gaps_where_nothing_is_known():
    known = [wilson(8, 10), wilson(7, 10), wilson(0, 0), wilson(9, 10)]

    drawn = trend(
        [Slot(name=f"{n}:00") for n in range(4)], known, "thumbs", marks=[Mark(place=1, name="<1.5>")], share=True
    )

    assert drawn.count("<polygon") == 1
    assert drawn.count('class="bound"') == 1
    assert "since here: &lt;1.5&gt;" in drawn
    assert "0.8 (0.49 to 0.943), n 10" in drawn


def test_a_trend_of_nothing_is_an_empty_plot():
    assert "<polyline" not in trend([Slot(name="0:00")], [wilson(0, 0)], "nothing")


def test_a_sparkline_breaks_at_gaps():
    assert sparkline([1, 2, None, 3, 4]).count("<polyline") == 2
    assert sparkline([None, None]) == ""


def test_the_rules_of_a_trend_are_at_round_numbers_and_hold_every_mean():
    for lowest, highest, most in (
        (0.53, 0.82, 1.0),
        (0.97, 0.999, 1.0),
        (412.0, 1730.0, 1e9),
        (-0.3, 0.2, 1e9),
        (0.5, 0.5, 1.0),
    ):
        means = [mean([lowest, lowest]), mean([highest, highest])]

        drawn = trend(slots("a", "b"), means, "t", most=most, say=str)

        rules = [float(each) for each in re.findall(r"<span>([^<]*)</span>", drawn)[:5]]
        assert rules[-1] <= lowest <= highest <= rules[0] <= most
        assert all(len(f"{each:.6g}".strip("-0.").replace(".", "").rstrip("0")) <= 3 for each in rules), rules
