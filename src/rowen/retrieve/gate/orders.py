"""Texts in documents that speak to the model instead of the reader: found by how they are worded, in several languages.

A flag, never proof: the passages stay data all the same. How often it is right is in docs/how-to/knowledge.md.
"""

import re
import unicodedata
from typing import NamedTuple

_WHAT = r"(?:instruction|direction|prompt|rule|guideline|command|order|message|context|polic)(?:s|ies|y)?"
_BEFORE = r"(?:previous|prior|earlier|above|preceding|foregoing|existing|original|system|other|former|past|initial|your|these|those)"
_PATTERNS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("tells to ignore instructions", rf"\b(?:ignore|disregard|forget|override|bypass|neglect|skip)\b[^.\n]{{0,40}}\b{_BEFORE}\b[^.\n]{{0,30}}\b{_WHAT}\b"),
        ("tells to ignore instructions", rf"\b(?:ignore|disregard|forget|override|bypass)\s+(?:all|any|everything|every)\b[^.\n]{{0,30}}\b(?:{_WHAT}|above|before|said|told)\b"),
        ("tells to ignore instructions", rf"\b(?:do not|don't|stop)\s+(?:follow|obey|listen to|adher\w* to)\b[^.\n]{{0,30}}\b{_WHAT}\b"),
        ("gives new instructions", rf"\b(?:new|updated|real|actual|secret|hidden)\s+(?:system\s+)?{_WHAT}\s*(?::|\bfollow\b|\bare\b)"),
        ("asks for the system prompt", r"\b(?:reveal|print|show|repeat|output|leak|expose|tell me|disclose|give me)\b[^.\n]{0,40}\b(?:system|initial|hidden|secret|original)\s+(?:prompt|instruction|message)s?\b"),
        ("sets a role", r"\byou\s+(?:are|will be|must be)\s+(?:now|no longer|from now on)\b|\bfrom now on,?\s+you\s+(?:are|will|must|should)\b"),
        ("sets a role", r"\b(?:pretend|act)\s+(?:to be|as if|as though|as)\b[^.\n]{0,60}\b(?:no|without|unrestricted|any)\s*(?:rules?|restrictions?|limits?|filters?|guidelines?)?\b|\bdeveloper mode\b|\bdo anything now\b"),
        ("keeps something from the user", r"\b(?:do not|don't|never)\s+(?:tell|inform|mention|reveal|show|let)\b[^.\n]{0,30}\b(?:the )?(?:user|reader|human|anyone)\b"),
        ("speaks to a model", r"\b(?:dear|hey|hello|attention|note to|instructions? (?:for|to))\s+(?:the\s+)?(?:ai|llm|chatgpt|gpt|assistant|language model|chatbot|bot|claude|copilot|gemini)\b|\bif you are an?\s+(?:ai|llm|language model|assistant|bot)\b"),
        ("sends data away", r"!\[[^\]]*\]\(https?://[^)\s]*(?:\{|%7b|<|\$)[^)]*\)|\b(?:send|post|forward|exfiltrate|upload|transmit)\b[^.\n]{0,60}\b(?:conversation|chat history|api key|password|credentials|user(?:'s)? data|secrets?)\b[^.\n]{0,60}\bto\b"),
        ("imitates marks of a chat", r"<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|start_header_id)\|>|\[/?INST\]|<<SYS>>|<(?:start|end)_of_turn>|^\s*#{2,}\s*(?:system|instruction)s?\s*:?\s*$|</?(?:system|passages?|documents?|context)>"),
        ("tells to ignore instructions", r"\b(?:ignorier\w*|vergiss|missachte)\b[^.\n]{0,40}\b(?:anweisung\w*|anleitung\w*|regeln|vorgaben|befehl\w*)\b"),
        ("tells to ignore instructions", r"\b(?:ignore[rzs]?|oublie[rzs]?)\b[^.\n]{0,40}\b(?:instructions|consignes|directives|règles)\b[^.\n]{0,30}\b(?:précédent\w*|antérieur\w*|ci-dessus)"),
        ("tells to ignore instructions", r"\b(?:ignora\w*|olvida\w*|descarta\w*|dimentica\w*)\b[^.\n]{0,40}\b(?:instrucciones|órdenes|reglas|istruzioni|instruções)\b"),
        ("tells to ignore instructions", r"(?:игнорируй\w*|забудь\w*)[^.\n]{0,40}(?:инструкци\w*|указани\w*|правил\w*)"),
        ("tells to ignore instructions", r"(?:忽略|无视|忘记)[^。\n]{0,20}(?:指令|指示|说明|规则|提示)|(?:以前|上記|これまで)の(?:指示|命令)を(?:無視|忘れ)"),
    )
)  # fmt: skip
_UNSEEN = {
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    0xFEFF,
    0x00AD,
    *range(0xE0000, 0xE0080),
}
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")
_STRIPPED = dict.fromkeys(_UNSEEN)


class Order(NamedTuple):
    """A place where a document gives orders: what kind, and its words."""

    what: str
    said: str


def orders(text: str) -> list[Order]:
    """Return where a text speaks to the model, each kind once."""
    found: dict[str, Order] = {}
    hidden = _TAGS.search(text)
    if hidden:
        said = "".join(chr(ord(letter) - 0xE0000) for letter in hidden[0])
        found["hides text"] = Order("hides text", said[:120])
    plain = unicodedata.normalize("NFKC", text).translate(_STRIPPED)
    for what, pattern in _PATTERNS:
        if what not in found and (match := pattern.search(plain)):
            found[what] = Order(what, " ".join(match[0].split())[:120])
    return list(found.values())
