"""`rowen`: the verbs, each in its own module, imported only when called."""

import gc
import importlib
import json
import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches

import click

from rowen import __version__
from rowen.values.errors import Mistaken, Problem, Unavailable

GROUPS: Mapping[str, Mapping[str, str]] = {
    "Begin": {
        "init": "Write a new app to start from.",
        "demo": "Show everything on a real model: serve, call, cache, limit, fall back.",
        "dev": "Serve an app on this machine and reload it when it changes.",
        "serve": "Serve apps.",
        "ask": "Ask an app one question.",
        "check": "Check an app and the server's settings without starting.",
        "doctor": "Say which parts are active, and their health.",
        "keys": "Create, list, rotate and revoke keys.",
        "models": "Fetch, list, verify and delete model weights.",
    },
    "See what happens": {
        "traces": "List, show and export what happened.",
        "scores": "List, show, export and delete what was said of answers.",
        "costs": "Say what was spent, and hold it against the provider's bill.",
        "insight": "Find out why calls are slow, why answers got worse, and which errors are one error.",
        "jobs": "List, show, pause and cancel work in the background.",
    },
    "Judge and evaluate": {
        "score": "Judge answers of a file or of the store by a scorer.",
        "review": "List queues of answers, judge the next one, export what people said.",
        "cases": "List, export and import cases; keep, split and compare data sets.",
        "eval": "Try an app, an endpoint or a function on cases, and say whether it is good enough.",
        "ci": "Check an app and run its suites on every change, with what a CI shows.",
        "runs": "List, show, export, stop and delete runs of evaluations.",
        "compare": "Compare runs over the same cases: metrics, slices, answers, and whether to ship.",
        "robust": "Ask cases in other ways or about other people, and say where answers break.",
        "discover": "Find the kinds of questions that a run answers worse than others.",
        "choices": "List, show and complete the reports on candidates for a model.",
    },
    "Make it better": {
        "prompts": "List, show, compare, render, label and test prompts.",
        "index": "Bring what apps know up to date, and see how fresh it is.",
        "tune": "Find better settings for what an app knows, on its own questions.",
        "shorten": "Make prompts shorter, and take what a run shows to be no worse.",
        "smaller": "Find out whether a small classifier would do, alone or in front of a model.",
        "cache": "Find the threshold of a cache by meaning.",
    },
    "Let it out": {
        "release": "Let a version of an app out, if its gate is open.",
        "promote": "Let what rolls out, or what is live elsewhere, answer everybody.",
        "rollback": "Undo what was let out last, all of it together.",
        "versions": "List, show, compare, label and approve versions of apps.",
        "rollouts": "List, show, start and stop rollouts: canaries, experiments, bandits, shadows.",
        "releases": "Show and verify the log of releases; freeze and thaw them.",
    },
    "Keep watch": {
        "watch": "Say how objectives stand, and what happened overnight.",
        "slo": "Check objectives, and hand them to other systems.",
        "incidents": "List, show and export incidents.",
        "oncall": "Say whether somebody could be woken tonight.",
        "canaries": "Say whether models answer fixed prompts as they did.",
    },
}
"""The verbs as the help shows them: what each is for, and beside which others it stands."""

VERBS: Mapping[str, str] = {verb: said for group in GROUPS.values() for verb, said in group.items()}
_EPILOG = """
Begin with `rowen init FOLDER`, or see it all with `rowen demo`. Each command has its own --help.
Ends with 0 when all is well, 1 when a check does not hold or Rowen broke, 2 when asked wrongly, 3 when refused,
4 when something that is needed is not there. With --json an error is JSON too, on standard error.
"""
_EXIT = {"mistaken": 2, "refused": 3, "unavailable": 4, "broken": 1}


class _Lazy(click.Group):
    """Knows each verb's name and help without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's shape
        if cmd_name not in VERBS:
            return None
        place = f"rowen.cli.{cmd_name}"
        if place not in sys.modules:
            # What is imported stays, so that to look for rubbish in it again and again is a quarter of a short command for nothing.
            gc.disable()
            importlib.import_module(place)
            gc.freeze()
            gc.enable()
        command = sys.modules[place].command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's shape
        widest = max(map(len, VERBS))
        for name, verbs in GROUPS.items():
            with formatter.section(name):
                formatter.write_dl([(verb.ljust(widest), said) for verb, said in verbs.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's shape
        formatter.write(_EPILOG)


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rowen")
def rowen() -> None:
    """Run LLM applications in production and make them better from what happens there."""


def main() -> None:
    """Run the command line; every problem becomes a sentence, a next step and an exit code."""
    try:
        code = rowen(standalone_mode=False)  # click gives the code of an `Exit` back, and does not raise it
        sys.stdout.flush()  # what is left to say is said here, where a reader that is gone is no error
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        if "--json" in sys.argv:
            _say(Mistaken("field_invalid", error.format_message(), place="command line"))
        else:
            error.show()
        sys.exit(error.exit_code)
    except Problem as problem:
        _say(problem)
        sys.exit(_EXIT.get(problem.kind, 1))
    except BrokenPipeError:
        # Whoever reads what is printed, such as `head`, has read enough; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        place = str(error.filename or "")
        _say(Unavailable("file_unusable", error.strerror or str(error), place=place))
        sys.exit(_EXIT["unavailable"])
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
    place = f"{problem.place}: " if problem.place and not problem.message.startswith(problem.place) else ""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {place}{problem.message}", err=True)
    mistakes = problem.details.get("mistakes")
    for other in mistakes[1:] if isinstance(mistakes, list) else ():
        click.echo(f"       {other['place']}: {other['message']}", err=True)
    click.echo(f"  {click.style('→', fg='cyan')} {problem.next_step}", err=True)
