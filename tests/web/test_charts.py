from rowen.web.charts import Bar, Series, bars, curves, waterfall


def test_text_in_a_chart_is_escaped():
    svg = bars(["<script>"], [Series(kind="ok", name="<b>", values=[1.0])], "<i>")

    assert "<script>" not in svg
    assert "<b>" not in svg
    assert "&lt;script&gt;" in svg


def test_a_chart_has_no_inline_style():
    svg = bars(["a", "b"], [Series(kind="ok", name="n", values=[1.0, 0.0])], "t")

    assert "style=" not in svg


def test_a_bar_of_nothing_is_not_drawn():
    svg = bars(["a", "b"], [Series(kind="ok", name="n", values=[0.0, 3.0])], "t")

    assert svg.count("<rect") == 1


def test_a_line_has_a_gap_where_there_is_no_value():
    svg = curves(["a", "b", "c", "d"], [Series(kind="p50", name="n", values=[1.0, 2.0, None, 4.0])], "t")

    assert svg.count("<polyline") == 1
    assert svg.count("<circle") == 1


def test_a_waterfall_draws_every_span_even_the_shortest():
    spans = [
        Bar(name="root", kind="server", start=0, length=100, depth=0, note=""),
        Bar(name="x", kind="internal", start=1, length=0, depth=1, note=""),
    ]

    svg = waterfall(spans, 100)

    assert svg.count('class="server"') == 1
    assert svg.count('class="internal"') == 1
