"""`rowen index summary`, with a model that always says the same."""

import json

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen

APP = """
[app]
name = "desk"
[models.main]
provider = "echo"
options = { say = '[{"statement": "Field A was mown on day 3.", "quote": "Field A was mown on day 3 of the year."}, {"statement": "Made up.", "quote": "It is not there."}]' }
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "app.toml").write_text(APP)
    (tmp_path / "year.md").write_text("# Year\n\nField A was mown on day 3 of the year. It rained.\n")

    def command(*more):
        said = ["index", "summary", str(tmp_path / "year.md"), "--app", str(tmp_path / "app.toml")]
        store = ["--store", f"sqlite:{tmp_path}/data"]
        return CliRunner().invoke(rowen, [*said, *store, *more], standalone_mode=False, catch_exceptions=False)

    return command


def test_a_file_is_summed_up_with_the_place_of_each_statement(run):
    ended = run()

    assert "Field A was mown on day 3. [1]" in ended.output
    assert "year.md, characters 8–46: Field A was mown on day 3 of the year." in ended.output
    assert "1 statements were left out: their quotes are not in the text." in ended.output


def test_the_same_as_json(run):
    found = json.loads(run("--json").stdout)

    assert found["points"] == [{"statement": "Field A was mown on day 3.", "start": 8, "end": 46}]
    assert (found["parts"], found["unsaid"], found["written"]) == (1, 1, False)
