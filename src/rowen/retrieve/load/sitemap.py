"""Source: the web pages that a sitemap names (https://www.sitemaps.org/protocol.html), as far as their host lets them be read."""

import asyncio
import gzip
import hashlib
import io
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser
from xml.etree.ElementTree import Element

from rowen.config import Duration
from rowen.retrieve.load.base import Get, Listed, Original, Page, Ports, unreadable
from rowen.retrieve.xml import tree_of
from rowen.values import Mistaken, Problem, Refused, Settings, Unavailable

_AGENT = "rowen"
_HOPS = 5
_MAPS = 200
_GONE = frozenset({404, 410})
_MOVED = frozenset({301, 302, 303, 307, 308})
_LARGEST_MAP = 60_000_000  # the protocol allows 50 MB


class Options(Settings, frozen=True, kw_only=True):
    """Which pages, and how gently they are read."""

    pages: int = 10_000
    """Pages at most; a sitemap with more is an error, not cut."""
    size: int = 10_000_000
    """Bytes of a page at most."""
    seconds: Duration = 30
    """For one page."""
    pause: Duration = 0
    """Between two pages."""
    hosts: tuple[str, ...] = ()
    """Further hosts whose pages may be read; default: only that of the sitemap."""
    private: bool = False
    """Whether addresses that are not of the public internet may be asked, such as those of an intranet."""
    robots: bool = True
    """Whether `robots.txt` is followed."""


class Sitemap:
    """The pages of a sitemap. Nothing else is asked for: links in pages are not followed."""

    def __init__(self, at: str, options: Options, get: Get) -> None:
        self._at = at
        self._options = options
        self._get = get
        self._hosts = {urlsplit(at).netloc.lower(), *(host.lower() for host in options.hosts)}
        self._robots: dict[str, RobotFileParser] = {}
        self._modified: dict[str, str] = {}
        self.reached = ""

    async def listed(self, _: str) -> AsyncIterator[Listed]:
        self._robots.clear()
        pages: dict[str, str] = {}
        maps = [self._at]
        read = 0
        while maps:
            read += 1
            if read > _MAPS:
                raise unreadable(self._at, f"it names more than {_MAPS} further sitemaps")
            root = _xml(await self._map(maps.pop(0)), self._at)
            for entry in root:
                place = _inner(entry, "loc")
                if _tag(root) == "sitemapindex":
                    maps.append(place)
                elif place and urlsplit(place).netloc.lower() in self._hosts:
                    pages[place] = _inner(entry, "lastmod")
            if len(pages) > self._options.pages:
                raise unreadable(self._at, f"it names more than {self._options.pages:,} pages; raise `pages`")
        self._modified = pages
        for place, modified in pages.items():
            if await self._allowed(place):
                yield Listed(uri=place, raw=f"lastmod:{modified}" if len(modified) > len("2026-01-31") else "")

    async def fetch(self, listed: Listed, known: str) -> Original | None:
        if self._options.pause:
            await asyncio.sleep(self._options.pause)
        headers = {"if-none-match": known.removeprefix("etag:")} if known.startswith("etag:") else {}
        page = await self._page(listed.uri, headers, self._options.size)
        if page.status == 304:  # not modified
            return None
        if page.status in _GONE:
            raise Mistaken("document_broken", f"the server says that it is gone ({page.status})", place=listed.uri)
        if page.status != 200:
            raise unreadable(listed.uri, f"the server answered {page.status}")
        etag = page.headers.get("etag", "")
        content = f"sha256:{hashlib.sha256(page.body).hexdigest()}"
        raw = listed.raw or (f"etag:{etag}" if etag and etag.isascii() else content)
        if raw == known:
            return None
        return Original(
            uri=listed.uri,
            data=page.body,
            raw=raw,
            name=_name(listed.uri, page.headers.get("content-type", "")),
            modified_ns=_moment(page.headers.get("last-modified", ""), self._modified.get(listed.uri, "")),
        )

    async def _map(self, place: str) -> bytes:
        try:
            page = await self._page(place, {}, _LARGEST_MAP)
        except Mistaken as problem:
            raise unreadable(place, problem.message) from problem
        if page.status != 200:
            raise unreadable(place, f"the server answered {page.status}")
        return _unpacked(page.body, place) if page.body.startswith(b"\x1f\x8b") else page.body

    async def _page(self, place: str, headers: dict[str, str], limit: int) -> Page:
        """Return what is at an address, followed to where it moved; each step may go only where the first may."""
        asked = place
        for _ in range(_HOPS):
            if urlsplit(asked).netloc.lower() not in self._hosts:
                message = f"it leads to {urlsplit(asked).netloc}, which is not among the hosts of this source"
                raise Mistaken("document_refused", message, place=place)
            try:
                page = await self._get(
                    asked,
                    {"user-agent": _AGENT, "accept": "text/html, application/xhtml+xml, */*;q=0.8", **headers},
                    limit=limit,
                    seconds=self._options.seconds,
                    private=self._options.private,
                )
            except Refused as problem:
                raise Mistaken("document_refused", problem.message, place=place) from problem
            except Unavailable as problem:
                raise unreadable(place, problem.message) from problem
            if page.status not in _MOVED:
                return page
            asked = urljoin(asked, page.headers.get("location", ""))
            if urlsplit(asked).scheme not in {"http", "https"}:
                raise Mistaken("document_refused", "it leads to an address that is not of the web", place=place)
        raise Mistaken("document_broken", f"it leads on more than {_HOPS} times", place=place)

    async def _allowed(self, place: str) -> bool:
        if not self._options.robots:
            return True
        parts = urlsplit(place)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            rules = RobotFileParser()
            try:
                page = await self._page(f"{origin}/robots.txt", {}, 500_000)
                rules.parse(page.body.decode("utf-8", "replace").splitlines() if page.status == 200 else [])
            except Problem:
                rules.parse([])  # none that can be read says nothing
            self._robots[origin] = rules
        return self._robots[origin].can_fetch(_AGENT, place)


