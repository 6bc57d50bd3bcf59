"""What an app names and that is not there yet: it is no mistake of the file, but nothing would be found, tried or answered."""

from collections.abc import Iterator

from rowen.config import Loaded
from rowen.provider.weights import Folder, default_place
from rowen.retrieve.load import Ports
from rowen.retrieve.load.catalog import source_of, tables_of
from rowen.retrieve.load.files import Files


def absent(loaded: Loaded, folder: Folder | None = None) -> list[str]:
    """Return a sentence for each thing, with what to do about it.

    Args:
        loaded: the app as it was read.
        folder: where models are; left out, that of this machine.

    """
    return [*_weights(loaded, folder or Folder(default_place())), *_documents(loaded), *_cases(loaded)]


def _weights(loaded: Loaded, folder: Folder) -> Iterator[str]:
    models = loaded.tables["models"]
    wanted = {table.model or name: f"[models.{name}]" for name, table in models.items() if table.provider == "local"}
    for name, settings in loaded.tables["retrieve"].items():
        if settings.embed and settings.embed not in models:
            wanted.setdefault(settings.embed, f"[retrieve.{name}]")
    here = {each.weights.name: each.state for each in folder.all()} if wanted else {}
    for model, place in wanted.items():
        if here.get(model) == "absent":
            yield f"{place} the weights of {model} are not on this machine; run `rowen models add {model}`"


def _documents(loaded: Loaded) -> Iterator[str]:
    ports = Ports(folder=loaded.path.parent)
    for name, settings in loaded.tables["retrieve"].items():
        for source, table in tables_of(settings).items():
            files = source_of(table, ports) if table.kind == "files" else None
            if isinstance(files, Files) and not files.there():
                yield f"[retrieve.{name}] no file is found at {source}; put documents there, or correct `source`"


def _cases(loaded: Loaded) -> Iterator[str]:
    for name, suite in loaded.tables["evaluate"].items():
        if not suite.cases.startswith("dataset:") and not (loaded.path.parent / suite.cases).exists():
            yield f"[evaluate.{name}] {suite.cases} is not there; write cases into it, or name others in `cases`"
