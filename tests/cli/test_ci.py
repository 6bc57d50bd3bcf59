"""`rowen ci`: the workflow is one that GitHub takes, and a run gives what a CI shows."""

import json
import xml.etree.ElementTree as ET
from importlib import resources

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner
from junitparser import JUnitXml

from rowen.cli.ci import command
from rowen.values import Mistaken

APP = """
[app]
name = "shop"
[models.fast]
provider = "echo"
[models.theirs]
provider = "openai"
key = { env = "THEIR_KEY" }
[evaluate.smoke]
cases = "cases.jsonl"
must = { exact = ">= MUST" }
"""
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "timestamp", "skipped", "hostname", "id"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
}
"""What the schema that Jenkins publishes (junit-10.xsd) knows of what we write."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rows = [{"id": f"c{n}", "input": "hay\x07 <&>", "expected": "hay\x07 <&>"} for n in range(30)]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "app.toml").write_text(APP.replace("MUST", "0.5"))
    monkeypatch.setenv("THEIR_KEY", "sk-x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    def invoke(*words, code=0):
        found = CliRunner().invoke(command, [*words], catch_exceptions=False)
        assert found.exit_code == code, found.output
        return found.stdout

    return invoke


def test_the_workflow_is_valid_by_githubs_schema_and_names_the_apps_secrets(run, folder):
    said = run("init")

    workflow = yaml.safe_load((folder / ".github/workflows/rowen.yml").read_text())
    schemas = resources.files("check_jsonschema.builtin_schemas") / "vendor"
    schema = json.loads((schemas / "github-workflows.json").read_text())
    # "on" is true in YAML 1.1, which PyYAML reads.
    workflow = {("on" if key is True else key): value for key, value in workflow.items()}
    assert [str(error) for error in jsonschema_rs.validator_for(schema).iter_errors(workflow)] == []
    steps = workflow["jobs"]["evaluate"]["steps"]
    assert any("rowen ci run --app app.toml" in step.get("run", "") for step in steps)
    assert "THEIR_KEY" in said
    assert "${{ secrets.THEIR_KEY }}" in (folder / ".github/workflows/rowen.yml").read_text()


def test_a_workflow_that_is_there_is_not_written_over_unless_it_is_meant(run, folder):
    run("init", "--to", "mine.yml")

    with pytest.raises(Mistaken, match="is there already"):
        run("init", "--to", "mine.yml")
    run("init", "--to", "mine.yml", "--force")


@pytest.mark.parametrize(("must", "code"), [("0.5", 0), ("0.5 0", 2), ("1.1", 1)])
def test_a_run_checks_evaluates_and_ends_as_it_went(run, folder, monkeypatch, must, code):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    (folder / "app.toml").write_text(APP.replace("MUST", must))

    if code == 2:
        with pytest.raises(Mistaken, match="must"):
            run("run")
        return
    run("run", code=code)

    summary = (folder / "summary.md").read_text()
    assert ("smoke: passed" in summary) is (code == 0)
    parsed = JUnitXml.fromfile(str(folder / "junit.xml"))
    (suite,) = list(parsed)
    assert (suite.name, suite.tests, suite.failures, suite.errors) == ("smoke", 31, code, 0)
    assert len(list(suite)) == 31


def test_junit_has_no_element_or_attribute_beyond_the_schema(run, folder):
    run("run", code=0)

    for element in ET.parse(folder / "junit.xml").iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag


def test_an_app_without_suites_is_checked_and_that_is_said(run, folder):
    (folder / "app.toml").write_text(APP.partition("[evaluate")[0])

    assert "No suites" in run("run")