def make(at: str, options: Options, ports: Ports) -> Sitemap:
    """Return the pages of a sitemap.

    Raises:
        Mistaken: `config_invalid`.

    """
    if urlsplit(at).scheme not in {"http", "https"} or not urlsplit(at).netloc:
        raise Mistaken("config_invalid", "a sitemap is at an http(s) address", place="source.at")
    assert ports.get is not None, "whoever makes sources hands in how the web is read"
    return Sitemap(at, options, ports.get)


def _xml(data: bytes, at: str) -> Element:
    try:
        return tree_of(data, "it")
    except Mistaken as problem:
        raise unreadable(at, problem.message) from problem


def _unpacked(data: bytes, place: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            found = packed.read(_LARGEST_MAP + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(place, "it cannot be unpacked") from error
    if len(found) > _LARGEST_MAP:
        raise unreadable(place, f"it unpacks to more than {_LARGEST_MAP:,} bytes")
    return found


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _inner(entry: Element, name: str) -> str:
    return next(((each.text or "").strip() for each in entry if _tag(each) == name), "")


def _name(uri: str, kind: str) -> str:
    """Return a name whose ending says what the server says that it is; the content has the last word."""
    path = urlsplit(uri).path
    last = path.rsplit("/", 1)[-1]
    endings = {"text/markdown": ".md", "application/json": ".json", "text/csv": ".csv"}
    return last if "." in last else f"{last or 'index'}{endings.get(kind.partition(';')[0].strip(), '.html')}"


def _moment(header: str, lastmod: str) -> int:
    """Return when a page was changed, in nanoseconds; 0 when nobody says so."""
    for said, read in ((lastmod, datetime.fromisoformat), (header, parsedate_to_datetime)):
        try:
            found = read(said)
        except (ValueError, TypeError):
            continue
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
    return 0
