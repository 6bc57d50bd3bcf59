"""A question under way: its words, what is named in it, and how these stand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rowen.retrieve.tables.mentions import Mention, Unsure
from rowen.retrieve.tables.sheet import Sheet, Word
from rowen.retrieve.tables.words import IGNORED, PLAIN_VERBS
from rowen.store.tables import Condition


@dataclass(slots=True)
class Reading:
    """One question under way: what is understood leaves `left`; all must have left in the end."""

    sheet: Sheet
    words: Sequence[Word]
    left: list[Mention]
    where: list[Condition] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    noun: bool = False
    pieces: bool = False
    """Whether things are counted of which a row may have several: how many rakes."""

    @property
    def much(self) -> bool:
        """Whether it asks how much."""
        return any(
            one.text == "how" and two.text == "much" for one, two in zip(self.words, self.words[1:], strict=False)
        )

    @property
    def who(self) -> bool:
        """Whether it asks who."""
        return bool(self.words) and self.words[0].text == "who"

    def is_figure(self, mention: Mention) -> bool:
        """Whether a mention names one column, and that is of figures."""
        return len(mention.columns) == 1 and mention.columns[0] in self.sheet.numbers

    def is_verb(self, mention: Mention) -> bool:
        """Whether a word that also names a column may be but the verb of the question: the quantity of rakes ordered."""
        return mention.kind == "column" and all(
            self.words[at].stem in PLAIN_VERBS for at in range(mention.start, mention.end)
        )

    def column(self, mention: Mention) -> str:
        """Return the column that a mention names.

        Raises:
            Unsure: it may be several.

        """
        if len(mention.columns) != 1:
            said = " ".join(word.text for word in self.words[mention.start : mention.end])
            raise Unsure(f'"{said}" may be several columns')
        return mention.columns[0]

    def touching(self, at: int, *, after: bool) -> Mention | None:
        """Return the mention that begins at a place, or ends there, with nothing but words without a meaning between."""
        step = 1 if after else -1
        place = at if after else at - 1
        while 0 <= place < len(self.words):
            for each in self.left:
                if each.start <= place < each.end:
                    return each
            if self.words[place].text not in IGNORED and self.words[place].stem not in PLAIN_VERBS:
                return None
            place += step
        return None

    def following(self, mention: Mention, kinds: set[str]) -> Mention | None:
        """Return the mention that follows another, if it is of one of the kinds."""
        following = self.touching(mention.end, after=True)
        return following if following is not None and following.kind in kinds else None

    def take(self, kind: str) -> Mention | None:
        """Take the mention of a kind out of what is left.

        Raises:
            Unsure: there are several.

        """
        found = self.every(kind)
        if len(found) > 1:
            raise Unsure("it asks for several figures at once")
        return found[0] if found else None

    def every(self, kind: str) -> list[Mention]:
        """Take all mentions of a kind out of what is left."""
        found = [each for each in self.left if each.kind == kind]
        self.left = [each for each in self.left if each.kind != kind]
        return found

    def drop(self, kind: str) -> bool:
        """Take all mentions of a kind; return whether there were any."""
        return bool(self.every(kind))
