"""Rows of a table as text: each row a line that names its columns, so that a chunk of them says what the figures are."""

from collections.abc import Iterable, Sequence


def lines_of(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the rows as lines: `name: value; name: value` below a row of names, else `value | value`."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return []
    names = [cell.strip() for cell in filled[0]]
    if not _names(names) or len(filled) == 1:
        return [" | ".join(cell.strip() for cell in row).strip(" |") for row in filled]
    return [_named(names, row) for row in filled[1:]]


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    said = [f"{name}: {cell.strip()}" for name, cell in zip(names, row, strict=False) if cell.strip()]
    return "; ".join(said + [cell.strip() for cell in row[len(names) :] if cell.strip()]).replace("\n", " ")


def _names(cells: Sequence[str]) -> bool:
    """Whether the first row names the columns: short words, each once, none of them a number."""
    filled = [cell for cell in cells if cell]
    return (
        len(filled) == len(cells) > 1
        and len(set(cells)) == len(cells)
        and all(
            len(cell) <= 80 and not cell.replace(".", "").replace(",", "").replace("-", "").isdigit() for cell in cells
        )
    )
