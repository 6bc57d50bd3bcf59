"""What a local model can do, and how it is run."""

from pathlib import Path

from rowen.provider.base import ModelSettings
from rowen.provider.options import options_of
from rowen.provider.weights import Folder, Weights, default_place
from rowen.provider.weights.base import Piece
from rowen.provider.weights.formats import format_of
from rowen.values import Mistaken, Profile, Settings


class Options(Settings, frozen=True, kw_only=True):
    """The `options` of a local model."""

    context: int = 4096
    """Tokens of prompt and answer together, for each request. Memory grows with it, times `slots`."""
    slots: int = 2
    """Requests that are answered at once; further ones wait their turn."""
    threads: int = 0
    """Threads that compute; 0 takes `OMP_NUM_THREADS`, or one for each core that this process may use."""
    answer: int = 1024
    """Longest answer in tokens when a request sets no `max_tokens`: small models may never stop by themselves."""
    truncate: bool = False
    """Embeddings: cut a text that is longer than the model reads, instead of refusing it."""
    folder: str = ""
    """The models folder; empty takes `ROWEN_MODELS` or the user's data folder."""


def options_for(settings: ModelSettings) -> Options:
    """Return a local model's options.

    Raises:
        Mistaken: as `options_of`, and `config_invalid` for a number out of range.

    """
    options = options_of(settings, Options)
    for name, least in (("context", 64), ("slots", 1), ("threads", 0), ("answer", 1)):
        if getattr(options, name) < least:
            raise Mistaken("config_invalid", f'"{name}" must be at least {least}.', place=f"options.{name}")
    return options


def folder_for(options: Options) -> Folder:
    """Return the models folder that the options name."""
    return Folder(Path(options.folder).expanduser() if options.folder else default_place())


def is_path(model: str) -> bool:
    """Whether a model is named by its file rather than by its name in the models folder."""
    return model.endswith(".gguf")


def weights_for(settings: ModelSettings, options: Options) -> Weights:
    """Return what is known of the model's weights; they need not be here.

    Raises:
        Mistaken: `model_unknown`, or `config_missing` and `weights_format` for a path.

    """
    if not settings.model:
        raise Mistaken("config_invalid", "A local model needs `model`: a name, or the path of a .gguf file.")
    if not is_path(settings.model):
        return folder_for(options).weights(settings.model)
    file = Path(settings.model).expanduser()
    format_of(file)
    piece = Piece(save_as=file.name, sha256="", size=file.stat().st_size)
    return Weights(name=file.stem, kind="chat", format="gguf", pieces=(piece,))


def declared(settings: ModelSettings) -> Profile:
    """Return what the model can do.

    Raises:
        Mistaken: as `weights_for`.

    """
    options = options_for(settings)
    weights = weights_for(settings, options)
    if weights.kind == "embed":
        return Profile(chat=False, embeddings=True, context=weights.max_tokens or None)
    return Profile(
        images=False,
        files=False,
        reasoning=False,
        parallel_tools=False,
        top_k=True,
        many=options.slots > 1,
        context=options.context,
    )
