"""Errands: what Rowen asks models for its own ends, or for those who build an app. No user waits for such a call.

They are all written down here, so that whoever counts what users met can leave them out: by `TraceRow.users` where there is a
row, by `reserved` where there is but the feature that sums are told apart by.
"""

from rowen.values.base import Value


class Errand(Value, frozen=True, kw_only=True):
    """What Rowen calls for, and by what its calls are known."""

    tag: str
    """Of its traces."""
    feature: str
    """By which limits are set and costs told apart; of an errand with a name, `feature:name`."""
    path: str = ""
    """Of its door, with the name, where a model is asked bare; empty of one that asks the app, with its prompt and knowledge."""
    shown: str = ""
    """Who asks, for people."""
    named: bool = False
    """Whether each of its calls is for something that has a name: a rule, a collection."""

    def under(self, name: str = "") -> str:
        """Return the feature of its calls for something."""
        return f"{self.feature}:{name}" if name else self.feature


JUDGE = Errand(tag="judge", feature="judge", path="score", shown="rule", named=True)
"""A model judges an answer, by the rule of that name."""
INDEX = Errand(tag="index", feature="index", path="index", shown="index", named=True)
"""A model writes contexts or finds relations for the index of that name."""
RETRIEVE = Errand(tag="retrieve", feature="retrieve", path="retrieve", shown="retrieve")
"""A model rewrites a question, reranks, or asks a table."""
EXPLAIN = Errand(tag="explain", feature="explain", path="insight", shown="explain", named=True)
"""A model says what errors have in common."""
SUMMARY = Errand(tag="summary", feature="summary", path="summary", shown="summary", named=True)
"""A model sums up a document."""
EVALUATE = Errand(tag="eval", feature="evaluate", shown="eval")
"""A run asks an app the questions of its cases."""
PLAY = Errand(tag="playground", feature="playground")
"""Somebody tries an app on a page or by the management API."""
TRY = Errand(tag="prompts-test", feature="prompts-test", path="prompts", shown="prompts-test")
"""Somebody tries a prompt in many ways on the command line."""

ERRANDS = (JUDGE, INDEX, RETRIEVE, EXPLAIN, SUMMARY, EVALUATE, PLAY, TRY)
TAGS = frozenset(each.tag for each in ERRANDS)
_PLAIN = frozenset(each.feature for each in ERRANDS if not each.named)
_NAMED = tuple(f"{each.feature}:" for each in ERRANDS if each.named)


SHADOW = "shadow"
"""The tag of a copy whose answer nobody sees, and the beginning of the feature that its trace bears."""


def copied(feature: str) -> str:
    """Return the feature under which the copies of a feature's calls are counted, so that no sum takes them for users'."""
    return f"{SHADOW}:{feature}" if feature else SHADOW


def errand(feature: str) -> bool:
    """Whether Rowen itself calls under a feature, on one of its errands."""
    return feature in _PLAIN or feature.startswith(_NAMED)


def reserved(feature: str) -> bool:
    """Whether what is called under a feature is no traffic of users: an errand of the house, or a copy."""
    return errand(feature) or feature == SHADOW or feature.startswith(f"{SHADOW}:")
