from decimal import Decimal

import pytest

from rowen.limits import LimitsSettings, limits_of, rules_for
from rowen.values import Limit, Mistaken


def stems(call, settings):
    return [rule.stem for rule in rules_for(call, limits_of(settings), settings.rates)]


def test_each_limit_counts_for_whom_it_is(call):
    settings = LimitsSettings(
        per_app="1/min", per_tenant="1/min", per_user="1/min", per_key="1/min", per_feature="1/min"
    )

    found = stems(call.but(feature="summarise"), settings)

    assert found == [
        "requests:app:handbook:minute",
        "requests:tenant:handbook/acme:minute",
        "requests:user:handbook/acme/ann:minute",
        "requests:key:handbook/key%20k1:minute",
        "requests:feature:handbook/summarise:minute",
    ]


def test_a_limit_for_one_feature_leaves_the_others_alone(call):
    settings = LimitsSettings(tokens="1k/day", per_feature={"translate": "1/min"})

    found = stems(call.but(feature="summarise"), settings)

    assert found == ["tokens:app:handbook:day"]


def test_a_key_of_a_user_cannot_leave_the_users_limit_by_naming_another(call):
    found = stems(call.but(end_user="somebody else"), LimitsSettings(per_user="1/min"))

    assert found == ["requests:user:handbook/acme/ann:minute"]


def test_an_end_user_counts_where_the_key_has_no_user(call):
    shared = call.but(caller=call.caller.but(user=""), end_user="bo/b")

    found = stems(shared, LimitsSettings(per_user="1/min"))

    assert found == ["requests:user:handbook/acme/bo%2Fb:minute"]


def test_a_call_without_any_user_counts_on_its_key(call):
    found = stems(call.but(caller=call.caller.but(user="")), LimitsSettings(per_user="1/min"))

    assert found == ["requests:user:handbook/key%20k1:minute"]


def test_a_name_that_the_caller_chose_stays_short_in_the_counter(call):
    shared = call.but(caller=call.caller.but(user=""), end_user="x" * 100_000)

    (found,) = stems(shared, LimitsSettings(per_user="1/min"))

    assert len(found) < 120


def test_the_limits_of_a_key_count_over_all_apps_and_the_lower_of_two_holds(call):
    own = (
        Limit(measure="requests", amount=Decimal(9), window="minute", per="key"),
        Limit(measure="requests", amount=Decimal(5), window="minute", per="key"),
        Limit(measure="tokens", amount=Decimal(5), window="day", per="tenant"),
    )

    rules = rules_for(call.but(caller=call.caller.but(limits=own)), (), {})

    assert [(rule.stem, rule.amount) for rule in rules] == [
        ("requests:key:key%20k1:minute", 5),
        ("tokens:tenant:acme:day", 5),
    ]


def test_a_budget_of_a_key_in_an_unknown_currency_says_what_to_add(call):
    own = (Limit(measure="money", amount=Decimal(5), window="day", per="key", currency="CHF"),)

    with pytest.raises(Mistaken) as caught:
        rules_for(call.but(caller=call.caller.but(limits=own)), (), {})

    assert caught.value.code == "config_invalid"
    assert "rates = { CHF" in caught.value.message
