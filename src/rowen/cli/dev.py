"""`rowen dev`: serve on this machine and reload on save."""

from pathlib import Path

import click

from rowen.cli.examples import such_as
from rowen.cli.options import apps_argument, flags_of, server_option, store_option
from rowen.serve.run import run


@click.command("dev", epilog=such_as("rowen dev", "rowen dev shop/app.toml handbook/app.toml --port 9000"))
@apps_argument
@server_option
@store_option
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
def command(apps: tuple[Path, ...], server_file: Path, store: str | None, port: int | None) -> None:
    """Serve the APPS (default: app.toml) on this machine, and reload them when they change."""
    flags = flags_of(store=store, port=port, host="127.0.0.1", watch=True, workers=1)
    run(server_file, flags, apps, say=click.echo, sign_in=True)
