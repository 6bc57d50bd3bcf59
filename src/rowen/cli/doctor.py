"""`rowen doctor`: which parts are active, and how they do."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from rowen import __version__
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.serve.settings import ServerSettings, is_loopback
from rowen.store.base import Store

_EXTRAS = {
    "local": ("xllamacpp", "onnxruntime", "tokenizers"),
    "pg": ("psycopg",),
    "rag": ("charset_normalizer", "pypdfium2", "python_calamine", "selectolax", "semantic_text_splitter"),
}


@click.command("doctor", epilog=such_as("rowen doctor --store sqlite:.rowen"))
@server_option
@store_option
@json_option
def command(server_file: Path, store: str | None, as_json: bool) -> None:
    """Say which parts are active and their health; the exit code is 4 when one is not well."""

    async def work(found: Store, settings: ServerSettings) -> list[dict[str, Any]]:
        health = await found.check()
        broken = await found.audit.broken_at()
        exposed = not is_loopback(settings.host) and not settings.tls_cert and not settings.trusted_proxies
        return [
            {"part": "rowen", "state": __version__},
            {"part": "python", "state": sys.version.split()[0]},
            *({"part": f"store: {name}", "state": state} for name, state in health.items()),
            {"part": "audit chain", "state": "ok" if broken is None else f"does not fit at {broken}"},
            {"part": "transport", "state": "plain HTTP beyond this machine: set tls_cert" if exposed else "ok"},
            *(
                {"part": f"extra: {extra}", "state": "installed" if all(map(find_spec, needs)) else "not installed"}
                for extra, needs in _EXTRAS.items()
            ),
        ]

    rows = in_store(server_file, store, work)
    plain: list[Any] = list(rows)
    show(plain, as_json=as_json, empty="")
    fine = {"ok", "installed", "not installed"}
    if any(row["state"] not in fine and row["part"] not in {"rowen", "python"} for row in rows):
        sys.exit(4)
