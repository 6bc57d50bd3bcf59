"""`rowen rollouts`: versions that answer some, from the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.values import Problem

APP = '[app]\nname = "shop"\n[models.main]\nprovider = "echo"\noptions = {{ say = "{say}" }}\n[release]\nstrategy = "immediate"\n'


def run(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(rowen, [*words, "--store", "sqlite:data"])
    if isinstance(found.exception, Problem):
        raise found.exception
    assert found.exit_code == code, found.output + str(found.exception)
    return found.stdout


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app with version 1 live and version 2 put forward."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.toml").write_text(APP.format(say="one"))
    run("release", "--note", "first", "--force")
    (tmp_path / "app.toml").write_text(APP.format(say="two"))
    run("release", "--propose", "--note", "second")
    return tmp_path


def test_a_canary_is_started_shown_and_stopped(shop):
    begun = json.loads(run("rollouts", "start", "2@5", "--steps", "25,100", "--force", "--note", "try", "--json"))

    listed = json.loads(run("rollouts", "list", "--json"))
    shown = run("rollouts", "show", begun["id"])
    run("rollouts", "stop", begun["id"], "--note", "no need")

    assert begun["steps"] == [0.05, 0.25, 1.0]
    assert [(arm["name"], arm["share"]) for arm in begun["arms"]] == [("baseline", 0.95), ("candidate", 0.05)]
    assert [one["id"] for one in listed] == [begun["id"]]
    assert "The rule says: wait, since nobody has looked yet" in shown
    assert json.loads(run("rollouts", "list", "--json"))[0]["state"] == "stopped"


def test_an_experiment_has_arms_by_name_and_a_shadow_a_budget(shop):
    run("rollouts", "start", "short=2@25", "same=1@25", "--strategy", "experiment", "--force", "--note", "try")
    run("rollouts", "start", "2@10", "--strategy", "shadow", "--budget", "3", "--force", "--note", "try")

    shadow, experiment = json.loads(run("rollouts", "list", "--json"))

    assert [(arm["name"], arm["share"]) for arm in experiment["arms"]] == [
        ("baseline", 0.5),
        ("short", 0.25),
        ("same", 0.25),
    ]
    assert (shadow["budget"], [arm["share"] for arm in shadow["arms"]]) == (3.0, [1.0, 0.1])


@pytest.mark.parametrize(
    ("words", "said"),
    [(["2"], "is no arm"), (["a=2@5", "b=1@5"], "canary"), (["2@105"], "share"), (["9@5"], "there is no version '9'")],
)
def test_what_cannot_be_is_said(shop, words, said):
    found = CliRunner().invoke(
        rowen, ["rollouts", "start", *words, "--force", "--note", "try", "--store", "sqlite:data"]
    )

    assert found.exit_code
    assert said in found.output + str(found.exception)
