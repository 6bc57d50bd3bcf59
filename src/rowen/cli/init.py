"""`rowen init`: a new app to start from."""

import shlex
from pathlib import Path

import click

from rowen.cli.examples import example, such_as
from rowen.values import Mistaken


@click.command("init", epilog=such_as("rowen init handbook"))
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write a new app into FOLDER, which must not hold one yet."""
    source = example("00-start")
    # app.toml last, so that it is there when all is.
    files = [(file, folder / file.relative_to(source)) for file in sorted(source.rglob("*"), reverse=True)]
    files = [(file, target) for file, target in files if file.is_file()]
    for _, target in reversed(files):
        if target.exists():
            raise Mistaken("conflict", f"{target} exists already", fix="Edit it, or name another folder.")
    name = folder.resolve().name.replace("\\", "\\\\").replace('"', '\\"')
    for file, target in files:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.read_text(encoding="utf-8").replace("my-app", name), encoding="utf-8")
    there = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    click.echo(f"Wrote {folder / 'app.toml'}. Next: {there}rowen dev")
