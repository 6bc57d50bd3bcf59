"""Where the example apps are: inside an installed package, or beside the sources."""

from pathlib import Path

import rowen
from rowen.values import Mistaken


def example(name: str) -> Path:
    """Return the folder of an example app.

    Raises:
        Mistaken: `config_missing`.

    """
    package = Path(rowen.__file__).parent
    for folder in (package / "examples" / name, package.parents[1] / "examples" / name):
        if (folder / "app.toml").exists():
            return folder
    raise Mistaken("config_missing", f"there is no example {name!r}")


def such_as(*lines: str) -> str:
    """Return the foot of a command's help: how it is called, as one would type it."""
    return "\n".join(("\b", "For example:", *(f"  {line}" for line in lines)))
