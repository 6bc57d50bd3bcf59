"""Whether a text in Latin letters is English, as far as its stemming is concerned."""

import re

_READ = 4_000  # characters of a text that are looked at
_WORD = re.compile(r"[^\W\d_]+")

# The commonest words of each language that are rare in the others. English is told by its own; any of the rest means
# that English stems would do harm.
_ENGLISH = frozenset(
    [
        "the",
        "of",
        "and",
        "to",
        "is",
        "that",
        "it",
        "for",
        "with",
        "as",
        "was",
        "on",
        "be",
        "this",
        "by",
        "are",
        "at",
        "from",
        "or",
        "which",
        "not",
        "have",
    ]
)
_OTHERS = (
    frozenset(
        [
            "der",
            "die",
            "und",
            "das",
            "ist",
            "nicht",
            "ein",
            "eine",
            "den",
            "von",
            "zu",
            "mit",
            "sich",
            "auf",
            "für",
            "dem",
            "im",
            "auch",
            "wird",
            "werden",
        ]
    ),
    frozenset(
        [
            "le",
            "la",
            "les",
            "des",
            "et",
            "est",
            "une",
            "du",
            "que",
            "dans",
            "pour",
            "qui",
            "pas",
            "sur",
            "au",
            "avec",
            "plus",
            "sont",
            "ne",
        ]
    ),
    frozenset(
        [
            "el",
            "los",
            "las",
            "del",
            "y",
            "que",
            "una",
            "por",
            "con",
            "para",
            "es",
            "se",
            "al",
            "como",
            "más",
            "su",
            "lo",
            "está",
        ]
    ),
    frozenset(
        [
            "il",
            "di",
            "che",
            "è",
            "per",
            "della",
            "gli",
            "una",
            "non",
            "sono",
            "con",
            "del",
            "dei",
            "alla",
            "anche",
            "più",
        ]
    ),
    frozenset(
        ["de", "het", "een", "van", "en", "niet", "dat", "zijn", "te", "op", "met", "voor", "wordt", "aan", "ook"]
    ),
    frozenset(["o", "os", "um", "uma", "não", "que", "em", "para", "com", "do", "da", "dos", "ao", "são", "mais", "é"]),
    frozenset(["och", "att", "det", "som", "en", "är", "på", "för", "av", "med", "inte", "den", "ett", "har"]),
    frozenset(["og", "at", "det", "er", "en", "som", "på", "til", "med", "ikke", "af", "den", "har"]),
    frozenset(["ja", "on", "ei", "että", "se", "oli", "joka", "hän", "mutta", "ovat", "kun", "myös"]),
    frozenset(["i", "w", "na", "z", "że", "się", "do", "nie", "jest", "to", "jak", "przez", "oraz", "od"]),
    frozenset(["a", "v", "na", "se", "je", "že", "s", "do", "to", "za", "pro", "jsou", "jako"]),
    frozenset(["ve", "bir", "bu", "için", "ile", "da", "de", "olarak", "olan", "daha", "çok"]),
    frozenset(["a", "az", "és", "hogy", "nem", "egy", "is", "meg", "van", "volt", "csak"]),
    frozenset(["și", "de", "la", "în", "cu", "nu", "pe", "din", "care", "este", "mai", "sau"]),
    frozenset(["yang", "dan", "di", "itu", "dengan", "untuk", "dari", "ini", "dalam", "adalah"]),
    frozenset(["và", "của", "là", "có", "không", "được", "cho", "các", "trong", "một", "những"]),
)


def reads_as_english(text: str, language: str = "") -> bool:
    """Whether English stems suit a text: what its language says, else what its commonest words say; else yes."""
    if language:
        return language.lower().partition("-")[0] in {"en", "eng", "english"}
    words = _WORD.findall(text[:_READ].lower())
    english = sum(word in _ENGLISH for word in words)
    other = max(sum(word in known for word in words) for known in _OTHERS)
    return other <= english or other < len(words) / 12
