"""English words that say what is to be done with a table. Short on purpose: what is not here makes the rules refuse."""

from collections.abc import Mapping
from typing import NamedTuple

from rowen.store.analyse.porter import stem
from rowen.store.tables.query import Sign

IGNORED = frozenset((
    "a", "an", "the", "of", "in", "at", "on", "for", "to", "from", "with", "within", "is", "are", "was", "were", "be",
    "been", "being", "am", "do", "does", "did", "done", "have", "has", "had", "having", "there", "here", "that",
    "this", "these", "those", "it", "its", "they", "them", "their", "we", "us", "our", "please", "tell", "give",
    "show", "find", "get", "let", "know", "see", "can", "could", "would", "will", "shall", "should", "any", "all",
    "and", "or", "as", "so", "also", "then", "now", "currently", "according", "what", "which", "who", "whom", "whose",
    "where", "when", "how", "much", "many", "just", "only", "exactly", "one", "ones", "table", "sheet", "spreadsheet",
    "file", "data", "dataset", "list", "row", "rows", "record", "records", "entry", "entries", "value", "values",
    "number", "figure", "listed", "given", "recorded", "stored", "counted", "measured", "reported", "noted",
    "registered", "made", "make", "take", "takes", "took", "taken", "come", "comes", "came", "placed", "place",
    "exist", "exists", "different", "distinct", "unique", "called", "named", "name", "made", "across", "among",
    "amongst", "out", "up",
))  # fmt: skip
"""Words without a meaning of their own here."""

PLAIN_VERBS = frozenset(
    map(
        stem,
        [
            "work",
            "live",
            "sell",
            "sold",
            "buy",
            "bought",
            "cost",
            "earn",
            "pay",
            "paid",
            "spend",
            "spent",
            "belong",
            "contain",
            "include",
            "order",
            "ship",
            "deliver",
            "use",
            "own",
            "hold",
            "held",
            "run",
            "ran",
            "go",
            "went",
            "reach",
            "grow",
            "grew",
            "start",
            "begin",
            "began",
            "receive",
            "bring",
            "brought",
            "get",
            "got",
            "lie",
            "stand",
            "locate",
            "base",
            "situate",
            "employ",
            "purchase",
            "produce",
            "yield",
            "weigh",
            "measure",
            "last",
        ],
    )
)
"""Verbs that say no more than a column does, unless a column or a value is called so."""

POLITE = (
    ("can", "you"), ("could", "you"), ("would", "you"), ("do", "you", "know"), ("do", "you", "have"), ("tell", "me"),
    ("show", "me"), ("give", "me"), ("let", "me", "know"), ("i", "want", "to", "know"), ("i", "would", "like", "to", "know"),
    ("i", "need", "to", "know"),
)  # fmt: skip
"""Words around a question. Elsewhere `I` and `you` are somebody, and a table does not know who."""

NEGATIONS = frozenset((
    "not", "no", "never", "without", "except", "excluding", "besides", "neither", "nor", "none", "n't", "isn't",
    "aren't", "wasn't", "weren't", "don't", "doesn't", "didn't",
))  # fmt: skip

COUNTS = (("how", "many"), ("number", "of"), ("count", "of"), ("count",), ("what", "number"))
SUMS = (
    ("total", "amount", "of"), ("total", "number", "of"), ("sum", "of"), ("sum",), ("total",), ("in", "total"), ("altogether",),
    ("overall",), ("combined",), ("summed",), ("all", "together"),
)  # fmt: skip
MEANS = (("on", "average"), ("average",), ("mean",), ("avg",), ("typical",))
MEDIANS = (("median",),)
MOST = (
    "highest", "largest", "biggest", "greatest", "maximum", "max", "most", "top", "maximal", "peak",
)  # fmt: skip
LEAST = ("lowest", "smallest", "least", "minimum", "min", "fewest", "minimal")
COMMON = (("most", "common"), ("most", "frequent"), ("most", "often"), ("most", "frequently"), ("commonest",))
SORTED = frozenset(("sorted", "ordered", "ranked", "rank", "order", "sort"))
GROUPED = frozenset(("per", "by", "each", "every"))

