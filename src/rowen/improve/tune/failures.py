"""Where an answer was lost: the seven failure points of answering from documents, decided by rule and, where rules cannot, by a judge.

S. Barnett et al., "Seven Failure Points When Engineering a Retrieval Augmented Generation System" (CAIN 2024,
https://arxiv.org/abs/2401.05856). The points are asked about in the order in which an answer comes to be, and the first that
fits is told: what was never found cannot have been read badly. The first three are facts where it is known which documents
answer; the last four are about words, so a rule says them with less confidence and a judge, where there is one, decides.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import msgspec

from rowen.retrieve.metrics import Extent
from rowen.score.base import AskModel, Ports, Subject
from rowen.score.judge import Judge
from rowen.score.judge import Settings as Judging
from rowen.score.refusal import Settings as Refusing
from rowen.score.refusal import make as refusing
from rowen.values import Passage, Value
from rowen.values.interval import Interval, wilson
from rowen.values.words import content, sentences, stem

FailurePoint = Literal[
    "missing_content",
    "missed_in_ranking",
    "not_in_context",
    "not_extracted",
    "wrong_format",
    "specificity",
    "incomplete",
]
Form = Literal["", "json", "list", "table", "number"]
POINTS: tuple[FailurePoint, ...] = get_args(FailurePoint)
CALLED: Mapping[FailurePoint, str] = {
    "missing_content": "nothing in the documents answers it",
    "missed_in_ranking": "the document is there and was not among what was found",
    "not_in_context": "it was found and did not get into the prompt",
    "not_extracted": "it was in the prompt and the answer does not have it",
    "wrong_format": "the answer has not the form that was asked for",
    "specificity": "the answer is too vague or too particular",
    "incomplete": "the answer has a part of it",
}
_ENOUGH = 0.75
"""The share of a reference's words from which on an answer says it."""
_LITTLE = 0.35
"""Below this share it does not say it at all."""
_SURE = 0.75  # from where on no judge is asked
_LONG = 6.0  # times as long as the reference
_EXACT = re.compile(r"\b(?:\d[\d.,:/-]*|[A-Z]{2,}\w*)\b")

_ASKED = """A question was answered from documents, and the answer failed. Say how.

<question>{{question}}</question>
<passages>{{contexts}}</passages>
<right_answer>{{reference}}</right_answer>
<answer>{{answer}}</answer>

Labels: not_extracted: the passages hold the right answer and the answer does not say it, or says something else.
wrong_format: it says what is right, but not in the form that the question asks for (a list, a table, JSON, one word).
specificity: it says what is right too vaguely, or so much beside it that it does not serve the question.
incomplete: it says a part of what is right and leaves out another that the passages hold.
fine: it says what the right answer says."""


class Asked(NamedTuple):
    """A question, and what became of it on its way to an answer."""

    question: str
    answer: str | None = None
    """None: nobody asked a model."""
    reference: str = ""
    """What would have been right; empty: not known."""
    documents: tuple[str, ...] | None = None
    """Ids of those that answer it, none where nothing does; None: not known."""
    spans: tuple[Extent, ...] = ()
    """Where in them; none: anywhere."""
    found: tuple[Passage, ...] = ()
    """By the search, the best first."""
    given: tuple[Passage, ...] = ()
    """That stood in the prompt."""
    form: Form = ""
    """That was asked for."""
    refused: bool = False
    """Whether the app itself said that it does not know."""


class Failure(Value, frozen=True, kw_only=True):
    """Where an answer was lost."""

    point: FailurePoint
    confidence: float
    """0 to 1: of the rule, of the judge, or of both where they agree."""
    by: Literal["rule", "judge", "both"]
    reason: str
    question: str = ""


class Split(Value, frozen=True, kw_only=True):
    """How often each point is where an answer was lost."""

    asked: int
    failed: int
    undecided: int
    """That failed, or may have, where nothing can say."""
    shares: dict[FailurePoint, Interval]
    """Of the failures that were decided."""
    failures: tuple[Failure, ...]


