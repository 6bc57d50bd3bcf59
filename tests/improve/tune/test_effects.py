import random

from rowen.improve.tune.effects import effects, front


def test_of_many_levels_that_are_all_noise_hardly_a_world_has_one_that_is_said_to_matter():
    alarms = 0
    for seed in range(20):
        chance = random.Random(seed)
        groups = [n // 2 for n in range(60)]
        baseline = [chance.random() for _ in groups]
        tried = {("top", n): [min(1.0, max(0.0, x + chance.uniform(-0.3, 0.3))) for x in baseline] for n in range(6)}
        # What is cut at the ends is cut alike on both sides, so that the mean difference is nearly 0.
        alarms += any(each.matters for each in effects(tried, baseline, groups))

    assert alarms <= 4  # 1 is expected; 5 or more happen once in 400 such runs


def test_an_effect_is_told_with_its_sign_and_the_largest_first():
    baseline = [0.5] * 40
    tried = {
        ("top", 1): [0.2 + 0.01 * (n % 3) for n in range(40)],
        ("size", 400): [0.8 + 0.01 * (n % 3) for n in range(40)],
    }

    better, worse = effects(tried, baseline, range(40))

    assert (better.choice, worse.choice) == ("size", "top")
    assert better.matters
    assert worse.matters
    assert better.gain.low > 0 > worse.gain.high


def test_on_the_front_is_what_no_other_beats_in_all():
    assert front([(0.9, -2.0), (0.8, -1.0), (0.8, -2.0), (0.9, -2.0)]) == [True, True, False, True]
