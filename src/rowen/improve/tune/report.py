"""What a run found, for people (Markdown) and for an app (a table in TOML)."""

import json
from collections.abc import Iterator
from typing import Any

from rowen.improve.tune.effects import Effect
from rowen.improve.tune.failures import CALLED, Split
from rowen.improve.tune.learn import DEPTH, Learnt
from rowen.improve.tune.lengths import Lengths
from rowen.improve.tune.prompts import Wordings
from rowen.improve.tune.run import Tuned, short
from rowen.improve.tune.space import Point
from rowen.improve.tune.threshold import Threshold
from rowen.retrieve.calibration import Calibration
from rowen.values.interval import Interval

_CALLED = {"recall": "share of the answers' characters found", "ndcg": "nDCG@10 of the documents found"}


def markdown(
    found: Tuned,
    name: str,
    *,
    about: str = "",
    adapter: Learnt | None = None,
    lost: Split | None = None,
    worded: Wordings | None = None,
    longer: Lengths | None = None,
) -> str:
    """Return the report.

    Args:
        found: by the run.
        name: of the `[retrieve.NAME]`.
        about: a paragraph to stand at its beginning.
        adapter: what came of one for the candidate.
        lost: where answers are lost, as the app is now.
        worded: how prompts compare.
        longer: how the model bears longer contexts.

    """
    lines = [*_lines(found, name, about)]
    lines += _adapter(adapter) if adapter is not None else ()
    lines += _worded(worded) if worded is not None else ()
    lines += lengthened(longer) if longer is not None else ()
    lines += _lost(lost) if lost is not None else ()
    return "\n".join(lines) + "\n"


def verdict(found: Tuned) -> str:
    """Return in a sentence whether to take the winner."""
    if found.winner == found.baseline:
        return "Keep what you have: no candidate did better on the questions to choose by."
    if found.proven:
        return "The candidate is better than what you have, beyond noise."
    if found.gain.value is not None and found.gain.high < 0:
        return "Keep what you have: on the questions held out the candidate is worse."
    return "Keep what you have: on the questions held out the difference can be noise."


def table(found: Tuned, name: str, *, adapter: str = "") -> str:
    """Return the winner as the `[retrieve.NAME]` lines that differ from a bare table, with the verdict above them.

    Args:
        found: by the run.
        name: of the table.
        adapter: the file of the query adapter that goes with it; empty for none.

    """
    point = found.winner
    lines = [
        f"# {verdict(found)}",
        f"# Held out: {said(found.gain)} against the baseline.",
        f"[retrieve.{_key(name)}]",
    ]
    lines += [f"{key} = {_written(value)}" for key, value in _keys(point, found)]
    lines += [f"adapter = {_written(adapter)}"] if adapter else []
    chunk = point.chunk()
    inner = {"kind": chunk.kind, "size": chunk.size, "overlap": chunk.overlap, "context": chunk.context}
    lines.append("chunk = { " + ", ".join(f"{key} = {_written(value)}" for key, value in inner.items()) + " }")
    return "\n".join(lines) + "\n"


