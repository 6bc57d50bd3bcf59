"""How names of things are compared: by their letters and digits, whatever their case, spacing and punctuation."""

import re
import unicodedata
from collections.abc import Iterable

_APART = re.compile(r"[\W_]+")
_OWNER = re.compile(r"['’]s?(?=\W|$)")


def key_of(name: str) -> str:
    """Return what is the same for all spellings of a name: `Lia Brenn`, `LIA  BRENN` and `Lia Brenn's` are one."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return _APART.sub(" ", _OWNER.sub("", plain)).strip()


def keys_of(names: Iterable[str]) -> list[str]:
    """Return the keys of names, each once, without those of nothing but punctuation."""
    return [key for key in dict.fromkeys(map(key_of, names)) if key]
