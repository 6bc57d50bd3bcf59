"""What no table of an app can show alone: models that are not there, options that a provider does not know."""

import re
from difflib import get_close_matches

from rowen.config import Loaded
from rowen.flow import deployments
from rowen.prompt import written_of
from rowen.provider.catalog import maker
from rowen.provider.transport import Transport
from rowen.trace import mask_of
from rowen.values import Mistaken

_TABLE = re.compile(r"\[(\w+)(?:\.(.+?))?\] ?(.*)")


def vet(loaded: Loaded, transport: Transport) -> deployments.Placed:
    """Return every deployment of an app that can be assembled.

    Args:
        loaded: the app as read.
        transport: given to each provider, which is made once to see that it can be; nothing is sent.

    Raises:
        Mistaken: `config_*` or `extra_missing`, with the line in the file as its place.

    """
    try:
        return _vetted(loaded, transport)
    except Mistaken as mistake:
        if found := _TABLE.fullmatch(mistake.place):
            table, name, rest = found.groups()
            mistake.place = loaded.place(table, *([name] if name else []), *rest.split("."))
        raise


def _vetted(loaded: Loaded, transport: Transport) -> deployments.Placed:
    models = loaded.tables["models"]
    if not models:
        raise Mistaken("config_invalid", "the app has no model: add a [models.NAME] table", place=loaded.path.name)
    default = loaded.tables["app"].model
    if default and default not in models:
        raise _unknown(default, models, "[app] model")
    for name, table in models.items():
        for each in table.fallback:
            if each not in models:
                raise _unknown(each, models, f"[models.{name}] fallback")
    places = deployments.placed(models)
    deployments.prices(models, places)
    deployments.routes(models, places)
    for deployment, settings in places.values():
        try:
            maker(settings.provider)(settings, transport)
        except Mistaken as mistake:
            mistake.place = f"[models.{deployment.model}] {mistake.place}"
            raise
    mask_of(loaded.tables["trace"])
    written_of(loaded.tables["prompt"])
    return places


def _unknown(name: str, models: dict[str, object], place: str) -> Mistaken:
    near = get_close_matches(name, models, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(sorted(models))}"
    return Mistaken("config_invalid", f'there is no model "{name}" under [models] — {hint}', place=place)
