"""`rowen ci`: check an app and run its suites on every change, with what a CI shows."""

import os
from pathlib import Path

import click

from rowen.cli import check
from rowen.cli import eval as evaluation
from rowen.cli.options import app_option, out
from rowen.config import read
from rowen.serve.tables import TABLES
from rowen.values import Mistaken

WORKFLOW = """\
name: rowen
on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

concurrency:
  group: rowen-${{ github.ref }}
  cancel-in-progress: true

jobs:
  evaluate:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - name: Install
        run: python -m pip install "rowen[eval]" pip-audit
      - name: Look for known vulnerabilities
        run: pip-audit
      - name: Run the tests of the project
        if: hashFiles('tests/**/*.py') != ''
        run: |
          python -m pip install pytest
          python -m pytest tests
      # What earlier runs were answered is not asked and paid for again.
      - uses: actions/cache@v4
        with:
          path: .rowen
          key: rowen-${{ github.run_id }}
          restore-keys: rowen-
      - name: Check and evaluate the app
        run: rowen ci run --app APP --junit junit.xml
        env:
SECRETS
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: junit
          path: junit.xml
"""

_NO_SECRETS = "          ROWEN_STORE: sqlite:.rowen"


@click.group("ci")
def command() -> None:
    """Check an app and run its suites on every change."""


@command.command("init")
@app_option
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".github/workflows/rowen.yml"),
    show_default=True,
    help="Where to write it.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
def init(path: Path, to: Path, force: bool) -> None:
    """Write a GitHub workflow that checks the app, runs its tests and its suites, and shows the result."""
    loaded = read(path, TABLES, secrets=False)
    if to.exists() and not force:
        raise Mistaken("conflict", f"{to} is there already; --force writes over it", place=str(to))
    names = sorted(_secrets(loaded.definition.source))
    lines = [_NO_SECRETS, *(f"          {name}: ${{{{ secrets.{name} }}}}" for name in names)]
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(WORKFLOW.replace("APP", str(path)).replace("SECRETS", "\n".join(lines)), encoding="utf-8")
    out.print(f"Wrote {to}.")
    if names:
        out.print(f"Set these secrets of the repository: {', '.join(names)}.")
    if not loaded.tables["evaluate"]:
        out.print("The app has no [evaluate.NAME] table yet, so only its settings are checked.")


@command.command("run")
@app_option
@click.option("--store", help="Where records live, such as sqlite:.rowen")
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("junit.xml"),
    show_default=True,
    help="Where the cases are written as JUnit XML.",
)
@click.option(
    "--markdown",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the summary is written; default: GitHub's step summary, where there is one.",
)
@click.option("--budget", help="US dollars that each suite may cost, whatever it says itself.")
def run(path: Path, store: str | None, junit: Path, markdown: Path | None, budget: str | None) -> None:
    """Check the app, then run all its suites. Ends as `rowen check` and `rowen eval` do."""
    check.command.main([str(path)], standalone_mode=False)
    if not read(path, TABLES).tables["evaluate"]:
        out.print("No suites: the app has no [evaluate.NAME] table.")
        return
    summary = markdown or (Path(found) if (found := os.environ.get("GITHUB_STEP_SUMMARY")) else None)
    words = ["--app", str(path), "--junit", str(junit)]
    for name, value in (("--store", store), ("--markdown", summary), ("--budget", budget)):
        words += [name, str(value)] if value else []
    evaluation.command.main(words, standalone_mode=False)


def _secrets(value: object) -> set[str]:
    """The names of the variables that hold secrets, wherever `{ env = "NAME" }` stands."""
    if isinstance(value, dict):
        if set(value) == {"env"} and isinstance(value["env"], str):
            return {value["env"]}
        return set().union(*map(_secrets, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_secrets, value)) if value else set()
    return set()