def _lines(found: Tuned, name: str, about: str) -> Iterator[str]:
    yield from (f"# Tuning `[retrieve.{name}]`", "")
    if about:
        yield from (about, "")
    yield from (f"**{verdict(found)}**", "")
    yield (
        f"Measured: {_CALLED[found.measure]} within {found.characters:,} characters of passages, over {found.documents} "
        f"documents. {found.questions} questions to choose by, {found.held} held out (in {found.groups} groups that share "
        + (
            "no 20,000 characters of a document with any other; intervals are over groups, and hold for questions about these "
            "very documents)."
            if found.by_place
            else "no document with any other; intervals are over groups)."
        )
    )
    if found.made_up:
        yield ""
        yield (
            "**A model made all questions up: what is told here holds for such questions, not for those of users.**"
            if found.made_up == found.questions
            else f"Of the questions to choose by, a model made {found.made_up} up; none of those held out."
        )
    yield from ("", "## On the questions held out", "", "| | quality |", "|---|---|")
    yield f"| now: {short(found.baseline)} | {said(found.before)} |"
    yield f"| candidate: {short(found.winner)} | {said(found.after)} |"
    yield f"| difference, by pairs | {said(found.gain)} |"
    yield from ("", "## Which choice mattered", "")
    yield (
        f"Each made otherwise alone, on the {found.first} questions that all candidates were asked. Noise: p above 0.05 "
        f"after Holm, over {len(found.effects)} tests."
    )
    yield from ("", "| choice | level | difference | p | |", "|---|---|---|---|---|")
    yield from (_effect(each) for each in found.effects)
    yield from ("", "## Quality, CPU and size", "")
    yield "Of those that were asked all questions to choose by. On the front: none is at least as good in all three."
    yield from ("", "| candidate | quality | CPU ms a question | index MB | front |", "|---|---|---|---|---|")
    for row in found.rows:
        front = "yes" if row.front else ""
        yield (f"| {short(row.point)} | {said(row.quality)} | {row.cpu_s * 1e3:.1f} | {row.size / 1e6:.2f} | {front} |")
    yield from ("", "## When to say that nothing is known", "")
    if found.threshold is None:
        yield "No `answer_above` was chosen: there are too few questions."
    else:
        yield from limits(found.threshold)
    if found.threshold is not None:
        yield from ("", "## How far its confidence can be believed", "")
        yield from reliability(found.threshold.calibration)
    yield from ("", "## What was left out", "")
    yield (
        f"{found.tried} candidates were tried" + (f", for {found.spent:.4f} USD of models" if found.spent else "") + "."
    )
    if found.late:
        yield "The time or the money was spent before the last rounds: the best of what was asked is reported."
    reasons = {
        reason: [short for short, why in found.left_out.items() if why == reason] for reason in found.left_out.values()
    }
    for reason, which in reasons.items():
        yield from ("", f"{len(which)} not tried: {reason}")


def _effect(each: Effect) -> str:
    level = "(learnt)" if each.level is None else each.level if each.level != "" else "(none)"
    says = ("better" if (each.gain.value or 0) > 0 else "worse") if each.matters else "noise"
    return f"| {each.choice} | {level} | {said(each.gain)} | {each.p:.3f} | {says} |"


def limits(one: Threshold) -> Iterator[str]:
    """Return from where on to answer, and what that does, as lines of Markdown."""
    yield (
        f"Questions that nothing answers are lines without `documents`, {one.share:.0%} of those to choose by."
        if one.how == "given"
        else f"Each question was asked once more as if the documents that answer it were not there, and that was taken to be "
        f"{one.share:.0%} of what users ask (`--unanswerable`). Another document may answer it too: what is called wrong "
        "is at most as much."
    )
    yield ""
    if one.value is None:
        yield f"No threshold keeps the share of unfounded answers at {one.risk:.0%}: leave `answer_above` out."
    else:
        parts = [f"`answer_above = {one.value}` keeps unfounded answers at {one.risk:.0%} of what is answered."]
        for words, share in (
            ("Held out, of the questions that have an answer are answered", one.answered),
            ("of those without one are refused", one.refused),
            ("of the answers rest on nothing", one.wrong),
        ):
            if share is not None:
                parts.append(f"{words}: {said(share)};")
        yield " ".join(parts).rstrip(";") + "."
    yield from ("", "| answered, of all held out | resting on nothing, of these | from |", "|---|---|---|")
    for each in one.curve:
        yield f"| {each.coverage:.0%} | {each.risk:.1%} | {each.threshold:.3f} |"


def reliability(one: Calibration) -> Iterator[str]:
    """Return how a curve does on questions that it was not learnt on, as lines of Markdown."""
    asked = f"{one.questions} questions that have an answer and {one.unanswerable} that have none"
    weighed = f"held out, weighed so that {one.share:.0%} have none"
    if one.chance is None:
        yield f"What is surer is no more often right, on {asked}: leave `chance` out."
    else:
        yield (
            f"`chance = {{ slope = {one.chance.slope}, at = {one.chance.at} }}` gives how likely what was found answers. On {asked}, "
            f"{weighed}, it is off by {said(one.error)} on average (expected calibration error over {len(one.bins)} of 10 bins). A perfect "
            f"curve would be off by {one.luck:.3f} over so few, and by as much as this in {one.p:.1%} of cases."
        )
    yield from (
        "",
        f"| {'confidence' if one.chance is None else 'chance'} | said | so | questions |",
        "|---|---|---|---|",
    )
    for each in one.bins:
        so = f"{each.right.value:.0%} [{each.right.low:.0%}, {each.right.high:.0%}]"
        yield f"| {each.low:.0%} to {each.high:.0%} | {each.said:.0%} | {so} | {each.n} |"


