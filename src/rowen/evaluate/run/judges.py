"""Who judges the answers of a run: scorers under names, and an answered case as what they judge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import msgspec

from rowen.config import TextFile
from rowen.evaluate.dataset import asked
from rowen.evaluate.run.aim import Reply, hashed
from rowen.score import catalog
from rowen.score.base import Ports, Scorer, Subject, Verdict
from rowen.score.rule import ScoreTable
from rowen.score.subject import mapped
from rowen.values import Case, Mistaken, Settings, Usage, Value

_PAYING = frozenset({"judge"})


class ScorerTable(Settings, frozen=True, kw_only=True):
    """A scorer of one suite."""

    kind: str
    """A scorer: `judge`, `grounded`, `exact`, `match`, …"""
    name: str = ""
    """The name of the metric; default: the kind."""
    options: dict[str, Any] = {}
    """The scorer's own settings; see the how-to on judges."""
    prompt: TextFile | None = None
    """The file with a judge's prompt."""
    model: str = ""
    """The model of the app that judges or embeds; default for a judge: the app's own."""
    variables: dict[str, str] = {}
    """What the scorer gets, by paths into the case: `reference = "$.metadata.answer"`."""


class Wanted(Value, frozen=True, kw_only=True):
    """A scorer as it was asked for, to be made again."""

    kind: str
    name: str
    options: dict[str, Any] = {}
    model: str = ""
    variables: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A scorer under the name of its metric."""

    name: str
    version: str
    """Changes whenever the same answer might be judged otherwise."""
    within: Callable[[str], Scorer]
    """Gives the scorer whose calls are within a trace."""
    variables: Mapping[str, str]
    pays: bool
    """Whether it asks a model, so that an answer should be kept before it is judged."""

    async def __call__(self, case: Case, reply: Reply, trace: str = "") -> tuple[Verdict, ...]:
        """Return what it says of an answer; what it asks of models is within a trace, and is erased with that.

        Raises:
            Problem: it could not judge.

        """
        return await self.within(trace)(_subject(case, reply, self.variables))

    def metric(self, verdict: Verdict) -> str:
        """Return the metric that a verdict is of."""
        return f"{self.name}.{verdict.part}" if verdict.part else self.name


def wanted_of(table: ScorerTable | ScoreTable) -> Wanted:
    """Return a scorer as a table asks for it."""
    options = dict(table.options)
    if table.prompt is not None:
        options["prompt"] = table.prompt.text
    return Wanted(
        kind=table.kind,
        name=table.name or table.kind,
        options=options,
        model=table.model,
        variables=table.variables,
    )


def wanted(
    own: Sequence[ScorerTable], app: Sequence[ScoreTable], names: Sequence[str], needed: Sequence[str]
) -> list[Wanted]:
    """Return the scorers of a suite.

    Args:
        own: the suite's own.
        app: what the app judges its traffic by; those that judge single answers are taken.
        names: which of both, or kinds of scorer with their default settings; empty takes all of them.
        needed: metrics that are asked for elsewhere; a kind of that name is added where nobody gives it.

    Raises:
        Mistaken: `config_invalid` for a name that is none.

    """
    known = {each.name: each for each in map(wanted_of, [table for table in app if table.target == "trace"])}
    known |= {each.name: each for each in map(wanted_of, own)}
    kinds = catalog.kinds()
    found: dict[str, Wanted] = {} if names else dict(known)
    for name in names:
        if name not in known and name not in kinds:
            near = get_close_matches(name, [*known, *kinds], n=1)
            hint = f' — did you mean "{near[0]}"?' if near else f" — there are {', '.join([*known, *kinds])}"
            raise Mistaken("config_invalid", f'there is no scorer "{name}"{hint}', place="scorers")
        found[name] = known.get(name) or Wanted(kind=name, name=name)
    for metric in needed:
        name = metric.split(".")[0]
        if name not in found and (name in known or name in kinds):
            found[name] = known.get(name) or Wanted(kind=name, name=name)
    return list(found.values())


def judges(wanted: Sequence[Wanted], ports: Callable[[Wanted, str], Ports]) -> list[Judge]:
    """Return scorers ready to judge.

    Args:
        wanted: which.
        ports: gives what each needs, its calls within a trace.

    Raises:
        Mistaken: `config_*` or `extra_missing`.

    """
    found: list[Judge] = []
    for each in wanted:
        options = {**each.options, "model": each.model} if each.kind in _PAYING and each.model else each.options
        scorer = catalog.make(each.kind, options, ports(each, ""))
        pays = each.kind in _PAYING or bool(each.model)
        found.append(
            Judge(
                name=each.name,
                version=hashed(each.kind, scorer.version, each.options, each.model, each.variables)[:16],
                within=partial(_made, each, options, ports) if pays else partial(_same, scorer),
                variables=each.variables,
                pays=pays,
            )
        )
    return found


def _made(wanted: Wanted, options: dict[str, Any], ports: Callable[[Wanted, str], Ports], trace: str) -> Scorer:
    return catalog.make(wanted.kind, options, ports(wanted, trace))


def _same(scorer: Scorer, _: str) -> Scorer:
    return scorer


def _subject(case: Case, reply: Reply, variables: Mapping[str, str]) -> Subject:
    expected = case.expected
    listed = expected if isinstance(expected, list) else [] if expected is None else [expected]
    subject = Subject(
        question=asked(case.input),
        answer=reply.text,
        references=tuple(map(_text, listed)),
        contexts=reply.contexts or tuple(map(_text, _contexts(case))),
        messages=reply.messages,
        usage=Usage(input_tokens=reply.input_tokens, output_tokens=reply.output_tokens),
        duration_ms=reply.duration_ms,
        variables={**_variables(case), "metadata": case.metadata, "cost": reply.cost},
    )
    if not variables:
        return subject
    document = {**msgspec.to_builtins(case), "question": subject.question, "answer": reply.text, "spans": []}
    return mapped(subject, variables, document)


def _variables(case: Case) -> dict[str, Any]:
    """What a judge's prompt may name: the variables of a promptfoo test, and what the metadata says in words."""
    given = case.metadata.get("vars")
    plain = {name: value for name, value in case.metadata.items() if isinstance(value, str | int | float | bool)}
    return {**plain, **(given if isinstance(given, dict) else {})}


def _contexts(case: Case) -> list[Any]:
    for name in ("contexts", "context", "retrieved_contexts"):
        if (found := case.metadata.get(name)) is not None:
            return found if isinstance(found, list) else [found]
    return []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
