"""The statistics of comparisons: what is estimated comes with an interval, and what is looked at again stays valid.

Importing this needs no NumPy; calling what draws, integrates or bets does, and says so where it is missing. What to use
when, and what each does in simulation, stands in `docs/explanation/statistics.md`.
"""

from rowen.evaluate.statistics.arms import Arm, allotment, best, drawn
from rowen.evaluate.statistics.base import Side, Standing, Sums, Tested, standing
from rowen.evaluate.statistics.bets import Bets, bernstein, betting, betting_of_two, betting_path, from_sums
from rowen.evaluate.statistics.bootstrap import bootstrap, bootstrap_of, paired, unpaired
from rowen.evaluate.statistics.cuped import Adjusted, cuped
from rowen.evaluate.statistics.exact import mcnemar, paired_shares, permutation, permutation_of_two, sign, wilcoxon
from rowen.evaluate.statistics.linear import linear, linear_test
from rowen.evaluate.statistics.many import benjamini_hochberg, holm
from rowen.evaluate.statistics.margin import not_worse, paired_share_not_worse, share_not_worse, tango
from rowen.evaluate.statistics.means import t_test, welch, welch_test
from rowen.evaluate.statistics.mixture import BURN_IN, Watched, look
from rowen.evaluate.statistics.policy import Logged, Would, doubly_robust, ips, ips_so_far, snips
from rowen.evaluate.statistics.power import (
    cases_for,
    design_effect,
    least_effect,
    power_of_means,
    power_of_paired_shares,
    power_of_pairs,
    power_of_shares,
)
from rowen.evaluate.statistics.ratio import split, split_so_far
from rowen.evaluate.statistics.relate import pearson, spearman
from rowen.evaluate.statistics.trials import all_of, any_of, pass_all, pass_at

__all__ = [
    "BURN_IN",
    "Adjusted",
    "Arm",
    "Bets",
    "Logged",
    "Side",
    "Standing",
    "Sums",
    "Tested",
    "Watched",
    "Would",
    "all_of",
    "allotment",
    "any_of",
    "benjamini_hochberg",
    "bernstein",
    "best",
    "betting",
    "betting_of_two",
    "betting_path",
    "bootstrap",
    "bootstrap_of",
    "cases_for",
    "cuped",
    "design_effect",
    "doubly_robust",
    "drawn",
    "from_sums",
    "holm",
    "ips",
    "ips_so_far",
    "least_effect",
    "linear",
    "linear_test",
    "look",
    "mcnemar",
    "not_worse",
    "paired",
    "paired_share_not_worse",
    "paired_shares",
    "pass_all",
    "pass_at",
    "pearson",
    "permutation",
    "permutation_of_two",
    "power_of_means",
    "power_of_paired_shares",
    "power_of_pairs",
    "power_of_shares",
    "share_not_worse",
    "sign",
    "snips",
    "spearman",
    "split",
    "split_so_far",
    "standing",
    "t_test",
    "tango",
    "unpaired",
    "welch",
    "welch_test",
    "wilcoxon",
]
