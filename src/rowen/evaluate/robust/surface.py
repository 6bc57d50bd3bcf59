"""What a reader would not mind: typing errors, capitals, spaces, and other words for the same question."""

import random
import re

_WORD = re.compile(r"\b[a-zà-ÿ]{5,}\b")  # no names, no figures, no short words: a reader knows what is meant
_EVERY = 8

_OTHER_WORDS = (
    (re.compile(r"\bwhat's\b", re.IGNORECASE), "what is"),
    (re.compile(r"\bwhere's\b", re.IGNORECASE), "where is"),
    (re.compile(r"\bwho's\b", re.IGNORECASE), "who is"),
    (re.compile(r"\bhow do i\b", re.IGNORECASE), "how can I"),
    (re.compile(r"\bhow can i\b", re.IGNORECASE), "how do I"),
    (re.compile(r"\bcan you tell me\b", re.IGNORECASE), "please say"),
    (re.compile(r"\bi'd like to\b", re.IGNORECASE), "I want to"),
    (re.compile(r"\bi want to\b", re.IGNORECASE), "I would like to"),
    (re.compile(r"\bi need to\b", re.IGNORECASE), "I have to"),
    (re.compile(r"\bis it possible to\b", re.IGNORECASE), "can one"),
    (re.compile(r"\bhow many\b", re.IGNORECASE), "what number of"),
    (re.compile(r"\bcannot\b", re.IGNORECASE), "am not able to"),
    (re.compile(r"\bi don't\b", re.IGNORECASE), "I do not"),
    (re.compile(r"\bdoesn't\b", re.IGNORECASE), "does not"),
    (re.compile(r"\bi'm\b", re.IGNORECASE), "I am"),
    (re.compile(r"\bi've\b", re.IGNORECASE), "I have"),
)
_AROUND = (
    ("Please answer this: ", ""),
    ("I have a question. ", ""),
    ("", " Thank you!"),
    ("Hello! ", ""),
    ("", " Please tell me."),
    ("Here is what I would like to know: ", ""),
)


def typo(text: str, rng: random.Random) -> str:
    """Return a text with a slip in about every eighth of its longer words; the same text where it has none."""
    found = list(_WORD.finditer(text))
    if not found:
        return text
    for match in sorted(rng.sample(found, max(1, len(found) // _EVERY)), key=lambda one: -one.start()):
        text = text[: match.start()] + _slip(match[0], rng) + text[match.end() :]
    return text


def capitals(text: str, rng: random.Random) -> str:
    """Return a text in small letters, or now and then in capitals."""
    return text.upper() if rng.random() < 0.3 else text.lower()


def spaces(text: str, rng: random.Random) -> str:
    """Return a text with some spaces doubled, and blanks around it."""
    parts = text.split(" ")
    wide = "".join(part + (" " if rng.random() < 0.7 else "   ") for part in parts).rstrip(" ")
    return f"  {wide}\n\n"


def paraphrase(text: str, rng: random.Random) -> str:
    """Return a text in other words where some are known, else with a courtesy around it. English."""
    known = [(pattern, words) for pattern, words in _OTHER_WORDS if pattern.search(text)]
    if known:
        pattern, words = rng.choice(known)
        changed = pattern.sub(words, text, count=1)
        return changed[:1].upper() + changed[1:] if text[:1].isupper() else changed
    before, after = rng.choice(_AROUND)
    return f"{before}{text}{after}"


def _slip(word: str, rng: random.Random) -> str:
    """Return a word with two letters exchanged, one lost or one doubled, never the first."""
    at = rng.randrange(1, len(word) - 2)
    match rng.randrange(3):
        case 0 if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case _:
            return word[: at + 1] + word[at] + word[at + 1 :]
