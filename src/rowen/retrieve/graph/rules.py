"""Relations by rule, from English sentences: who is whose mother, what is where, who founded what.

Only what a sentence says of two names is taken, as "Ada's mother is Lia", "Lia, the mother of Ada", "Ada was born in Orvo",
"Her mother is Lia" after a sentence about Ada; and lines such as `Mother: Lia` under a title. A sentence that says it in
another way is passed over: nothing is guessed. Other languages need a model.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from rowen.retrieve.graph.kinds import KINDS, sense_of
from rowen.values import Document, Relation
from rowen.values.words import STOP, sentence_spans

MOST = 400
"""Relations of one document at most: the first are kept."""
_LONGEST = 400  # characters of a sentence that is looked at
_OTHERS = 8  # names of a list that are taken

_WORD = r"(?:[A-Z]\.|(?:Dr|Mrs?|Ms|St|Prof)\.|[A-ZÀ-ÖØ-Þ][\w&-]*(?:['’](?!s\b)\w+)*)"
_LINK = r"(?:of the|of|de la|de|da|del|der|den|di|du|van der|van|von|le|la|the|&)"
_NAME = rf"{_WORD}(?:[ \n](?:{_LINK}[ \n])?{_WORD}){{0,5}}"
_ROLE = r"[a-z]+(?:[ -](?!is\b|was\b|are\b|were\b)[a-z]+){0,3}?"
_BE = r"(?:is|was|are|were|remains|became)(?: (?:called|named|also|now|still))?"
_ONCE = r"(?: (?:also|later|then|first|originally|both))?"

_OWNED = re.compile(rf"(?P<x>{_NAME})['’]s? (?P<r>{_ROLE})(?:,? {_BE} (?:the |an? )?|, | ?: ?| )(?P<y>{_NAME})")
_OF = re.compile(rf"\b[Tt]he (?P<r>{_ROLE}) (?:of|at|for) (?:the )?(?P<x>{_NAME})(?: {_BE} (?:the )?|, )(?P<y>{_NAME})")
_IS_OF = re.compile(
    rf"(?P<y>{_NAME})(?:,| {_BE}| serves as| served as) (?:the |an? )?(?P<r>{_ROLE}) (?:of|at|for|in|to) (?:the )?(?P<x>{_NAME})"
)
_IS_OWNED = re.compile(rf"(?P<y>{_NAME}) {_BE} (?P<x>{_NAME})['’]s? (?P<r>{_ROLE})(?=[\s.,;:!?)]|$)")
_PRONOUN = re.compile(
    rf"\b(?:His|Her|Its|Their|his|her|its|their) (?P<r>{_ROLE})(?:,? {_BE} (?:the |an? )?|, | )(?P<y>{_NAME})"
)
_MORE = re.compile(rf"(?:, and |, | and )(?:the )?(?P<y>{_NAME})")
_LINE = re.compile(
    rf"^[ \t>*|-]*\**(?P<r>[A-Za-z]+(?: [a-z]+){{0,2}})\**\s*[:|]\**\s*(?P<y>{_NAME})\s*\|?\s*$", re.MULTILINE
)
_ONE_OF = rf"(?P<a>{_NAME}|\b(?:He|She|It|They|he|she|it|they)\b)(?:, [^,;.]{{3,60}},|,? who|, which)?"
_ANY_VERB = re.compile(
    rf" (?:{'|'.join(said for kind in KINDS for said in (kind.verbs, kind.turned) if said)}) (?:the |an? )?[A-ZÀ-Þ]"
)
_INSIDE = re.compile(rf"(?<=[a-z,;] ){_WORD}")
_BEGINS = re.compile(_NAME)
_EMPTY = frozenset(
    [
        "i",
        "yes",
        "no",
        "please",
        "note",
        "see",
        "however",
        "although",
        "since",
        "today",
        "according",
        "therefore",
        "instead",
        "thus",
        "moreover",
        "furthermore",
        "finally",
        "together",
        "recently",
        "additionally",
        "conversely",
        "similarly",
        "indeed",
        "hence",
        "overall",
        "meanwhile",
        "perhaps",
    ]
)
_ONE = {"children": "child", "wives": "wife"} | {f"{name}s": name for kind in KINDS for name in kind.names}
_NO_ROLE = frozenset(
    [
        "own",
        "first",
        "last",
        "name",
        "new",
        "old",
        "same",
        "other",
        "way",
        "part",
        "time",
        "case",
        "example",
        "use",
        "born",
        "taught",
        "held",
        "made",
        "found",
        "known",
        "built",
        "written",
        "led",
        "run",
        "set",
        "lost",
        "won",
        "kept",
        "seen",
        "sold",
    ]
)


def found(document: Document) -> tuple[Relation, ...]:
    """Return what a document says of names, in reading order."""
    if document.kind == "code":
        return ()
    kept: dict[tuple[str, str, str], Relation] = {}
    for relation in _every(document):
        kept.setdefault((relation.subject, relation.name, relation.object), relation)
        if len(kept) == MOST:
            break
    return tuple(sorted(kept.values(), key=lambda each: (each.start, each.end, each.name)))


def _every(document: Document) -> Iterator[Relation]:
    text, title = document.text, _title(document)
    about, end_before = title, 0
    proper = {*_INSIDE.findall(text), *title.split()}
    for start, end in sentence_spans(text):
        if "\n\n" in text[end_before:start]:
            about = title  # a paragraph begins anew
        end_before = end
        if end - start > _LONGEST:
            continue
        sentence = text[start:end]
        for subject, name, thing in _said(sentence, about):
            yield Relation(
                subject=subject, name=name, object=thing, inverse=sense_of(name).inverse, start=start, end=end
            )
        first = _BEGINS.match(sentence)
        # Any word is written large where a sentence begins: alone it is a name if it is so elsewhere too.
        if first and (named := _plain(first[0])) and (" " in named or named in proper):
            about = named
    if title:
        for match in _LINE.finditer(text):
            thing = _plain(match["y"])
            if thing and _role(match["r"].lower()):
                name = match["r"].lower()
                yield Relation(
                    subject=title,
                    name=name,
                    object=thing,
                    inverse=sense_of(name).inverse,
                    start=match.start("r"),
                    end=match.end("y"),
                )


def _said(sentence: str, about: str) -> Iterator[tuple[str, str, str]]:
    """Yield subject, name and object of all that a sentence says; `about` is what a pronoun in it means."""
    for pattern in (
        (_OWNED, _OF, _IS_OF, _IS_OWNED)
        if "s " in sentence or "’ " in sentence or " of " in sentence or " at " in sentence or " in " in sentence
        else ()
    ):
        for match in pattern.finditer(sentence):
            subject, name = _plain(match["x"]), _role(match["r"])
            if not subject or not name:
                continue
            for thing in _listed(sentence, match, more=pattern in {_OWNED, _OF}):
                yield subject, name, thing
    if about:
        for match in _PRONOUN.finditer(sentence):
            if name := _role(match["r"]):
                for thing in _listed(sentence, match, more=True):
                    yield about, name, thing
    if _ANY_VERB.search(sentence):
        yield from _by_verb(sentence, about)


def _by_verb(sentence: str, about: str) -> Iterator[tuple[str, str, str]]:
    for name, forth, pattern in _verbs():
        for match in pattern.finditer(sentence):
            one = about if match["a"].lower() in {"he", "she", "it", "they"} else _plain(match["a"])
            if one:
                for other in _listed(sentence, match, more=True, named="b"):
                    yield (one, name, other) if forth else (other, name, one)


@cache
def _verbs() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    """Return a kind, which way it goes, and how it is said. Made when it is first needed: every server would wait for it."""
    return tuple(
        (kind.names[0], forth, re.compile(rf"{_ONE_OF}{_ONCE} (?:{said}) (?:the |an? )?(?P<b>{_NAME})"))
        for kind in KINDS
        for said, forth in ((kind.verbs, True), (kind.turned, False))
        if said
    )


def _listed(sentence: str, match: re.Match[str], *, more: bool, named: str = "y") -> Iterator[str]:
    """Yield the names of a list that begins with the one that was matched."""
    if first := _plain(match[named]):
        yield first
    at = match.end(named)
    for _ in range(_OTHERS if more else 0):
        following = _MORE.match(sentence, at)
        if following is None or sentence[following.end() :].startswith((" is ", " was ", "'s ", "’s ")):
            return
        if name := _plain(following["y"]):
            yield name
        at = following.end()


@lru_cache(maxsize=1024)
def _role(said: str) -> str:
    """Return the name of a relation as it is kept; empty for words that name none."""
    words = said.split()
    while words and (words[0] in STOP or words[0] in _ORDINAL):
        words = words[1:]
    if not words or words[-1] in _NO_ROLE or words[-1].endswith(("ed", "ing", "ly")):
        return ""
    if any(word != "of" and word in STOP for word in words):
        return ""
    return " ".join((*words[:-1], _ONE.get(words[-1], words[-1])))


_ORDINAL = frozenset(
    ["first", "second", "third", "elder", "older", "younger", "eldest", "youngest", "late", "former", "current", "only"]
)


def _plain(name: str) -> str:
    """Return a name without what a sentence begins with; empty where nothing is left."""
    words = name.split()
    while words and words[0].lower() in STOP | _EMPTY:
        words = words[1:]
    return " ".join(words) if any(len(word) > 1 for word in words) else ""


def _title(document: Document) -> str:
    """Return a document's title where it is a name, and so what a pronoun may mean."""
    title = document.title.strip()
    return title if _BEGINS.fullmatch(title) and _plain(title) == title else ""
