"""What verbs share: how rows are printed, and which files and folders are meant."""

import io

from click.testing import CliRunner
from rich.console import Console

from rowen.cli.main import rowen
from rowen.cli.options import show, table_of
from rowen.values import Mistaken

ROWS = [
    {"id": "0" * 32, "when": "2026-11-26T05:48:18+00:00", "state": "answered", "nothing": None, "said": "[/b] " * 40},
    {"id": "1" * 32, "when": "2026-11-26T05:48:18+00:00", "state": "failed", "nothing": "", "said": "short"},
]


def lines(width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(table_of(ROWS, width))
    return file.getvalue().splitlines()


def test_a_row_keeps_its_id_its_moment_and_its_state_unbroken():
    assert any("0" * 32 + "  2026-11-26 05:48:18Z  answered" in line for line in lines(120))


def test_a_column_without_anything_in_it_is_left_out():
    assert "nothing" not in lines(120)[0]


def test_what_is_said_of_nothing_may_name_a_table(capsys):
    show([], as_json=False, empty="Write a table [watch.NAME].")

    assert capsys.readouterr().out == "Write a table [watch.NAME].\n"


def test_settings_that_somebody_names_must_be_there(tmp_path):
    asked = CliRunner().invoke(rowen, ["keys", "list", "--server", str(tmp_path / "prod.toml")], standalone_mode=False)

    assert isinstance(asked.exception, Mistaken)
    assert asked.exception.code == "config_missing"


def test_whoever_is_in_the_wrong_folder_is_told_that_a_new_store_is_made(tmp_path):
    place = f"sqlite:{tmp_path}/new"

    first, second = (CliRunner().invoke(rowen, ["keys", "list", "--store", place]) for _ in range(2))

    assert f"There was no store in {tmp_path}/new" in first.stderr
    assert second.stderr == ""
