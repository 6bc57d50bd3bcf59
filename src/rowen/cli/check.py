"""`rowen check`: everything that can be known wrong without starting."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from rowen.cli.absent import absent
from rowen.cli.examples import such_as
from rowen.cli.options import apps_argument, json_option, out, server_option, show
from rowen.config import json_schema, read
from rowen.flow.deployments import remarks
from rowen.flow.knowledge import vet_knowledge
from rowen.flow.vet import vet
from rowen.provider.transport import HttpTransport
from rowen.release.table import unmet
from rowen.serve.exampling import vet_examples
from rowen.serve.judging import rules_of
from rowen.serve.settings import settings_of
from rowen.serve.tables import TABLES
from rowen.values import Mistaken, SystemClock, now


@click.command("check", epilog=such_as("rowen check", "rowen check --explain"))
@apps_argument
@server_option
@json_option
@click.option("--explain", is_flag=True, help="Print every setting of the deployment and where it comes from.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of app.toml, for editors.")
@click.option("--no-secrets", is_flag=True, help="Do not ask for the variables and files that hold secrets.")
def command(
    apps: tuple[Path, ...], server_file: Path, as_json: bool, explain: bool, schema: bool, no_secrets: bool
) -> None:
    """Check the APPS (default: app.toml) and the deployment's settings."""
    if schema:
        print(json.dumps(json_schema(TABLES), indent=2))
        return
    settings, origins = settings_of(server_file, {})
    if explain:
        rows: list[Any] = [
            {"setting": name, "value": _shown(getattr(settings, name)), "from": origin}
            for name, origin in origins.items()
        ]
        show(rows, as_json=as_json, empty="")
        return
    found: list[Any] = []
    transport = HttpTransport()
    for path in apps:
        loaded = read(path, TABLES, secrets=not no_secrets)
        places = vet(loaded, transport)
        rules_of(loaded)
        vet_examples(loaded)
        vet_knowledge(loaded, places, transport, secrets=not no_secrets)
        if wrong := unmet(loaded.tables):
            raise Mistaken("config_invalid", wrong[0], place=loaded.place("release", "gate"))
        found.append(
            {
                "app": loaded.definition.app,
                "definition": loaded.definition.hash,
                "models": sorted(loaded.tables["models"]),
                "deployments": len(places),
                "files": sorted(loaded.definition.files),
                "warnings": [*remarks(loaded.tables["models"], now(SystemClock()).date()), *absent(loaded)],
            }
        )
    if as_json:
        print(json.dumps(found))
        return
    for each in found:
        out.print(
            f"[green]✓[/green] {each['app']}: {len(each['models'])} models, {each['deployments']} deployments, "
            f"definition {each['definition'][:12]}"
        )
        for warning in each["warnings"]:
            out.print("[yellow]![/yellow] ", Text(warning), sep="")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}=…" for key in value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
