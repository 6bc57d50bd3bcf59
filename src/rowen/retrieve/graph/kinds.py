"""Kinds of relation: how each is said, what leads back, and the words by which a question asks for it."""

from functools import lru_cache
from typing import NamedTuple

from rowen.values.words import content, stem


class Kind(NamedTuple):
    """One kind of relation."""

    names: tuple[str, ...]
    """Nouns that name it from its first end: in "Ada's mother is Lia" it is `mother`."""
    back: str
    """What leads back."""
    words: str
    """Other words by which questions ask for it, in either direction."""
    verbs: str = ""
    """How a verb says it from the first end to the second, as a pattern."""
    turned: str = ""
    """How a verb says it from the second end to the first."""


KINDS = (
    Kind(
        ("mother", "father", "parent"), "child", "children kid son daughter mum mom dad", "", r"gave birth to|fathered"
    ),
    Kind(("son", "daughter", "child"), "parent", "children kid mother father mum mom dad"),
    Kind(("grandmother", "grandfather", "grandparent"), "grandchild", "grandson granddaughter grandchildren"),
    Kind(("grandson", "granddaughter", "grandchild"), "grandparent", "grandmother grandfather grandchildren"),
    Kind(("brother", "sister", "sibling", "twin"), "sibling", "brothers sisters"),
    Kind(("aunt", "uncle"), "niece or nephew", "niece nephew"),
    Kind(("niece", "nephew"), "aunt or uncle", "aunt uncle"),
    Kind(
        ("spouse", "wife", "husband", "partner"), "spouse", "married marry wed", r"(?:is |was )?(?:married(?: to)?|wed)"
    ),
    Kind(
        ("teacher", "mentor", "tutor"),
        "student",
        "pupil taught teach learn studied",
        r"studied under|learned from",
        r"taught|mentored|trained",
    ),
    Kind(
        ("employer",),
        "employee",
        "work job company",
        r"(?:works|worked) (?:for|at)|(?:is|was) employed (?:by|at)",
        r"employs|employed|hired",
    ),
    Kind(
        ("manager", "supervisor", "boss"),
        "report",
        "reports manage supervise",
        r"reports to|reported to",
        r"supervises|supervised",
    ),
    Kind(
        ("founder",),
        "founded",
        "founded set up start established establish began",
        r"was (?:co-?)?(?:founded|established|started|set up) by",
        r"(?:co-?)?(?:founded|established|set up)",
    ),
    Kind(
        ("owner",),
        "property",
        "own owned belong acquired bought subsidiary",
        r"(?:is|was|are|were) (?:owned|acquired|bought) by|belongs to|belonged to",
        r"owns|owned|acquired|bought",
    ),
    Kind(
        ("leader", "head", "director", "chief", "president", "chair", "captain"),
        "leads",
        "lead led heads run runs directs in charge",
        r"(?:is|was) (?:led|headed|run|directed|chaired|managed) by",
        r"leads|led|heads|headed|chairs|chaired|directs|manages|managed|runs|ran",
    ),
    Kind(
        ("author", "writer"),
        "work",
        "wrote write written book",
        r"was (?:written|authored) by",
        r"wrote|authored|co-?wrote",
    ),
    Kind(
        ("inventor", "designer", "architect", "builder", "maker", "creator", "developer"),
        "made",
        "invented designed built made created developed invent design build make create develop",
        r"(?:was|were|is) (?:invented|designed|built|made|created|developed|constructed) by",
        r"invented|designed|built|created|developed|constructed",
    ),
    Kind(("discoverer",), "discovery", "discovered discover found", r"was discovered by", r"discovered"),
    Kind(("birthplace",), "native", "born birth where city town country", r"(?:was|were) born (?:in|at|near)"),
    Kind(("place of death",), "died there", "died die death where", r"died (?:in|at|near)"),
    Kind(
        ("home", "residence"),
        "resident",
        "lives live lived where residence",
        r"(?:lives|lived|resides|settled|grew up) (?:in|at|near)",
    ),
    Kind(
        ("school", "university", "college"),
        "alumnus",
        "studied study attended graduated graduate student where",
        r"(?:studied|graduated|was educated) (?:at|from)|attended",
    ),
    Kind(
        ("location", "seat", "headquarters"),
        "has in it",
        "where located based lies stands city town country region",
        r"(?:(?:is|was|are|were) )?(?:located|based|situated|headquartered|lies|lie|stands|stand) (?:in|at|near|on)",
    ),
    Kind(("capital",), "country", "country capital city"),
    Kind(("whole",), "part", "part parts belong member consist", r"(?:is|was|are|were) (?:a )?part of|belongs to the"),
    Kind(
        ("successor",),
        "predecessor",
        "followed succeeded replaced after before",
        r"was (?:succeeded|replaced|followed) by",
        r"succeeded|replaced|replaces|supersedes",
    ),
    Kind(
        ("requirement", "dependency"),
        "needed by",
        "depends depend needs need requires require uses use",
        r"depends on|depend on|requires|needs",
    ),
)


class Sense(NamedTuple):
    """What a name of a relation means."""

    inverse: str
    words: frozenset[str]
    """Stems of the words that ask for it."""
    known: bool
    """Whether it is of a kind; otherwise it is any noun that stood between two names."""


@lru_cache(maxsize=4096)
def sense_of(name: str) -> Sense:
    """Return what leads back from a relation, and by which words it is asked for; of any, also one that no kind has."""
    stems = frozenset(stem(word) for word in content(name))
    kind = _kind_of(name, stems)
    if kind is None:
        return Sense(f"{name} of", stems, known=False)
    return Sense(kind.back, stems | _asking(" ".join((*kind.names, kind.back, kind.words))), known=True)


def _kind_of(name: str, stems: frozenset[str]) -> Kind | None:
    for kind in KINDS:
        if name in kind.names:
            return kind
    heads = ({stem(each) for each in kind.names if " " not in each} for kind in KINDS)
    return next((kind for kind, own in zip(KINDS, heads, strict=True) if stems & own and len(stems) <= _SHORT), None)


_SHORT = 3  # words of a name in which one of a kind's still makes it of that kind: `head of sales`
_PLAIN = frozenset({"where", "before", "after"})  # question words that `content` leaves out


def _asking(words: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content(words)) | (_PLAIN & set(words.split()))
