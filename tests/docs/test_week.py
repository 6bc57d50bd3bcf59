"""The tutorial "a week in production", done as it is written."""

import pytest
from tests.docs.conftest import ROOT, Terminal, read_out

pytestmark = pytest.mark.long


def test_the_week_happens_as_it_is_written(terminal: Terminal):
    """What needs other people's packages is run by `tests/compat/test_week.py`."""
    terminal.bring(ROOT / "examples/03-week")

    assert read_out(terminal, ROOT / "docs/tutorial/a-week-in-production.md", leave_out={"compat"}) >= 12
