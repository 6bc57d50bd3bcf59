"""Results as JUnit XML, which every CI shows: a suite for each run, a test case for each case and trial.

The elements and their order are those of the schema that Jenkins' xUnit plug-in publishes
(https://github.com/jenkinsci/xunit-plugin, `junit-10.xsd`).
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from rowen.evaluate.run.desk import RunDesk
from rowen.evaluate.run.must import Held
from rowen.evaluate.run.result import Result
from rowen.store.base import Place
from rowen.values import Outcome
from rowen.values.clock import at

_PAGE = 1000
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 4000


async def junit(desk: RunDesk, results: Sequence[Result]) -> bytes:
    """Return results as one JUnit file.

    A case that failed is an `error`. Every `must` is a test case of its own, which fails where it is not kept: a threshold
    is about all cases, and no single one is to blame for it.
    """
    root = Element("testsuites")
    for result in results:
        await _suite(root, desk, result)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


async def _suite(root: Element, desk: RunDesk, result: Result) -> None:
    run = result.run
    missed = sum(not each.passed for each in result.held)
    tried = run.answered + run.failed
    name = run.suite or run.target.name or run.app or "evaluation"
    suite = SubElement(
        root,
        "testsuite",
        {
            "name": _text(name),
            "tests": str(tried + len(result.held)),
            "failures": str(missed),
            "errors": str(run.failed),
            "timestamp": at(run.created_ns).strftime("%Y-%m-%dT%H:%M:%S"),
            "time": f"{max(0, run.ended_ns - run.created_ns) / 1e9:.3f}",
        },
    )
    properties = SubElement(suite, "properties")
    facts = {
        "run": run.id,
        "target": run.target.kind,
        "definition": run.target.definition,
        "dataset": run.dataset,
        "version": run.version,
        "cost_usd": f"{run.cost:f}",
        "state": run.state,
    }
    figures = {f"metric.{each.metric}": str(each.interval) for each in result.figures}
    for key, value in {**facts, **figures}.items():
        SubElement(properties, "property", {"name": _text(key), "value": _text(value)})
    for held in result.held:
        _bound(suite, name, held)
    after: Place | None = None
    while page := await desk.outcomes.page(run.id, tenant=run.tenant, after=after, limit=_PAGE):
        for outcome in page:
            _case(suite, name, outcome, trials=run.trials)
        after = Place(page[-1].case, page[-1].trial)


def _bound(suite: Element, name: str, held: Held) -> None:
    case = SubElement(
        suite, "testcase", {"name": _text(str(held.must)), "classname": _text(f"{name}.must"), "time": "0"}
    )
    if not held.passed:
        SubElement(case, "failure", {"message": _text(str(held)), "type": held.state})


def _case(suite: Element, name: str, outcome: Outcome, *, trials: int) -> None:
    tried = f" [trial {outcome.trial + 1}]" if trials > 1 else ""
    case = SubElement(
        suite,
        "testcase",
        {
            "name": _text(f"{outcome.case}{tried}"),
            "classname": _text(name),
            "time": f"{(outcome.duration_ms or 0.0) / 1e3:.3f}",
        },
    )
    if outcome.state == "failed":
        said = outcome.reasons.get("error", "failed")
        SubElement(case, "error", {"message": _text(said), "type": _text(said.split(":")[0])})
    scores = [f"{metric} = {value:g}" for metric, value in sorted(outcome.numbers.items())]
    scores += [f"{metric} = {label}" for metric, label in sorted(outcome.labels.items())]
    if scores:
        SubElement(case, "system-out").text = _text("\n".join(scores))


def _text(text: str) -> str:
    """Return a text that XML may hold, at a bounded length."""
    return _FORBIDDEN.sub("\ufffd", text)[:_LONGEST]
