import json
from pathlib import Path

from click.testing import CliRunner

from rowen.cli.main import rowen

BOOK = Path(__file__).parents[2] / "examples/objectives/tables.toml"


def run(*words: str):
    return CliRunner().invoke(rowen, list(words))


def test_lint_prints_every_finding_and_fails_on_errors():
    done = run("slo", "lint", str(BOOK), "--json")

    found = json.loads(done.stdout)
    assert done.exit_code == 2
    assert len(found) == 46
    assert any(each["where"] == "sla.recovery" and each["rule"] == "sla-stricter" for each in found)


def test_a_sound_app_passes_whatever_else_is_in_it(tmp_path):
    file = tmp_path / "app.toml"
    file.write_text(
        '[models.main]\nprovider = "echo"\n[watch.a]\nsli = "availability"\ntarget = 0.99\ngoal = "reliability"\n'
    )

    done = run("slo", "lint", str(file))

    assert (done.exit_code, "nothing is wrong" in done.stdout) == (0, True)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    done = run("slo", "lint", str(tmp_path / "no.toml"))

    assert done.exception.code == "config_missing"
