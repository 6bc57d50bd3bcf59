"""Which apps a reader sees: all of a tenant's, or those that the key is limited to."""

from collections.abc import Iterable, Mapping

from rowen.access import Visit
from rowen.values import Mistaken


def app_of(visit: Visit, named: str = "") -> str:
    """Return the app that a page is about; empty for all of them.

    Whose key is limited to some apps sees one at a time: the one that is named, or the first.

    Raises:
        Mistaken: `not_found` for one that the reader may not see.

    """
    if not visit.entry.apps:
        return named
    if named and named not in visit.entry.apps:
        raise Mistaken("not_found", f"There is no app {named[:60]}.", place="app")
    return named or min(visit.entry.apps)


def query_seen(params: Mapping[str, str], visit: Visit) -> dict[str, str]:
    """Return what an address asks for, within the apps that the reader may see.

    Raises:
        Mistaken: `not_found` for an app that is not theirs to see.

    """
    query = {key: value for key, value in params.items() if value}
    app = app_of(visit, query.get("app", ""))
    return {**query, "app": app} if app else query


def offered(visit: Visit, apps: Iterable[str]) -> list[str]:
    """Return the apps to choose from that the reader may see."""
    return sorted(visit.entry.apps) if visit.entry.apps else list(apps)
