"""NumPy, brought when it is first used: whoever only imports the statistics neither pays for it nor needs it."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rowen.values import Mistaken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Random = np.random.Generator
else:

    class _Lazy:
        """NumPy's names, looked up when they are asked for."""

        def __getattr__(self, name: str) -> Any:
            try:
                found = getattr(import_module("numpy"), name)
            except ModuleNotFoundError as error:
                message = "The statistics need NumPy: `pip install rowen[eval]`."
                raise Mistaken("extra_missing", message, place="numpy") from error
            setattr(self, name, found)
            return found

    np = _Lazy()
    Floats = Whole = Random = Any

__all__ = ["Floats", "Random", "Whole", "floats", "grouped", "np", "random"]


def floats(values: Iterable[float], what: str = "values") -> Floats:
    """Return numbers as one row.

    Raises:
        ValueError: they are no row of finite numbers.

    """
    found = np.asarray(values if isinstance(values, Sequence) or hasattr(values, "dtype") else list(values), float)
    if found.ndim != 1:
        raise ValueError(f"{what} must be one row of numbers, not {found.ndim} dimensions")
    if not np.isfinite(found).all():
        raise ValueError(f"{what} must be finite numbers")
    return found


def grouped(values: Floats, clusters: Iterable[object] | None) -> tuple[Floats, Floats]:
    """Return the sum of each cluster and how many values it has; without clusters every value is its own.

    Raises:
        ValueError: there are not as many clusters as values.

    """
    if clusters is None:
        return values, np.ones(len(values))
    if isinstance(clusters, np.ndarray):
        known, at = np.unique(clusters, return_inverse=True)
        many = len(known)
    else:
        places: dict[object, int] = {}
        at = np.array([places.setdefault(each, len(places)) for each in clusters], dtype=np.int64)
        many = len(places)
    if len(at) != len(values):
        raise ValueError(f"{len(at)} clusters are named for {len(values)} values")
    sums: Floats = np.bincount(at, values, many).astype(float)
    return sums, np.bincount(at, minlength=many).astype(float)


def random(seed: int) -> Random:
    """Return a source of randomness that is the same for the same seed, on every machine."""
    return np.random.default_rng(seed)
