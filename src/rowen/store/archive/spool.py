"""Lines on their way into the files of a day: gathered on the disk, then turned into Parquet by DuckDB."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import zstandard

from rowen.store.archive import engine
from rowen.store.archive.columns import KEY, TABLES, Family, named, spooled, typed
from rowen.store.archive.folder import hash_of, unwritten
from rowen.store.archive.manifest import Part
from rowen.values import Broken, Unavailable

_ROWS = 8_192  # of a row group at most
_GROUP = 32 * 1024 * 1024  # bytes of one, about: what DuckDB holds in memory while it writes
_LEAST = 16 * 1024 * 1024  # bytes of a line that DuckDB is prepared for


class Spool:
    """Takes lines of the three tables, one after another, in memory that does not grow with their number.

    Args:
        folder: where the lines lie until they are Parquet, and the files after that.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: engine.Connection | None = None
        self._stopped = False
        self._lines = {table: _Lines(folder / f"{table}.jsonl.zst") for table in TABLES}

    def add(self, table: Family, lines: Iterable[bytes]) -> None:
        """Take lines.

        Raises:
            Unavailable: `store_unavailable`, such as when the disk is full.

        """
        try:
            self._lines[table].add(lines)
        except OSError as error:
            raise unwritten(error, self._folder) from error

    def content(self, table: Family) -> str:
        """Return the hash of all lines of a table."""
        return self._lines[table].content

    def rows(self, table: Family) -> int:
        """Return how many lines of a table there are."""
        return self._lines[table].count

    def close(self) -> None:
        """Write what is left of the lines."""
        try:
            for lines in self._lines.values():
                lines.close()
        except OSError as error:
            raise unwritten(error, self._folder) from error

    def parquet(
        self, table: Family, name: str, *, earlier: str | None = None, without: Sequence[str] = ()
    ) -> Part | None:
        """Write a table as one file; return what the manifest says of it, None when there is no row.

        Args:
            table: which.
            name: of the file, in the spool's folder.
            earlier: a file whose rows are taken over, but for those of traces or scores that the spool has too.
            without: further traces or scores that are not taken over.

        Raises:
            Unavailable: `store_unavailable`. Broken: `store_corrupt` when `earlier` is damaged.

        """
        lines = self._lines[table]
        sources = [f"SELECT {typed(table)} FROM {self._read(table)}"] if lines.count else []  # noqa: S608 - our own path
        try:
            with engine.writing(self._folder) as connection:
                self._connection = connection
                if self._stopped:
                    raise Unavailable("shutting_down", who="archive")
                if earlier is not None:
                    sources.append(_TAKEN_OVER.format(table=named(table), file=engine.text(earlier), key=KEY[table]))
                    self._gone(connection, table, without)
                if not sources:
                    return None
                target = engine.text(str(self._folder / name))
                connection.execute(
                    f"COPY ({' UNION ALL '.join(sources)}) TO {target} "
                    f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {self._group(connection, table, earlier)})"
                )
                counted = connection.execute(f"SELECT count(*) FROM read_parquet({target})").fetchone()  # noqa: S608 - our own path
        except engine.failure() as error:
            raise self._problem(error, earlier) from error
        except OSError as error:
            raise unwritten(error, self._folder) from error
        rows = int(counted[0]) if counted else 0
        if rows < lines.count:
            raise Broken("broken", f"{rows} of {lines.count} rows of {table} arrived in {target}")
        if not rows:
            return None
        file = self._folder / name
        return Part(file=name, rows=rows, bytes=file.stat().st_size, sha256=hash_of(file))

    def stop(self) -> None:
        """End a `parquet` that another thread is in; it raises `Unavailable`."""
        self._stopped = True
        if self._connection is not None:
            with suppress(engine.failure()):  # closed already: it has ended by itself
                self._connection.interrupt()

    def _group(self, connection: engine.Connection, table: Family, earlier: str | None) -> int:
        """Return how many rows make a group, so that it is not too large where rows are long."""
        count, size = self._lines[table].count, self._lines[table].size
        if earlier is not None:
            found = connection.execute(_SIZE.format(file=engine.text(earlier))).fetchone() or (0, 0)
            count, size = count + int(found[0]), size + int(found[1])
        return max(16, min(_ROWS, _GROUP * max(1, count) // max(1, size)))

    def _read(self, table: Family) -> str:
        lines = self._lines[table]
        return (
            f"read_json({engine.text(str(lines.path))}, columns = {spooled(table)}, format = 'newline_delimited', "
            f"compression = 'zstd', maximum_object_size = {max(_LEAST, 2 * lines.longest)})"
        )

    def _gone(self, connection: engine.Connection, table: Family, without: Sequence[str]) -> None:
        """Note which traces or scores of an earlier file are not taken over."""
        connection.execute("CREATE TEMP TABLE gone (id VARCHAR)")
        connection.execute("INSERT INTO gone SELECT unnest(?::VARCHAR[])", [list(without)])
        source: Family = "scores" if table == "scores" else "traces"
        if self._lines[source].count:
            connection.execute(f"INSERT INTO gone SELECT id FROM {self._read(source)}")  # noqa: S608 - made of constants

    def _problem(self, error: Exception, earlier: str | None) -> Unavailable | Broken:
        said = str(error).strip().splitlines()[0]
        if earlier is not None and earlier in said:
            return Broken("store_corrupt", f"{earlier} of the archive is damaged: {said}", place=earlier)
        return Unavailable(
            "store_unavailable", f"the archive in {self._folder.parent.parent} cannot be written: {said}", who="archive"
        )


_SIZE = """SELECT (SELECT sum(num_rows) FROM parquet_file_metadata({file})),
(SELECT sum(total_uncompressed_size) FROM parquet_metadata({file}))"""
_TAKEN_OVER = "SELECT {table} FROM read_parquet({file}) WHERE {key} NOT IN (SELECT id FROM gone)"


class _Lines:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.longest = 0
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = path.open("wb")
        self._stream = zstandard.ZstdCompressor(level=1).stream_writer(self._file)

    @property
    def content(self) -> str:
        return self._hash.hexdigest()

    def add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._hash.update(line)
            self._stream.write(line)
            self.count += 1
            self.size += len(line)
            self.longest = max(self.longest, len(line))

    def close(self) -> None:
        self._stream.flush(zstandard.FLUSH_FRAME)
        self._file.close()
