from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.store.clickhouse.literal import filled, literal

texts = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(st.tuples(texts, st.sampled_from(["'", "\\", "?", "\0", "')--", "\n", "{a:String}"])), min_size=1))
def test_a_text_is_a_text_whatever_is_in_it(clickhouse, server_of, many):
    server = server_of(f"{clickhouse.address}/default")
    wanted = ["".join(pair) for pair in many]

    found = server.lists(f"SELECT {', '.join('?' * len(wanted))}", wanted)

    assert found == [wanted]


def test_every_kind_of_value_has_its_literal():
    assert literal(None) == "NULL"
    assert literal(True) == "true"
    assert literal(-5) == "-5"
    assert literal(1e300) == "1e+300"
    assert literal(Decimal("0.10")) == "toDecimal256('0.10', 38)"
    assert literal(["a", 1]) == "('a', 1)"
    assert literal([]) == "[]"


def test_a_query_takes_as_many_values_as_it_has_marks():
    assert filled("a = ? AND b = ?", ["?", 2]) == "a = '?' AND b = 2"
    with pytest.raises(ValueError, match="argument 2"):
        filled("a = ?", [])