async def split(asked: Sequence[Asked], ask: AskModel | None = None, *, bad: bool = False) -> Split:
    """Return how failures divide over the seven points.

    Args:
        asked: the questions.
        ask: asks the model that judges; None: rules alone decide.
        bad: whether all of them are known to have failed, as those that users complained about.

    Raises:
        Problem: of the judge.

    """
    judge = None
    if ask is not None:
        labels = dict.fromkeys((*POINTS[3:], "fine"), 0.0)
        judge = Judge(Judging(prompt=_ASKED, labels=labels), ask)
    failures, undecided = [], 0
    for each in asked:
        failure = await decided(each, judge, bad=bad)
        if failure is not None:
            failures.append(failure.but(question=each.question))
        elif bad or _unsure(each):
            undecided += 1
    counts = {point: sum(each.point == point for each in failures) for point in POINTS}
    return Split(
        asked=len(asked),
        failed=len(failures) + (undecided if bad else 0),
        undecided=undecided,
        shares={point: wilson(count, len(failures)) for point, count in counts.items()},
        failures=tuple(failures),
    )


async def decided(asked: Asked, judge: Judge | None = None, *, bad: bool = False) -> Failure | None:
    """Return where one answer was lost; None where it was not, or where nothing can say."""
    early = _before_the_model(asked)
    if asked.documents == () and await _refuses(asked.answer or ""):
        return None  # that it says so is right
    if early is not None or asked.answer is None or asked.documents == ():
        return early
    late = await _by_words(asked, bad=bad)
    if judge is None or not asked.given or not asked.reference or (late is not None and late.confidence >= _SURE):
        return late
    verdicts = await judge(
        Subject(
            question=asked.question,
            answer=asked.answer,
            references=(asked.reference,),
            contexts=tuple(each.text for each in asked.given),
        )
    )
    if not verdicts or verdicts[0].value not in {*POINTS[3:], "fine"}:
        return late
    told = verdicts[0]
    sure = told.confidence if told.confidence is not None else 0.7
    if told.value == "fine":
        return None if late is None or sure > late.confidence else late
    said = msgspec.convert(told.value, FailurePoint)
    if late is not None and late.point == said:
        return late.but(confidence=1 - (1 - late.confidence) * (1 - sure), by="both")
    if late is not None and late.confidence > sure:
        return late
    return Failure(point=said, confidence=sure, by="judge", reason=told.reason)


def _before_the_model(asked: Asked) -> Failure | None:
    """Return the point where it was lost before a model was asked, if it was: facts where the documents are known."""
    if asked.documents is None:
        return _before_by_words(asked)
    if not asked.documents:
        if asked.refused or asked.answer is None:
            return None
        return _rule("missing_content", 1.0, "no document answers it, and it was answered all the same")
    if not any(holds(each, asked) for each in asked.found):
        where = ", ".join(dict.fromkeys(each.uri for each in asked.found)) or "nothing"
        return _rule("missed_in_ranking", 1.0, f"found instead: {where[:200]}")
    if not any(holds(each, asked) for each in asked.given):
        place = next(at for at, each in enumerate(asked.found, 1) if holds(each, asked))
        return _rule("not_in_context", 1.0, f"it was found in place {place} and left out of the prompt")
    return None


def _before_by_words(asked: Asked) -> Failure | None:
    """Return the same where it is not known which documents answer: by whether passages have the words of what is right."""
    if not asked.reference:
        return None
    in_prompt, found = (
        max((share(asked.reference, each.text) for each in some), default=0.0) for some in (asked.given, asked.found)
    )
    if in_prompt >= _ENOUGH:
        return None
    if found >= _ENOUGH:
        return _rule("not_in_context", 0.6, f"a passage has {found:.0%} of its words and was left out of the prompt")
    # Whether it is nowhere or was only not found, words that were not found cannot say.
    if found < _LITTLE:
        return _rule("missing_content", 0.4, f"no passage that was found has more than {found:.0%} of its words")
    return None


