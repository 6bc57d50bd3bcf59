"""`rowen check`: what is not there yet is told with what to do about it, and mistakes in words that an `app.toml` has."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.absent import absent
from rowen.cli.check import command
from rowen.config import read
from rowen.provider.weights import Folder
from rowen.serve.tables import TABLES
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[models.small]
provider = "local"
model = "smollm2"
[retrieve.handbook]
source = "docs/**/*.{md,txt}"
embed = "minilm"
[evaluate.smoke]
cases = "cases/smoke.jsonl"
"""


def checked(app: Path) -> list[str]:
    found = CliRunner().invoke(command, [str(app), "--json"], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    warnings: list[str] = json.loads(found.stdout)[0]["warnings"]
    return warnings


def test_weights_that_are_not_on_the_machine_are_told_with_the_command_that_fetches_them(tmp_path):
    (tmp_path / "app.toml").write_text(APP)
    nothing = Folder(tmp_path / "models", installed=lambda _: None)

    told = absent(read(tmp_path / "app.toml", TABLES), nothing)

    assert told[:2] == [
        "[models.small] the weights of smollm2 are not on this machine; run `rowen models add smollm2`",
        "[retrieve.handbook] the weights of minilm are not on this machine; run `rowen models add minilm`",
    ]


def test_what_an_app_names_and_is_not_there_is_told_with_what_to_do(tmp_path):
    (tmp_path / "app.toml").write_text(APP)

    told = checked(tmp_path / "app.toml")

    assert (
        "[retrieve.handbook] no file is found at docs/**/*.{md,txt}; put documents there, or correct `source`" in told
    )
    assert "[evaluate.smoke] cases/smoke.jsonl is not there; write cases into it, or name others in `cases`" in told


def test_what_is_there_is_not_told(tmp_path):
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "deep" / "leave.txt").write_text("28 days.")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "smoke.jsonl").write_text("{}")
    (tmp_path / "app.toml").write_text(APP.replace('embed = "minilm"', 'embed = ""'))

    assert [each for each in checked(tmp_path / "app.toml") if "weights" not in each] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("limits = { budget = 5 }", "expected a text or a table or a list, got a whole number"),
        ('limits = { answer_tokens = "many" }', "expected a whole number, got a text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_plain_words(tmp_path, line: str, said: str):
    (tmp_path / "app.toml").write_text(f'{line}\n[app]\nname = "shop"\n[models.main]\nprovider = "echo"\n')

    with pytest.raises(Mistaken) as mistake:
        checked(tmp_path / "app.toml")

    assert said in mistake.value.message
