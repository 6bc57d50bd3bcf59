"""Citations: which source a statement of an answer names, and whether that source bears it out.

The check is by words: cheap, in process, and blind to negation. A model judge over traffic (`[[score]]`) sees more.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rowen.values import Attempt, Call, Citation, Event, Events, Finished, Passage, Said, Started
from rowen.values.words import content, sentence_spans, stem, words

Answers = Callable[[Call, Callable[[Attempt], None]], Events]

# Space is taken along from its beginning only: a long run of it must not be looked through from each of its places.
_MARK = re.compile(r"(?:(?<!\s)\s+)?(?:\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]|【\s*(\d{1,3})[^】]{0,40}】)")
_LEADING = re.compile(rf"(?:{_MARK.pattern})+")
_VERIFIED = 0.6
_MATCHED = 0.75
"""Support from which a statement without a mark is held to rest on a passage: more than for one that the model named."""
_WORDS = 3
"""Content words that a statement must have to be matched: shorter ones fit anywhere."""


class Cited(NamedTuple):
    """The citations of an answer, and the marks that name no source."""

    citations: tuple[Citation, ...]
    dangling: tuple[int, ...]


def cited_in(text: str, passages: Sequence[Passage]) -> Cited:
    """Return the citations of an answer in the order of its statements.

    A mark is `[2]`, `[1, 3]` or `【2】`, at the end of its statement or right after it.
    """
    readers = [_Words(passage) for passage in passages]
    citations: list[Citation] = []
    for start, end, numbers in _statements(text):
        said = _MARK.sub("", text[start:end])
        known = [number for number in numbers if 1 <= number <= len(readers)]
        if known:
            citations += (readers[number - 1].citation(said, number, start, end) for number in known)
        elif len(set(content(said))) >= _WORDS and readers:
            best = max(
                (reader.citation(said, number, start, end, marked=False) for number, reader in enumerate(readers, 1)),
                key=lambda each: (each.verified, each.support),
            )
            if best.verified and best.support >= _MATCHED:
                citations.append(best)
    return Cited(tuple(citations), _dangling(text, len(passages)))


def citing(answer: Answers) -> Answers:
    """Return the answer step with citations and notices put to the end of each choice, and warnings to its beginning.

    Text passes through as it comes; only what was said is remembered. A call that no search was made for is not touched.
    """

    def asked(call: Call, tell: Callable[[Attempt], None]) -> Events:
        events, noted = answer(call, tell), call.notes.get("retrieve", {})
        return _cited(events, call) if call.request.passages or "warnings" in noted else events

    return asked


async def _cited(events: Events, call: Call) -> Events:
    said: dict[int, list[str]] = {}
    try:
        async for batch in events:
            yield tuple([each for event in batch for each in _with(event, call, said)])
    finally:
        await events.aclose()


def _with(event: Event, call: Call, said: dict[int, list[str]]) -> tuple[Event, ...]:
    noted = call.notes.get("retrieve", {})
    match event:
        case Said():
            said.setdefault(event.choice, []).append(event.text)
        case Started():
            warnings = noted.get("warnings")
            if warnings:
                return (event.but(extra={**event.extra, "rowen_warnings": list(warnings)}),)
        case Finished():
            text = "".join(said.get(event.choice, ()))
            ended = event.but(citations=cited_in(text, call.request.passages).citations)
            notice = noted.get("notice", "")
            # What is read by a program, was cut off, or goes on with a tool stays as the model made it.
            form = call.request.format
            if notice and text.strip() and event.reason == "stop" and (form is None or form.kind == "text"):
                return Said(text=f"\n\n{notice}", choice=event.choice), ended
            return (ended,)
        case _:
            pass
    return (event,)


def facts_of(call: Call) -> dict[str, int | list[int]]:
    """Return what the trace tells of the citations of an answer that has ended."""
    answer = call.answer
    if answer is None or not answer.choices:
        return {}
    choice = answer.choices[0]
    notice = call.notes.get("retrieve", {}).get("notice", "")
    text = choice.message.text.removesuffix(f"\n\n{notice}") if notice else choice.message.text
    count = len(sentence_spans(text))
    cited = {(each.said_start, each.said_end) for each in choice.citations if each.verified}
    return {
        "citations": len(choice.citations),
        "verified": sum(each.verified for each in choice.citations),
        "statements": count,
        "statements_cited": len(cited),
        "dangling": list(_dangling(text, len(call.request.passages))),
    }


class _Words:
    """A passage as statements are held against it."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        whole = f"{passage.title} {' '.join(passage.path)} {passage.text}"
        self._has = {stem(word) for word in words(whole)}
        self._sentences = [passage.text[start:end] for start, end in sentence_spans(passage.text)]

    def citation(self, said: str, number: int, start: int, end: int, *, marked: bool = True) -> Citation:
        """Return the citation of this passage for a statement."""
        wanted = list(dict.fromkeys(map(stem, content(said))))
        support = sum(word in self._has for word in wanted) / len(wanted) if wanted else 0.0
        figures = all(word in self._has for word in wanted if any(sign.isdigit() for sign in word))
        passage = self.passage
        return Citation(
            number=number,
            document=passage.document,
            version=passage.version,
            source=passage.source,
            uri=passage.uri,
            title=passage.title,
            path=passage.path,
            start=passage.start,
            end=passage.end,
            text=self._best(set(wanted)),
            said_start=start,
            said_end=end,
            support=round(support, 3),
            verified=figures and support >= _VERIFIED,
            marked=marked,
            stale=passage.stale,
            query=passage.query,
        )

    def _best(self, wanted: set[str]) -> str:
        """The sentence that has most of the words, and of those the shortest."""

        def fit(sentence: str) -> tuple[int, int]:
            return len(wanted.intersection(map(stem, words(sentence)))), -len(sentence)

        return max(self._sentences, key=fit, default="")


def _statements(text: str) -> Iterator[tuple[int, int, list[int]]]:
    """Yield where each statement stands, and the numbers it names. Marks after its full stop belong to it."""
    spans = sentence_spans(text)
    for place, (start, end) in enumerate(spans):
        leading = _LEADING.match(text, start, end)
        begins = leading.end() if leading and place else start
        numbers = _numbers(text[begins:end])
        if place + 1 < len(spans):
            following = _LEADING.match(text, *spans[place + 1])
            if following:
                numbers += _numbers(following[0])
        if text[begins:end].strip():
            yield begins, end, list(dict.fromkeys(numbers))


def _dangling(text: str, sources: int) -> tuple[int, ...]:
    """The numbers that name no source."""
    return tuple(number for _, _, numbers in _statements(text) for number in numbers if not 1 <= number <= sources)


def _numbers(text: str) -> list[int]:
    return [int(number) for found in _MARK.finditer(text) for number in re.split(r"\s*[,;]\s*", found[1] or found[2])]
