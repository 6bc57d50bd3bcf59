"""What finds relations in documents: rules, or a model of the app."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from rowen.retrieve.graph import rules
from rowen.retrieve.graph.model import told
from rowen.values import AskModel, Document, Mistaken, Relation


class Extracting(NamedTuple):
    """What finds relations."""

    written: str
    """With its version, for the manifest: another one makes a new index."""
    relations: Callable[[Document], Awaitable[tuple[Relation, ...]]]
    """Gives those of a document, each lying in its text. Raises what the model raises."""


def extracting(how: str, ask: AskModel | None = None) -> Extracting | None:
    """Return what finds relations as a table says; None where nothing does.

    Args:
        how: `none`, `rules` or `model:NAME`.
        ask: asks the model of that name.

    Raises:
        Mistaken: `config_invalid`.

    """
    kind, _, name = how.partition(":")
    match kind:
        case "none" | "" if not name:
            return None
        case "rules" if not name:
            return Extracting("rules@1", _by_rule)
        case "model" if name:

            async def by_model(document: Document) -> tuple[Relation, ...]:
                return await told(document, name, ask) if ask is not None else ()

            return Extracting(f"{how}@1", by_model)
        case _:
            message = f'"{how}" finds no relations; use "none", "rules" or "model:NAME"'
            raise Mistaken("config_invalid", message, place="graph")


async def _by_rule(document: Document) -> tuple[Relation, ...]:
    return rules.found(document)