async def _by_words(asked: Asked, *, bad: bool) -> Failure | None:
    answer = asked.answer or ""
    if asked.form and not _formed(answer, asked.form):
        return _rule("wrong_format", 0.95, f"asked for: {asked.form}")
    if asked.refused or await _refuses(answer):
        return _rule("not_extracted", 0.9, "it says that it does not know") if asked.given else None
    if not asked.reference:
        return None
    has = share(asked.reference, answer)
    parts = [share(each, answer) for each in sentences(asked.reference) if content(each)]
    if has < _LITTLE:
        return _rule("not_extracted", 0.7, f"it has {has:.0%} of the words of what is right")
    if len(parts) > 1 and max(parts) >= _ENOUGH and min(parts) < _LITTLE:
        return _rule(
            "incomplete", 0.8, f"{sum(part >= _ENOUGH for part in parts)} of {len(parts)} statements are there"
        )
    lost = [each for each in _EXACT.findall(asked.reference) if each not in answer]
    if has < _ENOUGH:
        if lost:
            return _rule("specificity", 0.6, f"it does not say {', '.join(lost)[:100]}")
        return _rule("incomplete", 0.5, f"it has {has:.0%} of the words of what is right")
    if lost:
        return _rule("specificity", 0.55, f"it does not say {', '.join(lost)[:100]}")
    if bad and len(content(answer)) > _LONG * max(5, len(content(asked.reference))):
        return _rule("specificity", 0.5, "it says much more than was asked")
    return None


def share(reference: str, text: str) -> float:
    """Return the share of a reference's content words, by their stems, that a text has; 0 for a reference without any."""
    wanted = set(map(stem, content(reference)))
    return len(wanted & set(map(stem, content(text)))) / len(wanted) if wanted else 0.0


def holds(passage: Passage, asked: Asked) -> bool:
    """Whether a passage is, or is of, what answers a question."""
    spans = [each for each in asked.spans if each.document == passage.document]
    if asked.spans:
        return any(each.start < passage.end and passage.start < each.end for each in spans)
    return passage.document in (asked.documents or ())


def _formed(answer: str, form: Form) -> bool:
    text = answer.strip()
    match form:
        case "json":
            text = text.removeprefix("```json").removeprefix("```").removesuffix("```")
            try:
                msgspec.json.decode(text)
            except msgspec.DecodeError:
                return False
            return True
        case "list":
            return len(re.findall(r"^\s*(?:[-*•]|\d+[.)])\s+\S", text, re.MULTILINE)) >= 1
        case "table":
            return len(re.findall(r"^\s*\|.*\|\s*$", text, re.MULTILINE)) >= 2
        case _:
            return re.search(r"\d", text) is not None


def form_of(question: str) -> Form:
    """Return the form that a question asks for in so many words; empty for none."""
    forms: tuple[tuple[Form, str], ...] = (
        ("json", r"\b(?:as|in) json\b"),
        ("table", r"\b(?:as|in) an? (?:markdown )?table\b"),
        ("list", r"\b(?:as|in) an? (?:bulleted |numbered |bullet )?list\b|\bin bullet points\b"),
        ("number", r"\b(?:only|just) (?:the|a|with a) number\b"),
    )
    for form, said in forms:
        if re.search(said, question, re.IGNORECASE):
            return form
    return ""


async def _refuses(answer: str) -> bool:
    (verdict,) = await refusing(Refusing(), Ports())(Subject(answer=answer))
    return bool(verdict.value)


def _unsure(asked: Asked) -> bool:
    return asked.documents is None and not asked.reference


def _rule(point: FailurePoint, confidence: float, reason: str) -> Failure:
    return Failure(point=point, confidence=confidence, by="rule", reason=reason)
