"""`rowen serve`: serve apps."""

from pathlib import Path

import click

from rowen.cli.examples import such_as
from rowen.cli.options import apps_argument, flags_of, server_option, store_option
from rowen.serve.run import run


@click.command(
    "serve",
    epilog=such_as("rowen serve", "rowen serve app.toml --host 0.0.0.0 --workers 2 --store sqlite:/var/lib/rowen"),
)
@apps_argument
@server_option
@store_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1), help="Processes that answer.")
def command(
    apps: tuple[Path, ...],
    server_file: Path,
    store: str | None,
    host: str | None,
    port: int | None,
    workers: int | None,
) -> None:
    """Serve the APPS (default: app.toml) until stopped."""
    flags = flags_of(store=store, host=host, port=port, workers=workers)
    run(server_file, flags, apps, say=click.echo)