MORE: Mapping[tuple[str, ...], Sign] = {
    ("more", "than"): ">", ("greater", "than"): ">", ("higher", "than"): ">", ("larger", "than"): ">", ("bigger", "than"): ">",
    ("over",): ">", ("above",): ">", ("exceeding",): ">", ("exceeds",): ">", ("exceed",): ">",
    ("at", "least"): ">=", ("no", "less", "than"): ">=", ("no", "fewer", "than"): ">=", ("minimum", "of"): ">=",
    ("less", "than"): "<", ("fewer", "than"): "<", ("lower", "than"): "<", ("smaller", "than"): "<", ("under",): "<", ("below",): "<",
    ("at", "most"): "<=", ("no", "more", "than"): "<=", ("up", "to"): "<=", ("maximum", "of"): "<=",
    ("after",): ">", ("later", "than"): ">", ("since",): ">=", ("before",): "<", ("earlier", "than"): "<", ("until",): "<=",
    ("longer", "than"): ">", ("shorter", "than"): "<", ("older", "than"): ">", ("younger", "than"): "<", ("heavier", "than"): ">",
    ("lighter", "than"): "<", ("taller", "than"): ">",
}  # fmt: skip


class Meant(NamedTuple):
    """What an adjective asks for: the largest or the smallest, of a column that is called one of some words."""

    columns: frozenset[str]
    falling: bool


def _of(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_PRICE = _of("price cost fee rate tariff")
_TIME = _of("date time day hired founded built opened started born ordered created year sold mown planted joined")

ADJECTIVES: Mapping[tuple[str, ...], Meant] = {
    ("most", "expensive"): Meant(_PRICE, falling=True), ("dearest",): Meant(_PRICE, falling=True),
    ("least", "expensive"): Meant(_PRICE, falling=False), ("cheapest",): Meant(_PRICE, falling=False),
    ("heaviest",): Meant(_of("weight mass"), falling=True), ("lightest",): Meant(_of("weight mass"), falling=False),
    ("tallest",): Meant(_of("height"), falling=True),
    ("longest",): Meant(_of("length duration distance"), falling=True),
    ("shortest",): Meant(_of("length duration distance"), falling=False),
    ("fastest",): Meant(_of("speed"), falling=True), ("slowest",): Meant(_of("speed"), falling=False),
    ("latest",): Meant(_TIME, falling=True), ("newest",): Meant(_TIME, falling=True), ("last",): Meant(_TIME, falling=True),
    ("most", "recent"): Meant(_TIME, falling=True), ("most", "recently"): Meant(_TIME, falling=True),
    ("earliest",): Meant(_TIME, falling=False), ("first",): Meant(_TIME, falling=False),
    ("oldest",): Meant(_of("age"), falling=True), ("youngest",): Meant(_of("age"), falling=False),
}  # fmt: skip

ASKED: Mapping[tuple[str, ...], frozenset[str]] = {
    ("how", "expensive"): _PRICE, ("how", "heavy"): _of("weight mass"), ("how", "tall"): _of("height"),
    ("how", "old"): _of("age"), ("how", "long"): _of("length duration"), ("how", "far"): _of("distance"),
    ("how", "fast"): _of("speed"), ("how", "big"): _of("area size"), ("how", "large"): _of("area size"),
}  # fmt: skip
"""Questions that name a column by another word."""

PLACES = _of("city town place location address country region site office venue room")
"""Where something is, for questions that begin with `where`."""

ALIKE = (
    _PRICE,
    _of("salary pay wage earn income"),
    _of("city town"),
    _of("quantity units amount pieces"),
    _of("customer client buyer"),
    _of("employee person people staff colleague worker member"),
)
"""Words that name one thing; whichever of them a column has."""

NUMBERS = {
    word: number
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 1
    )
}

YES = frozenset(("yes", "true", "y"))
NO = frozenset(("no", "false", "n"))
PIECES = _of("quantity units pieces")
"""What says how many things of its kind a row stands for."""
ONCE = _of("price cost fee rate salary age height speed year")
"""What a row has by itself: values of several rows are not to be added up."""
