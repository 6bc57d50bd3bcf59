"""A version as files again: the `app.toml` and everything that it names, which read back under the same hash."""

from pathlib import Path

from rowen.config.write import toml_text
from rowen.values import Definition, Mistaken


def checkout(definition: Definition, folder: Path) -> int:
    """Write a Definition into a folder that is empty or not there; return how many files.

    An app that its folder gave its name needs a folder of that name.

    Raises:
        Mistaken: `conflict` when the folder has something in it, or a file would lie outside of it.

    """
    if folder.exists() and any(folder.iterdir()):
        raise Mistaken("conflict", f"{folder} is not empty", place=str(folder))
    home = folder.resolve()
    places = {name: (home / name).resolve() for name in definition.files}
    if outside := sorted(name for name, place in places.items() if not place.is_relative_to(home)):
        raise Mistaken("conflict", f"{outside[0]} would lie outside of {folder}", place=outside[0])
    home.mkdir(parents=True, exist_ok=True)
    (home / "app.toml").write_text(toml_text(definition.source), encoding="utf-8")
    for name, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(definition.files[name].encode())
    return len(places) + 1
