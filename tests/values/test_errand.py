"""What Rowen asks for its own ends is told from users' traffic in one way, whoever counts."""

import pytest

from rowen.values import SpanRow, TraceRow
from rowen.values.errand import ERRANDS, SHADOW, copied, reserved


def a_row(**fields) -> TraceRow:
    return TraceRow(id="t", started_ns=1, duration_ns=1, app="shop", definition="d", **fields)


@pytest.mark.parametrize("errand", ERRANDS, ids=lambda each: each.tag)
def test_a_call_on_an_errand_is_no_users_by_its_row_and_by_its_feature_alone(errand):
    feature = errand.under("helpful" if errand.named else "")
    row = a_row(door="internal", tags=(errand.tag,), feature=feature)

    assert row.house
    assert not row.users
    assert reserved(feature)


def test_errands_are_told_apart_by_tag_and_by_feature():
    assert len({each.tag for each in ERRANDS}) == len({each.feature for each in ERRANDS}) == len(ERRANDS)


@pytest.mark.parametrize("feature", ["", "judge", "summary", "explain", "judges:x", "evaluated", "checkout"])
def test_an_apps_own_feature_is_users_traffic_though_it_sounds_like_an_errand(feature):
    assert not reserved(feature)
    assert a_row(door="openai.chat", feature=feature).users


def test_a_callers_own_tag_makes_his_call_neither_an_errand_nor_a_copy():
    row = a_row(door="openai.chat", tags=("judge", "eval", SHADOW))

    assert row.users
    assert not row.house


def test_a_copy_is_no_users():
    assert not a_row(door="internal", tags=(SHADOW,)).users


@pytest.mark.parametrize("feature", ["", "checkout", "shadowing"])
def test_a_copy_is_told_by_its_feature_alone_and_is_no_errand(feature):
    row = a_row(door="internal", tags=(SHADOW,), feature=copied(feature))

    assert reserved(row.feature)
    assert not reserved(feature)
    assert (row.shadow, row.house, row.users) == (True, False, False)
    assert not SpanRow(trace="t", id="s", started_ns=1, duration_ns=1, feature=row.feature).house
