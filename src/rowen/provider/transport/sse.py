"""Server-sent events, as LLM upstreams use them: bytes in any pieces → the data of each event.

The grammar is the WHATWG one (https://html.spec.whatwg.org/multipage/server-sent-events.html) with two leniencies: an
event whose data is empty is left out, and what a well-ended body holds after its last blank line counts as an event.
"""

from collections.abc import AsyncIterator

from rowen.values.errors import Unavailable

MAX_EVENT = 4_194_304  # bytes; an image in base64 fits
_BOM = b"\xef\xbb\xbf"


class Sse:
    """The parser. `feed` gives the events that a piece completes, as (name, data); the name is empty where none was."""

    __slots__ = ("_clean", "_data", "_line", "_max", "_name", "_size", "_skip_newline", "_started")

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max = max_event
        self._started = False
        self._skip_newline = False
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._name = ""
        self._size = 0
        self._clean = True

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """Return the events that end in this piece.

        Raises:
            Unavailable: `upstream_garbage` for an event of more than `max_event` bytes.

        """
        # Nearly every read is one whole event on one line.
        if (
            self._clean
            and piece[:6] == b"data: "
            and piece[-2:] == b"\n\n"
            and piece.find(b"\n") == (end := len(piece) - 2)
            and b"\r" not in piece
            and 6 < end <= self._max
        ):
            self._started = True
            return [("", piece[6:end])]
        if self._clean and len(piece) <= self._max and (found := _several(piece)):
            self._started = True
            return found
        return self._slowly(piece)

    def end(self) -> list[tuple[str, bytes]]:
        """Return what a body that ended as it should holds after its last blank line."""
        return self._slowly(b"\n\n") if self._started else []

    def _slowly(self, piece: bytes) -> list[tuple[str, bytes]]:
        if not piece:
            return []
        if not self._started:
            piece = b"".join((*self._line, piece))
            self._line.clear()
            self._size = 0
            if len(piece) < 3 and _BOM.startswith(piece):
                self._line.append(piece)
                self._clean = False
                return []
            self._started = True
            piece = piece.removeprefix(_BOM)
        if b"\r" in piece or self._skip_newline:
            # A carriage return ends the line at once; a line feed that follows it, perhaps in the next piece, is part of it.
            if self._skip_newline and piece[:1] == b"\n":
                piece = piece[1:]
            self._skip_newline = piece[-1:] == b"\r" if piece else False
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = piece.split(b"\n")
        rest = lines.pop()
        found: list[tuple[str, bytes]] = []
        if lines and self._line:
            self._line.append(lines[0])
            lines[0] = b"".join(self._line)
            self._size -= len(lines[0]) - len(self._line.pop())
            self._line.clear()
        for line in lines:
            if not line:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    if data:
                        found.append((self._name, data))
                    self._data.clear()
                    self._size = 0
                self._name = ""
            elif line[:5] == b"data:":
                data = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(data)
                self._size += len(data) + 1
                self._check()
            elif line[:6] == b"event:":
                self._name = line[6:].removeprefix(b" ").decode("utf-8", "replace")
            elif line == b"data":
                self._data.append(b"")
                self._size += 1
                self._check()
        if rest:
            self._line.append(rest)
            self._size += len(rest)
            self._check()
        self._clean = not (self._line or self._data or self._name or self._skip_newline)
        return found

    def _check(self) -> None:
        if self._size > self._max:
            raise Unavailable("upstream_garbage", f"An event of the stream is longer than {self._max} bytes.")


def _several(piece: bytes) -> list[tuple[str, bytes]]:
    """Return the events of a piece that holds whole ones, each on one line of data; nothing where it holds others."""
    if piece[-2:] != b"\n\n" or b"\r" in piece:
        return []
    events = piece.split(b"\n\n")
    events.pop()
    if piece.count(b"\n") != 2 * len(events):
        return []
    found = [("", event[6:]) for event in events if event[:6] == b"data: " and len(event) > 6]
    return found if len(found) == len(events) else []


async def sse(chunks: AsyncIterator[bytes], *, max_event: int = MAX_EVENT) -> AsyncIterator[bytes]:
    """Yield the data of each event of a body.

    Raises:
        Unavailable: `upstream_garbage` for an event of more than `max_event` bytes, and what `chunks` raises.

    """
    parser = Sse(max_event)
    async for piece in chunks:
        for _, data in parser.feed(piece):
            yield data
    for _, data in parser.end():
        yield data
