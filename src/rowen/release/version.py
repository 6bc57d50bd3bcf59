"""Versions: the Definitions of an app that were put forward or let out, as its log tells of them."""

from collections.abc import Iterable

from rowen.values import Mistaken, ReleaseLine, Value

_NEW = ("propose", "release", "begin")
_MIN_HASH = 6


class Approval(Value, frozen=True, kw_only=True):
    """Somebody said that a version may be let out."""

    by: str
    note: str = ""
    at_ns: int = 0


class Version(Value, frozen=True, kw_only=True):
    """A Definition under a number."""

    app: str
    number: int
    """From 1, without gaps, in the order in which they were first put forward; 0 of one that nobody has yet."""
    definition: str
    note: str = ""
    author: str = ""
    made_ns: int = 0
    labels: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    """The last one of each person."""
    answered: tuple[str, ...] = ()
    """The environments in which it answered everybody at some time."""

    def __str__(self) -> str:
        return f"{self.number} ({self.definition[:12]})"


def versions_of(lines: Iterable[ReleaseLine]) -> list[Version]:
    """Return the versions of an app by the lines of its log, the first line first; version 1 first."""
    found: dict[str, Version] = {}
    for line in lines:
        if not line.definition:
            continue
        known = found.get(line.definition)
        if known is None:
            if line.act not in _NEW:
                continue
            known = Version(
                app=line.app,
                number=len(found) + 1,
                definition=line.definition,
                note=line.note,
                author=line.by,
                made_ns=line.at_ns,
            )
        found[line.definition] = _told(known, line)
        if line.act == "label":
            label = line.evidence.get("label", "")
            for hash, each in found.items():
                if hash != line.definition and label in each.labels:
                    found[hash] = each.but(labels=tuple(name for name in each.labels if name != label))
    return list(found.values())


def version_named(versions: Iterable[Version], name: str) -> Version:
    """Return the version that a number, a label, or the beginning of a hash names.

    Raises:
        Mistaken: `not_found`; `conflict` when several hashes begin so.

    """
    every = list(versions)
    for version in every:
        if name == str(version.number) or name in version.labels or name == version.definition:
            return version
    near = [each for each in every if len(name) >= _MIN_HASH and each.definition.startswith(name)]
    if len(near) > 1:
        raise Mistaken("conflict", f"several versions begin with {name!r}", place="version")
    if not near:
        some = ", ".join(str(each.number) for each in every[-5:]) or "none yet"
        raise Mistaken("not_found", f"there is no version {name!r} (the last ones: {some})", place="version")
    return near[0]


def _told(version: Version, line: ReleaseLine) -> Version:
    match line.act:
        case "approve":
            rest = tuple(each for each in version.approvals if each.by != line.by)
            approval = Approval(by=line.by, note=line.note, at_ns=line.at_ns)
            return version.but(approvals=(*rest, approval))
        case "label":
            label = str(line.evidence.get("label", ""))
            return version if label in version.labels else version.but(labels=(*version.labels, label))
        case "release" | "promote" if line.environment not in version.answered:
            return version.but(answered=(*version.answered, line.environment))
        case _:
            return version
