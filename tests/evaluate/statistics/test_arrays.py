"""Without NumPy the statistics can be imported, and say what is missing when they are used."""

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["numpy"] = None
from rowen.evaluate.statistics import Sums, benjamini_hochberg, bootstrap, look, tango, welch
from rowen.values import Mistaken
assert benjamini_hochberg([0.01, 0.04]) == [0.02, 0.04]
assert tango([True, False], [True, True]).value == -0.5
assert welch(Sums.of([1.0, 2.0]), Sums.of([1.0, 3.0])).value == -0.5
assert look(Sums(n=200, total=100.0, squares=100.0), Sums(n=200, total=90.0, squares=90.0), expected=400).p <= 1
try:
    bootstrap([1.0, 2.0])
except Mistaken as problem:
    print(problem.code, problem.message)
"""


def test_what_needs_numpy_says_so_and_the_rest_works():
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert said.stdout == "extra_missing The statistics need NumPy: `pip install rowen[eval]`.\n"
