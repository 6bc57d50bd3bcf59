"""The bar that verbs show while they work in steps. Apart, since what draws it takes a while to import."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


def steps_bar(*, quiet: bool) -> Progress:
    """Return a bar on the error stream, for a number of steps that may become known on the way."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet)