def _adapter(learnt: Learnt) -> Iterator[str]:
    yield from ("", "## A query adapter with it", "")
    one = learnt.outcome.chosen
    if learnt.adapter is None or one is None:
        yield f"None: {learnt.reason}."
        return
    yield (
        f"Cross-validated on the questions to choose by: {said(one.seen)} nDCG@{DEPTH} more where other questions asked for the same documents, "
        f"{said(one.unseen)} where none did."
    )
    if learnt.held is not None:
        yield (
            f"On the questions held out, which are about documents that none of those asked for: {said(learnt.held)}, by pairs. "
            "What is written was then learnt from both parts."
        )


def _worded(worded: Wordings) -> Iterator[str]:
    yield from ("", "## Which prompt answers better", "")
    yield "Over what the candidate finds; the agreement of answers with the right ones by content words (F1)."
    yield from ("", "| prompt | on questions to choose by |", "|---|---|")
    yield from (f"| {each.prompt} | {said(each.quality)} |" for each in worded.rows)
    yield ""
    yield (
        f"On the questions held out: now {said(worded.before)}, {worded.winner} {said(worded.after)}, difference by pairs {said(worded.gain)}. "
        + ("It is better, beyond noise." if worded.proven else "Keep what you have: the difference can be noise.")
    )
    for name, why in worded.left_out.items():
        yield from ("", f"{name} was not tried: {why}.")


def lengthened(longer: Lengths) -> Iterator[str]:
    """Return what more passages do, as lines of Markdown."""
    yield from ("", "## How the model bears longer contexts", "")
    yield (
        f"{longer.questions} questions held out, each asked {longer.repeats} times with each number of passages of the candidate. "
        "*Distracted*: over the questions whose answer is there from the fewest passages on, how much better answers are than with "
        "those, by pairs; agreement with the right ones by content words (F1)."
    )
    worst = longer.worst
    yield ""
    yield (
        "No number of passages makes answers worse beyond noise where what answers is there."
        if worst is None
        else f"From {worst.top} passages on answers are worse beyond noise although what answers them is there."
    )
    yield from ("", "| passages | tokens | answer is there | quality | distracted | says the same again |")
    yield "|---|---|---|---|---|---|"
    for each in longer.rows:
        cells = [said(one) for one in (each.there, each.quality, each.distracted, each.repeatability)]
        yield f"| {each.top} | {each.tokens:.0f} | {' | '.join(cells)} |"


def _lost(lost: Split) -> Iterator[str]:
    yield from ("", "## Where answers are lost", "")
    yield (
        f"Of {lost.asked} questions, as the app is now, {lost.failed} were lost at a point that can be told: the first on the way from the documents "
        "to the answer. Shares are of these, with Wilson's interval."
    )
    yield from ("", "| point | | share | surest | for example |", "|---|---|---|---|---|")
    for point, share in lost.shares.items():
        some = sorted((each for each in lost.failures if each.point == point), key=lambda each: -each.confidence)
        if some:
            first = some[0]
            asked = " ".join(first.question.split())[:80].replace("|", "/")
            yield f"| {point} | {CALLED[point]} | {said(share)} | {first.confidence:.2f}, by {first.by} | {asked} |"
    never = [point for point in lost.shares if not any(each.point == point for each in lost.failures)]
    if never:
        yield from ("", f"At none of: {', '.join(never)}.")


def _keys(point: Point, found: Tuned) -> Iterator[tuple[str, Any]]:
    yield "embed", point.embed
    yield "search", point.search
    if point.weight is not None:
        yield "weight", point.weight
    yield "top", point.top
    if point.diversity:
        yield "diversity", point.diversity
    if point.rerank:
        yield "rerank", point.rerank
    if point.rewrite == "model":
        yield "rewrite", point.rewrite
    if found.threshold is not None and found.threshold.value is not None:
        yield "answer_above", found.threshold.value
    if found.threshold is not None and (chance := found.threshold.calibration.chance) is not None:
        yield "chance", {"slope": chance.slope, "at": chance.at}


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_written(each)}" for key, each in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def said(each: Interval) -> str:
    """Return an estimate with its interval, for people."""
    if each.value is None:
        return "unknown"
    return f"{each.value:.3f} [{each.low:.3f}, {each.high:.3f}] (n = {each.n})"
