"""Scorer: BLEU, the overlap of word runs with references."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from rowen.score.base import Plain, Ports, Scorer, Subject, Verdict, number
from rowen.values import Settings as Table
from rowen.values.words import ngrams

WARNING = (
    "BLEU and ROUGE count shared words. They say little of whether an answer is true, useful or liked: a right answer in "
    "other words scores low, a wrong one in the same words high. Hold them against your users' feedback before you "
    "decide by them."
)

_MT = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


class Settings(Table, frozen=True, kw_only=True):
    """BLEU of one answer, 0 to 100."""


def make(_: Settings, __: Ports) -> Scorer:
    """Return a scorer of sentence BLEU, as sacreBLEU computes it (13a tokens, exponential smoothing, effective order).

    K. Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation" (ACL 2002); M. Post, "A Call for
    Clarity in Reporting BLEU Scores" (2018).
    """

    def judge(subject: Subject) -> tuple[Verdict, ...]:
        if not subject.references:
            return ()
        return (number(bleu(subject.answer, subject.references), warning=WARNING),)

    return Plain("1", judge)


def bleu(answer: str, references: Sequence[str]) -> float:
    """Return sentence BLEU, 0 to 100."""
    tokens = tokens_13a(answer)
    theirs = [tokens_13a(each) for each in references]
    if not tokens or not any(theirs):
        return 0.0
    nearest = min(theirs, key=lambda each: (abs(len(each) - len(tokens)), len(each)))
    logs: list[float] = []
    smooth = 1.0
    hit = False
    for n in range(1, 5):
        ours = ngrams(tokens, n)
        total = sum(ours.values())
        if not total:
            break
        most: Counter[tuple[str, ...]] = Counter()
        for each in theirs:
            most |= ngrams(each, n)
        correct = sum((ours & most).values())
        hit = hit or bool(correct)
        if not correct:
            smooth *= 2
        logs.append(math.log(100 * correct / total if correct else 100 / (smooth * total)))
    if not hit:
        return 0.0
    brevity = min(0.0, 1 - len(nearest) / len(tokens))
    return math.exp(brevity + sum(logs) / len(logs))


def tokens_13a(text: str) -> list[str]:
    """Return the tokens that NIST's mteval-v13a makes."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ").rstrip()
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    text = f" {text} "
    for pattern, instead in _MT:
        text = pattern.sub(instead, text)
    return text.split()
