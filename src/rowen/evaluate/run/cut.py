"""What cases belong to, so that intervals are honest, and what figures can be cut by."""

from collections.abc import Sequence
from typing import Any

from rowen.evaluate.dataset import asked
from rowen.values import Case, Value
from rowen.values.language import language

_OWN = ("user", "session", "document")
_FEW = 12
"""Values that something in the metadata may have to be a cut."""
_SHORT, _LONG = 60, 300  # characters of what is asked


class Cut(Value, frozen=True, kw_only=True):
    """By which fields of cases they are grouped and cut."""

    by: str = ""
    """`user`, `session`, `document`, a name in the metadata, or empty for nothing."""
    names: tuple[str, ...] = ()
    """`language`, `length`, or names in the metadata."""

    def group(self, case: Case) -> str:
        """Return what a case belongs to, empty for nothing."""
        if not self.by:
            return ""
        found = getattr(case, self.by) if self.by in _OWN else case.metadata.get(self.by)
        return "" if found in (None, "") else str(found)

    def slices(self, case: Case) -> dict[str, str]:
        """Return where a case falls, by each cut."""
        found = {name: _value(name, case) for name in self.names}
        return {name: value for name, value in found.items() if value}


def cut_of(cases: Sequence[Case], *, by: str = "", names: Sequence[str] = ()) -> Cut:
    """Return what cases are grouped and cut by; what is not said is what they have.

    They are grouped by user where several have one, else by session, else by document. They are cut by what in their
    metadata has from 2 to 12 values.
    """
    group = by or next((name for name in _OWN if len({getattr(each, name) for each in cases} - {""}) > 1), "")
    return Cut(by=group, names=tuple(names) or tuple(_cuts(cases)))


def _cuts(cases: Sequence[Case]) -> list[str]:
    values: dict[str, set[str] | None] = {}
    for case in cases:
        for name, value in case.metadata.items():
            known = values.setdefault(name, set())
            if known is None:
                continue
            if not isinstance(value, str | bool | int) or len(str(value)) > 60 or len(known) > _FEW:
                values[name] = None
            else:
                known.add(str(value))
    return sorted(name for name, found in values.items() if found and 2 <= len(found) <= _FEW)


def _value(name: str, case: Case) -> str:
    if name == "language" and "language" not in case.metadata:
        return language(asked(case.input))
    if name == "length" and "length" not in case.metadata:
        size = len(asked(case.input))
        return "short" if size < _SHORT else "long" if size > _LONG else "medium"
    found: Any = case.metadata.get(name)
    return str(found)[:60] if isinstance(found, str | bool | int | float) else ""
