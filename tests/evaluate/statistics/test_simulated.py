"""In worlds whose truth is known, each method is wrong no more often than it says: also when it is looked at all the time."""

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from rowen.values.interval import clopper_pearson

sys.path.insert(0, str(Path(__file__).parents[3] / "bench" / "statistics"))
from scenarios import ONCE, TESTS, WATCHED, Scenario

sys.path.pop(0)


def of(scenarios):
    return [pytest.param(each, id=f"{each.method}: {each.world}") for each in scenarios]


def wrong_in(scenario: Scenario) -> float:
    """How often it was wrong, simulated anew from a seed of its own."""
    rng = np.random.default_rng(zlib.crc32(f"{scenario.method}{scenario.world}".encode()))
    return sum(float(scenario.wrong(rng)) for _ in range(scenario.times))


def held(scenario: Scenario) -> None:
    wrong = wrong_in(scenario)
    at_least = clopper_pearson(round(wrong), scenario.times, 0.99).low
    at_most = clopper_pearson(round(wrong), scenario.times, 0.99).high

    if scenario.known_bad:
        assert at_least > scenario.known_bad
    else:
        assert at_least <= scenario.allowed
        assert at_most < 2.5 * scenario.allowed


@pytest.mark.parametrize("scenario", of(ONCE))
def test_an_interval_holds_the_truth_as_often_as_it_says(scenario):
    held(scenario)


@pytest.mark.parametrize("scenario", of(TESTS))
def test_what_is_not_so_is_found_no_more_often_than_is_stated(scenario):
    held(scenario)


@pytest.mark.parametrize("scenario", of(WATCHED))
def test_what_is_looked_at_again_and_again_is_wrong_no_more_often_in_all(scenario):
    held(scenario)
