"""How many users it takes until the rule on rollouts decides, by share and by how much worse a candidate is.

    python bench/rollouts/soon.py            # about half a minute

One yes or no for each user; the baseline's rate is 0.9, 0.05 may be lost, three steps share the error of 5 %.
"""

import random
from collections import Counter

from rowen.evaluate.statistics import Sums, Watched, look, standing
from rowen.release.verdict import EXPECTED, spread

RUNS, BASE, MARGIN, STEPS, MOST = 40, 0.9, 0.05, 3, 60_000


def decided(candidate: float, share: float, seed: int) -> tuple[int, str]:
    """Return after how many users it was decided, and how."""
    chance = random.Random(seed)  # a simulation, nothing secret
    counts, good = [0, 0], [0, 0]
    watched: Watched | None = None
    every = max(20, round(20 / share))
    for users in range(1, MOST + 1):
        arm = chance.random() < share
        counts[arm] += 1
        good[arm] += chance.random() < (candidate if arm else BASE)
        if users % every:
            continue
        old, new = (
            spread(Sums(n=n, total=float(total), squares=float(total))) for n, total in zip(counts, good, strict=True)
        )
        watched = look(new, old, expected=EXPECTED, before=watched, level=1 - 0.05 / STEPS)
        stands = standing(watched.difference, MARGIN)
        if stands != "undecided":
            return users, stands
    return MOST, "undecided"


def main() -> None:
    """Print the table."""
    print("| share | candidate | users, median | users, 9 of 10 runs | decided |")
    print("|---|---|---|---|---|")
    for share in (0.05, 0.25, 0.5):
        for candidate in (0.5, 0.7, 0.8, 0.9):
            found = sorted(decided(candidate, share, seed) for seed in range(RUNS))
            ways = ", ".join(f"{stands} {count}" for stands, count in Counter(each for _, each in found).most_common())
            median, most = found[RUNS // 2][0], found[RUNS * 9 // 10][0]
            print(f"| {share:.0%} | {candidate} | {median:,} | {most:,} | {ways} |")


if __name__ == "__main__":
    main()
