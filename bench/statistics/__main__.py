"""Prints how often each method of `rowen.evaluate.statistics` is wrong where the truth is known: `python bench/statistics`.

Takes the number of simulations of each as its argument (2,000), some minutes in all.
"""

import sys

import numpy as np
from scenarios import ONCE, TESTS, WATCHED, Scenario

from rowen.values.interval import wilson


def row(scenario: Scenario, times: int) -> str:
    """Return one line of the table."""
    rng = np.random.default_rng(7)
    found = sum(float(scenario.wrong(rng)) for _ in range(times))
    rate = wilson(found, times)
    said = f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
    return f"| {scenario.method} | {scenario.world} | {scenario.stated:.0%} | {said} | {times:,} |"


def main() -> None:
    """Print the three tables."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for title, scenarios in (("Intervals", ONCE), ("Tests", TESTS), ("Watched", WATCHED)):
        print(f"\n### {title}\n\n| method | world | may be wrong | was wrong | of |\n|---|---|---|---|---|")
        for each in scenarios:
            print(row(each, times if each.times > 200 else max(1, times // 4)), flush=True)


if __name__ == "__main__":
    main()
