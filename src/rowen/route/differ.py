"""What two questions of the same sound may still differ in: where it would be wrong to give both one answer.

Vectors hardly see a figure, a name, a negation or one word for its opposite, and those decide what is asked. The check
is by words: what it finds is never shared, and what it does not know it leaves to the threshold.
"""

import re

from rowen.values.words import words

_FIGURE = re.compile(r"\d")
_NOT = frozenset(
    ["not", "no", "never", "without", "cannot", "nor", "neither", "except", "nicht", "kein", "keine", "ohne", "pas"]
)
_CALENDAR = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "today",
        "tomorrow",
        "yesterday",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
    ]
)
_OPPOSITES = (
    "before after", "enable disable", "start stop", "start end", "open close", "add remove", "increase decrease",
    "minimum maximum", "first last", "buy sell", "import export", "upload download", "install uninstall", "on off",
    "lock unlock", "connect disconnect", "more less", "most least", "up down", "left right", "in out", "to from",
    "old new", "send receive", "lend borrow", "win lose", "rise fall", "arrive depart", "arrival departure",
    "deposit withdraw", "encrypt decrypt", "allow deny", "accept reject", "employer employee", "buyer seller",
    "father mother", "son daughter", "he she", "his her", "my your", "gross net", "debit credit", "why how", "when where",
    "who what", "create delete", "read write", "public private", "can must", "highest lowest", "fastest slowest",
)  # fmt: skip
_OPPOSED = tuple(tuple(pair.split()) for pair in _OPPOSITES)


def differ(one: str, other: str) -> str:
    """Return why two questions may ask for different things; empty when no reason is known."""
    ours, theirs = words(one), words(other)
    mine, yours = set(ours), set(theirs)
    if _facts(ours) != _facts(theirs):
        return "figures"
    if _denials(ours, one) != _denials(theirs, other):
        return "negation"
    for first, second in _OPPOSED:
        only_first, only_second = mine & {first, second}, yours & {first, second}
        if only_first and only_second and only_first != only_second:
            return "opposites"
    if not (_names(one) <= yours and _names(other) <= mine):
        return "names"
    if ours != theirs and sorted(ours) == sorted(theirs):
        return "order"  # the same words in another order: who does what to whom
    return ""


def _facts(found: list[str]) -> list[str]:
    return sorted(word for word in found if _FIGURE.search(word) or word in _CALENDAR)


def _denials(found: list[str], text: str) -> bool:
    return not _NOT.isdisjoint(found) or "n't" in text or "n’t" in text


def _names(text: str) -> set[str]:
    """Words with a capital letter that no sentence begins with, in lower case."""
    names: set[str] = set()
    begins = True
    for word in text.split():
        bare = word.strip("\"'“”‘’()[]{}.,;:!?…")
        if (
            bare
            and bare != "I"
            and not bare.startswith("I'")
            and any(sign.isupper() for sign in bare[0 if not begins else 1 :])
        ):
            names.update(words(bare))
        begins = word.endswith((".", "!", "?", ":"))
    return names
