"""`rowen init`."""

import tomllib

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.values import Mistaken


def init(folder: str):
    return CliRunner().invoke(rowen, ["init", folder], standalone_mode=False)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_next_command_can_be_typed_as_it_is_told(here):
    assert "Next: cd 'my shop' && rowen dev" in init("my shop").output


def test_an_app_in_the_folder_where_one_stands_needs_no_cd(here):
    assert init(".").output == "Wrote app.toml. Next: rowen dev\n"


@pytest.mark.parametrize("name", ['say "hay"', "back\\slash", "plain"])
def test_an_app_is_named_after_its_folder_whatever_that_is_called(here, name: str):
    init(name)

    assert tomllib.loads((here / name / "app.toml").read_text())["app"]["name"] == name


@pytest.mark.parametrize("file", ["app.toml", "prompts/system.md"])
def test_nothing_that_is_there_is_written_over(here, file: str):
    (here / file).parent.mkdir(exist_ok=True)
    (here / file).write_text("mine")

    refused = init(".")

    assert isinstance(refused.exception, Mistaken)
    assert refused.exception.next_step == "Edit it, or name another folder."
    assert (here / file).read_text() == "mine"
    assert [each.name for each in here.rglob("*") if each.is_file()] == [file.rpartition("/")[2]]
