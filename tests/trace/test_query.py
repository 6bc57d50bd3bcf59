import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.trace.query import query_of
from rowen.values import Mistaken
from rowen.values.query import Either, Every, Holds, Says, Spans, Unless


def test_an_empty_line_asks_for_nothing():
    assert query_of("") is None
    assert query_of("   ") is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status:failed", Holds(field="status", value="failed")),
        ("status = failed", Holds(field="status", value="failed")),
        ('model!="gpt 4"', Holds(field="model", how="!=", value="gpt 4")),
        ("latency>2s", Holds(field="latency", how=">", value=2e9)),
        ("latency<=250", Holds(field="latency", how="<=", value=250e6)),
        ("cost>$0.01", Holds(field="cost", how=">", value=0.01)),
        ("streamed:true", Holds(field="streamed", value=True)),
        ("tag:beta", Holds(field="tag", value="beta")),
        ("asked~refund", Holds(field="asked", how="~", value="refund")),
        ("score.helpful<0.5", Holds(level="score", field="helpful", how="<", value=0.5)),
        ("score.thumbs:false", Holds(level="score", field="thumbs", value=0.0)),
        ("session.traces>=3", Holds(level="session", field="traces", how=">=", value=3.0)),
        ("model:qwen3:8b", Holds(field="model", value="qwen3:8b")),
        ("refund", Says(text="refund")),
        ('"money back"', Says(text="money back", phrase=True)),
        ("any(type:tool)", Spans(take="any", where=Holds(level="span", field="type", value="tool"))),
        ("len()>10", Spans(take="len", how=">", value=10.0)),
        ("sum(cost)>1", Spans(take="sum", field="cost", how=">", value=1.0)),
        (
            "max(latency where type:llm)>5s",
            Spans(
                take="max",
                field="latency",
                where=Holds(level="span", field="type", value="llm"),
                how=">",
                value=5e9,
            ),
        ),
        (
            "any(attribute.tool.name = search)",
            Spans(take="any", where=Holds(level="span", field="attribute.tool.name", value="search")),
        ),
    ],
)
def test_a_condition_is_read(text, meant):
    assert query_of(text) == meant


def test_or_binds_less_than_and_and_not_binds_most():
    found = query_of("status:failed -model:a or not (app:x app:y) and tag:z")

    assert found == Either(
        parts=(
            Every(parts=(Holds(field="status", value="failed"), Unless(part=Holds(field="model", value="a")))),
            Every(
                parts=(
                    Unless(part=Every(parts=(Holds(field="app", value="x"), Holds(field="app", value="y")))),
                    Holds(field="tag", value="z"),
                )
            ),
        )
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statu:failed", "did you mean 'status'?"),
        ("latency>soon", "a duration such as"),
        ("status<failed", "is compared by"),
        ("streamed:perhaps", "true or false"),
        ("any(type:tool", "a bracket is not closed"),
        ("status:", "a value is missing"),
        (":failed", "a field is missing"),
        ("status:failed)", "nothing here that this could close"),
        ("sum(model)>1", "no number of a span"),
        ("len(type:tool)", "a comparison is missing"),
        ('"never closed', "a quote is not closed"),
        ("any(any(type:tool))", "cannot stand within"),
        ("any(refund)", "say where to look"),
        ("cost>nan", "an amount such as"),
        ("(" * 30 + "status:ok" + ")" * 30, "more than 20 deep"),
        ("-" * 1500 + "x", "more than 20 deep"),
        ("x" * 2001, "at most 2000 characters"),
        ("status:ok or", "a condition is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, said):
    with pytest.raises(Mistaken) as told:
        query_of(text)

    assert told.value.code == "field_invalid"
    assert said in told.value.message


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        query_of(text)
    except Mistaken as mistaken:
        assert mistaken.code == "field_invalid"
