"""Which apps a reader sees: all of a tenant's, or those that the key is limited to."""

from collections.abc import Iterable, Mapping

from rowen.access import Visit
from rowen.values import Mistaken


def apps_of(visit: Visit, named: str = "") -> tuple[str, ...]:
    """Return the apps that a page is about: the one that is named, else all that the reader may see.

    An empty name stands for all that there are, and comes alone.

    Raises:
        Mistaken: `not_found` for one that the reader may not see.

    """
    if named and not visit.entry.sees(named):
        raise Mistaken("not_found", f"There is no app {named[:60]}.", place="app")
    return (named,) if named else visit.entry.listed


def alone(apps: tuple[str, ...]) -> str:
    """Return the app that a page is about; empty where it is about several."""
    return apps[0] if len(apps) == 1 else ""


def query_seen(params: Mapping[str, str], visit: Visit) -> dict[str, str]:
    """Return what an address asks for; for who sees one app only, that is named.

    Raises:
        Mistaken: `not_found` for an app that is not theirs to see.

    """
    query = {key: value for key, value in params.items() if value}
    app = alone(apps_of(visit, query.get("app", "")))
    return {**query, "app": app} if app else query


def offered(visit: Visit, apps: Iterable[str]) -> list[str]:
    """Return the apps to choose from that the reader may see."""
    return sorted(visit.entry.apps) if visit.entry.apps else list(apps)
