"""Where in a TOML file each key stands. `tomllib` gives values without lines; errors need both."""

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class Places:
    """Line numbers of a TOML text by path. A key inside an inline table has the line of the key that holds it."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        counts: dict[Path, int] = {}
        table: Path = ()
        fence = ""
        for number, line in enumerate(text.splitlines(), start=1):
            if fence:
                fence = "" if fence in line else fence
                continue
            if header := _HEADER.match(line):
                table = self._open(_parts(header[2]), counts, many=header[1] == "[[")
                for depth in range(1, len(table) + 1):  # [model.main] is where `model` stands too
                    self._lines.setdefault(table[:depth], number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*table, *_parts(key[1])), number)
                rest = line[key.end() :]
                for quotes in ('"""', "'''"):
                    if rest.count(quotes) % 2:
                        fence = quotes

    def line(self, path: Path) -> int | None:
        """Return the line of the nearest key at or above the path."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    @staticmethod
    def _open(parts: Path, counts: dict[Path, int], *, many: bool) -> Path:
        """Return a header's path with the index of each array of tables on the way."""
        path: Path = ()
        for depth, part in enumerate(parts):
            path = (*path, part)
            if many and depth == len(parts) - 1:
                counts[path] = counts.get(path, -1) + 1
            if path in counts:
                path = (*path, counts[path])
        return path


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
