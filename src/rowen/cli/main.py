"""`rowen`: the verbs, each in its own module, imported only when called."""

import importlib
import json
import sys

import click

from rowen import __version__
from rowen.values.errors import Problem

VERBS = {
    "init": "Write a new app to start from.",
    "demo": "Show everything on a real model: serve, call, cache, limit, fall back.",
    "dev": "Serve an app on this machine and reload it when it changes.",
    "serve": "Serve apps.",
    "ask": "Ask an app one question.",
    "check": "Check an app and the server's settings without starting.",
    "doctor": "Say which parts are active, and their health.",
    "watch": "Say how objectives stand, and what happened overnight.",
    "slo": "Check objectives, and hand them to other systems.",
    "incidents": "List, show and export incidents.",
    "oncall": "Say whether somebody could be woken tonight.",
    "eval": "Try an app, an endpoint or a function on cases, and say whether it is good enough.",
    "ci": "Check an app and run its suites on every change, with what a CI shows.",
    "runs": "List, show, export, stop and delete runs of evaluations.",
    "score": "Judge answers of a file or of the store by a scorer.",
    "index": "Bring what apps know up to date, and see how fresh it is.",
    "tune": "Find better settings for what an app knows, on its own questions.",
    "release": "Let a version of an app out, if its gate is open.",
    "promote": "Let what rolls out, or what is live elsewhere, answer everybody.",
    "rollback": "Undo what was let out last, all of it together.",
    "versions": "List, show, compare, label and approve versions of apps.",
    "rollouts": "List, show, start and stop rollouts: canaries, experiments, bandits, shadows.",
    "releases": "Show and verify the log of releases; freeze and thaw them.",
    "keys": "Create, list, rotate and revoke keys.",
    "traces": "List, show and export what happened.",
    "jobs": "List, show, pause and cancel work in the background.",
    "scores": "List, show, export and delete what was said of answers.",
    "review": "List queues of answers, judge the next one, export what people said.",
    "cases": "List, export and import cases; keep, split and compare data sets.",
    "prompts": "List, show, compare, render, label and test prompts.",
    "compare": "Compare runs over the same cases: metrics, slices, answers, and whether to ship.",
    "robust": "Ask cases in other ways or about other people, and say where answers break.",
    "discover": "Find the kinds of questions that a run answers worse than others.",
    "shorten": "Make prompts shorter, and take what a run shows to be no worse.",
    "smaller": "Find out whether a small classifier would do, alone or in front of a model.",
    "choices": "List, show and complete the reports on candidates for a model.",
    "canaries": "Say whether models answer fixed prompts as they did.",
    "costs": "Say what was spent, and hold it against the provider's bill.",
    "insight": "Find out why calls are slow, why answers got worse, and which errors are one error.",
    "cache": "Find the threshold of a cache by meaning.",
    "models": "Fetch, list, verify and remove model weights.",
}
_EXIT = {"mistaken": 2, "refused": 3, "unavailable": 4, "broken": 1}


class _Lazy(click.Group):
    """Knows each verb's name and help without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's shape
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"rowen.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's shape
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rowen")
def rowen() -> None:
    """Run LLM applications in production and make them better from what happens there."""


def main() -> None:
    """Run the command line; every problem becomes a sentence, a next step and an exit code."""
    try:
        code = rowen(standalone_mode=False)  # click gives the code of an `Exit` back, and does not raise it
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Problem as problem:
        _say(problem)
        sys.exit(_EXIT.get(problem.kind, 1))
    if isinstance(code, int):
        sys.exit(code)


def _say(problem: Problem) -> None:
    if "--json" in sys.argv:
        error = {
            "code": problem.code,
            "message": problem.message,
            "place": problem.place,
            "next_step": problem.next_step,
        }
        click.echo(json.dumps({"error": error | problem.details}), err=True)
        return
    place = f"{problem.place}: " if problem.place else ""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {place}{problem.message}", err=True)
    mistakes = problem.details.get("mistakes")
    for other in mistakes[1:] if isinstance(mistakes, list) else ():
        click.echo(f"       {other['place']}: {other['message']}", err=True)
    click.echo(f"  {click.style('→', fg='cyan')} {problem.next_step}", err=True)
