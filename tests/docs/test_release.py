"""The tutorial "your first release", done as it is written: `make story` prints it."""

import os

import pytest
from tests.docs.conftest import ROOT, Terminal, read_out

pytestmark = pytest.mark.long


@pytest.mark.skipif(os.environ.get("ROWEN_TEST_LOCAL") != "1", reason="asks a real model; set ROWEN_TEST_LOCAL=1")
def test_the_first_release_happens_as_it_is_written(terminal: Terminal):
    terminal.bring(ROOT / "examples/04-release")

    assert read_out(terminal, ROOT / "docs/tutorial/your-first-release.md", leave_out=set()) >= 16
