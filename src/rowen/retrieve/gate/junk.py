"""Texts that say nothing: too little of them is words, or most of them is the same line again."""

import re
from collections import Counter

_WORD = re.compile(r"\w+")
_LETTERS = 2
_MANY = 100  # signs from where on their share means something
_FEW_LETTERS = 0.25  # share of the characters that are letters or digits, below which a text is signs
_SAME = 0.7  # share of the lines that say what another one said
_LINES = 20
_LOOKED_AT = 200_000
_ERROR = re.compile(
    r"\A\W*(?:404|403|500|502|503)?\W*(?:page )?(?:not found|forbidden|access denied|internal server error|bad gateway|"
    r"service unavailable|just a moment|please enable javascript|you need to enable javascript|login required|sign in to continue)",
    re.IGNORECASE,
)
_SHORT = 400


def junk(text: str) -> str:
    """Return why a text is no use to anybody who asks; empty where it may be one."""
    head = text[:_LOOKED_AT]
    words = _WORD.findall(head)
    if sum(any(letter.isalnum() for letter in word) for word in words) == 0 or len("".join(words)) < _LETTERS:
        return "there are no words in it"
    signs = [letter for letter in head if not letter.isspace()]
    share = sum(letter.isalnum() for letter in signs) / len(signs)
    if len(signs) >= _MANY and share < _FEW_LETTERS:
        return f"only {share:.0%} of it are letters and digits"
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    again = sum(times - 1 for times in Counter(lines).values())
    if len(lines) >= _LINES and again / len(lines) > _SAME:
        return f"{again / len(lines):.0%} of its lines say what another one said"
    if len(text) <= _SHORT and (found := _ERROR.match(head)):
        return f'it reads as the page of an error: "{" ".join(found[0].split())[:60]}"'
    return ""
