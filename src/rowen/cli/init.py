"""`rowen init`: a new app to start from."""

import shutil
from pathlib import Path

import click

from rowen.cli.examples import example, such_as
from rowen.values import Mistaken


@click.command("init", epilog=such_as("rowen init handbook"))
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write a new app into FOLDER, which must not hold one yet."""
    if (folder / "app.toml").exists():
        raise Mistaken("conflict", f"{folder}/app.toml exists already", place=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    source = example("00-start")
    shutil.copytree(source, folder, dirs_exist_ok=True)
    text = (folder / "app.toml").read_text(encoding="utf-8")
    (folder / "app.toml").write_text(text.replace("my-app", folder.resolve().name), encoding="utf-8")
    click.echo(f"Wrote {folder}/app.toml. Next: cd {folder} && rowen dev")
