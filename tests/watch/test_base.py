import tomllib
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.config import read
from rowen.serve.tables import TABLES
from rowen.values import Mistaken
from rowen.watch import KpiTable, SlaTable, WatchTable
from rowen.watch.bound import Bound, bound
from rowen.watch.window import window

from .conftest import DAY, ns

MODELS = '[models.main]\nprovider = "echo"\n'


@pytest.mark.parametrize(
    ("written", "op", "value", "unit"),
    [
        (0.999, ">=", "0.999", ""),
        (">= 99.9%", ">=", "0.999", "%"),
        ("< 0.1%", "<", "0.001", "%"),
        ("<100ms", "<", "0.1", "ms"),
        ("<= 15min", "<=", "900", "min"),
        ("> 8", ">", "8", ""),
        (">= 1000/s", ">=", "1000", "/s"),
    ],
)
def test_a_target_is_read_as_people_write_it(written, op, value, unit):
    assert bound(written) == Bound(op=op, value=Decimal(value), unit=unit)


@pytest.mark.parametrize("written", ["", "fast", "99,9%", "=> 3", "3 apples", True])
def test_a_target_that_says_nothing_is_refused(written):
    with pytest.raises(ValueError, match="expected a number"):
        bound(written)


@given(
    st.sampled_from([">=", ">", "<=", "<"]), st.decimals(0, 10**6, places=4), st.sampled_from(["", "%", "ms", "min"])
)
def test_a_bound_reads_back_from_its_own_text(op, value, unit):
    first = bound(f"{op} {value}{unit}")

    assert bound(str(first)) == first


def test_a_ceiling_for_errors_and_a_floor_for_good_ones_allow_the_same():
    floor = WatchTable(sli="availability", target=">= 99.9%")
    ceiling = WatchTable(sli="errors", target="< 0.1%")

    assert floor.allowed == (Fraction(1, 1000), False)
    assert ceiling.allowed == (Fraction(1, 1000), True)


def test_calendar_windows_begin_and_end_where_the_calendar_says():
    moment = ns(2026, 2, 17, 13, 5)

    assert window("month").span(moment) == (ns(2026, 2, 1), ns(2026, 3, 1))
    assert window("week").span(moment) == (ns(2026, 2, 16), ns(2026, 2, 23))
    assert window("quarter").span(moment) == (ns(2026, 1, 1), ns(2026, 4, 1))
    assert window("year").span(moment) == (ns(2026, 1, 1), ns(2027, 1, 1))
    assert window("month").before(moment) == (ns(2026, 1, 1), ns(2026, 2, 1))
    assert window("30d").span(moment) == (moment - 30 * DAY, moment)


@pytest.mark.parametrize("written", ["fortnight", "30", "-1d", "10s"])
def test_a_window_that_is_none_is_refused(written):
    with pytest.raises(ValueError, match="window"):
        window(written)


def read_app(tmp_path, text):
    file = tmp_path / "app.toml"
    file.write_text(MODELS + text)
    return read(file, TABLES, secrets=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[watch.a]\ntarget = 0.9\n", '"sli" is missing'),
        ('[watch.a]\nsli = ""\n', "needs an `sli`"),
        ('[watch.a]\nsli = "availabilty"\n', 'did you mean "availability"?'),
        ('[watch.a]\nsli = "errors"\ntarget = "fast"\n', "expected a number"),
        ('[watch.a]\nsli = "errors"\nwindow = "fortnight"\n', "expected a window"),
        ('[watch.a]\nsli = "errors"\nslice = "90s"\n', "whole number of minutes"),
        ('[watch.a]\nsli = "errors"\nbudgets = { provider = 0.7, software = 0.6 }\n', "come to 1 at most"),
        ('[sla.a]\ncustomer = "Acme"\nsli = "errors"\n', '"owner" is missing'),
        ('[sla.a]\ncustomer = "Acme"\nowner = " "\nsli = "errors"\n', "say who answers for it"),
        ('[sla.a]\ncustomer = "Acme"\nowner = "ann"\n', "needs an `sli`, or an `slo`"),
        ('[sla.a]\ncustomer = "A"\nowner = "b"\nsli = "errors"\n[[sla.a.remedy]]\nbelow = 0.9\ncredit = "10"\n', "part of the bill"),
        ('[kpi.a]\nquery = ""\n', "needs a `query`"),
        ('[alerts.a]\nkind = "webhook"\n', "either `url`"),
        ('[alerts.a]\nkind = "email"\nto = ["a@example.org"]\n', "needs `to`, `sender` and `smtp`"),
    ],
)  # fmt: skip
def test_what_cannot_be_promised_is_refused_with_its_place(tmp_path, text, sentence):
    with pytest.raises(Mistaken) as caught:
        read_app(tmp_path, text)

    assert sentence in caught.value.message
    assert caught.value.place.startswith("app.toml:")


def test_the_three_kinds_are_distinct_and_linked(tmp_path):
    loaded = read_app(
        tmp_path,
        '[watch.up]\nsli = "availability"\ntarget = 0.999\n'
        '[sla.acme]\ncustomer = "Acme"\nowner = "ann@example.org"\nslo = "up"\ntarget = 0.99\n'
        '[[sla.acme.remedy]]\nbelow = 0.99\ncredit = "10%"\n'
        '[kpi.happy]\nquery = "csat"\nslo = ["up"]\n',
    )

    assert isinstance(loaded.tables["watch"]["up"], WatchTable)
    assert isinstance(loaded.tables["sla"]["acme"], SlaTable)
    assert isinstance(loaded.tables["kpi"]["happy"], KpiTable)
    assert loaded.tables["sla"]["acme"].remedy[0].share == Decimal("0.1")


def test_objectives_survive_json():
    table = WatchTable(sli="latency", latency="first_token", within=0.2, target=">= 95%", goal="scalability")

    assert msgspec.json.decode(msgspec.json.encode(table), type=WatchTable) == table
    assert tomllib.loads("a = 1") == {"a": 1}
