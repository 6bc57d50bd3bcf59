"""`rowen prompts`, on a store in which an app was served once."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[prompt]
system = "s.md"
[prompt.variables.tone]
type = "choice"
choices = ["kind", "dry"]
default = "kind"
[prompt.named.sum]
file = "sum.md"
role = "user"
variables = { body = { type = "text" } }
"""


async def _served(store: str, app) -> None:
    server = Server(ServerSettings(store=store), [app])
    await server.open()
    await server.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "app.toml").write_text(APP)
    (tmp_path / "s.md").write_text("Be {{tone}}.\nAnswer in one line.\n")
    (tmp_path / "sum.md").write_text("Sum up: {{body}}")
    asyncio.run(_served(f"sqlite:{tmp_path}/data", tmp_path / "app.toml"))
    return tmp_path


@pytest.fixture
def run(folder):
    """Runs a verb; returns what it printed."""

    def on_store(*words: str, sent: str | None = None) -> str:
        said = ["prompts", *words, "--store", f"sqlite:{folder}/data"]
        ended = CliRunner().invoke(rowen, said, catch_exceptions=False, standalone_mode=False, input=sent)
        assert ended.exit_code == 0
        return ended.stdout

    return on_store


def test_prompts_of_an_app_are_listed_shown_and_rendered(run, folder):
    listed = json.loads(run("list", "--json"))
    shown = json.loads(run("show", "shop/system", "--json"))
    plain = run("show", "shop/system")

    assert [(each["prompt"], each["labels"]) for each in listed] == [
        ("shop/sum", "production=1, latest=1"),
        ("shop/system", "production=1, latest=1"),
    ]
    assert shown["prompt"]["prompt"] == "Be {{tone}}.\nAnswer in one line.\n"
    assert "kind, dry" in plain
    assert run("render", "shop/system", "--var", "tone=dry") == "Be dry.\nAnswer in one line.\n"
    assert "Sum up: <body-" in run("render", "sum", "--app", str(folder / "app.toml"), "--var", "body=It rains.")


def test_a_new_version_is_compared_and_labelled(run):
    (made,) = json.loads(run("add", "shop/system", "-", "--note", "Less.", "--json", sent="Be {{tone}}.\n"))

    said = run("diff", "shop/system", "1")
    (labelled,) = json.loads(run("label", "shop/system", "2", "review", "--json"))

    assert (made["version"], made["note"]) == (2, "Less.")
    assert said.splitlines() == [" Be {{tone}}.", "-Answer in one line."]
    assert "review" in labelled["labels"]
    assert json.loads(run("diff", "shop/system", "2", "2", "--json"))["lines"][0]["what"] == "same"
    assert "the same" in run("diff", "shop/system", "2", "2")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("render", "sum", "--app", "{app}"), "prompt_variable", "'body'"),
        (("render", "shop/system", "--var", "tune=x"), "prompt_variable", "did you mean 'tone'"),
        (("render", "absent", "--app", "{app}"), "prompt_unknown", "it has system, sum"),
        (("render", "shop/system", "--var", "tone"), "field_invalid", "NAME=VALUE"),
        (("show", "absent"), "not_found", "absent"),
        (("label", "shop/system", "9", "x"), "not_found", "no version 9"),
    ],
)
def test_what_cannot_be_is_told(folder, words, code, why):
    said = [each.replace("{app}", str(folder / "app.toml")) for each in words]

    with pytest.raises(Mistaken) as raised:
        CliRunner().invoke(
            rowen, ["prompts", *said, "--store", f"sqlite:{folder}/data"], catch_exceptions=False, standalone_mode=False
        )

    assert raised.value.code == code
    assert why in raised.value.message


def test_an_app_that_minds_no_phrasing_has_no_sensitivity(folder):
    pytest.importorskip("numpy")
    said = ["prompts", "test", "--app", str(folder / "app.toml"), "--store", f"sqlite:{folder}/data"]
    asked = ["--question", "When do you open?", "--question", "Where are you?", "--of", "prompt", "--at-most", "0.5"]

    ended = CliRunner().invoke(rowen, [*said, *asked, "--json"], catch_exceptions=False, standalone_mode=False)
    found = json.loads(ended.stdout)

    assert ended.return_value is None
    assert (found["sensitivity"]["value"], found["repeatability"]["value"]) == (0, 1)
    assert {each["of"] for each in found["shifts"]} == {"prompt"}
    assert {"space", "case", "polite"} <= {each["how"] for each in found["shifts"]}


def test_an_app_that_repeats_what_it_is_asked_is_surely_sensitive(folder):
    pytest.importorskip("numpy")
    questions = [f"--question=Is the {word} open today?" for word in ("barn", "mill", "farm", "shop", "field", "house")]
    said = ["prompts", "test", "--app", str(folder / "app.toml"), "--store", f"sqlite:{folder}/data", "--how", "typo"]

    ended = CliRunner().invoke(
        rowen, [*said, *questions, "--of", "question", "--at-most", "0"], catch_exceptions=False, standalone_mode=False
    )

    assert ended.return_value == 3
    assert "Sensitivity to phrasing: 1" in ended.stdout


def test_without_a_question_nothing_is_asked(folder):
    with pytest.raises(Mistaken, match="--question"):
        CliRunner().invoke(
            rowen,
            ["prompts", "test", "--app", str(folder / "app.toml"), "--store", f"sqlite:{folder}/data"],
            catch_exceptions=False,
            standalone_mode=False,
        )


def test_a_version_is_removed_and_what_is_served_stays(run):
    run("add", "shop/system", "-", "--note", "Less.", sent="Be {{tone}}.\n")

    (gone,) = json.loads(run("delete", "shop/system", "--version", "2", "--yes", "--json"))

    assert gone["version"] == 2
    with pytest.raises(Mistaken, match="is served"):
        run("delete", "shop/system", "--yes")
