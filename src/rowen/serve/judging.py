"""Lets judges ask the models of the apps that are served: each judgement is a call like any other."""

from collections.abc import Mapping, Sequence
from typing import Never

from rowen.config import Loaded
from rowen.flow import Apps
from rowen.score import catalog
from rowen.score.base import AskModel, Embed, Ports, Told
from rowen.score.rule import Rule, rule_of
from rowen.values import Answer, Call, Mistaken, Request, dollars_of
from rowen.values.errand import JUDGE


class AppModels:
    """Walks judges' requests through the chain of their app, for the tenant whose traffic is judged.

    The calls have low priority, so that under load judges wait before users do, and bear the feature `judge:NAME`, by
    which limits can be set and costs told apart.
    """

    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    def ask(self, rule: Rule, tenant: str, within: str = "") -> AskModel:
        async def ask(request: Request) -> Told:
            call = await self._walk(rule, tenant, request, within)
            return Told(call.answer or Answer(), call.id, dollars_of(call.cost))

        return ask

    def embed(self, rule: Rule, tenant: str, within: str = "") -> Embed:
        async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
            request = Request(model=rule.model, kind="embeddings", texts=tuple(texts))
            call = await self._walk(rule, tenant, request, within)
            return call.answer.vectors if call.answer else ()

        return embed

    async def _walk(self, rule: Rule, tenant: str, request: Request, within: str) -> Call:
        return await self._apps.named(rule.app).ask(
            request,
            errand=JUDGE,
            name=rule.name,
            tenant=tenant,
            within=within,
        )


def rules_of(loaded: Loaded) -> list[Rule]:
    """Return the rules that an app's file writes, each known to be runnable.

    Raises:
        Mistaken: `config_*` or `extra_missing`, with the line of the file.

    """
    found: list[Rule] = []
    for number, table in enumerate(loaded.tables["score"]):
        try:
            rule = rule_of(loaded.definition.app, table)
            _check(rule, loaded.tables["models"], found)
        except Mistaken as mistake:
            keys = [key for key in mistake.place.split(".")[:1] if key in type(table).__struct_fields__]
            mistake.place = loaded.place("score", number, *keys)
            raise
        found.append(rule)
    return found


def _check(rule: Rule, models: Mapping[str, object], others: Sequence[Rule]) -> None:
    if rule.model and rule.model not in models:
        raise Mistaken("config_invalid", f'there is no model "{rule.model}" in this app', place="model")
    if any(rule.name == each.name for each in others):
        raise Mistaken("config_invalid", f'two rules are named "{rule.name}"; give one a `name`', place="name")
    catalog.make(rule.kind, rule.options, Ports(ask=_never, embed=_never if rule.model else None))


async def _never(_: object) -> Never:
    raise AssertionError("nothing is asked while a file is read")
