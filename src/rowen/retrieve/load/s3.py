"""Source: objects in a bucket of S3, or of what speaks its API. What changed is told by their ETags, without reading them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, unquote_plus, urlencode, urlsplit
from xml.etree.ElementTree import Element

from rowen.config import Duration
from rowen.retrieve.load.base import LARGEST, Get, Listed, Original, Page, Ports, unreadable
from rowen.retrieve.load.files import either
from rowen.retrieve.load.rules import PathRule, Said, Sidecar, matches, ruled, said_in
from rowen.retrieve.xml import tree_of
from rowen.values import Clock, Mistaken, Refused, Secret, Settings, Unavailable, now
from rowen.values.sigv4 import Credentials, signed

_LARGEST_LIST = 20_000_000  # a thousand keys of the longest kind, every byte of them encoded
_LARGEST_BESIDE = 1_000_000
_AGAIN = (0.2, 0.8)  # seconds before what a busy server refused is asked again
_BUSY = frozenset({500, 502, 503, 504})
_GONE = frozenset({404, 410})
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class Options(Settings, frozen=True, kw_only=True):
    """Which objects, where, and under whose name."""

    region: str = "us-east-1"
    """The bucket's region; servers that have none take any."""
    endpoint: str = ""
    """The address of a server other than Amazon's, such as `https://minio.example.org:9000`."""
    key: Secret | None = None
    """By reference, `KEY_ID:SECRET` or `KEY_ID:SECRET:SESSION_TOKEN`; left out for a bucket that everybody may read."""
    ignore: tuple[str, ...] = ()
    """Globs of objects that are passed over."""
    objects: int = 100_000
    """Objects at most; a listing with more is an error, not cut."""
    size: int = LARGEST
    """Bytes of an object at most; larger ones are put aside unread."""
    seconds: Duration = 60
    """For one object, or one page of the listing."""
    private: bool = False
    """Whether an endpoint that is not of the public internet may be asked."""
    rules: tuple[PathRule, ...] = ()
    """What is said of objects by their key; of several that match, the last that says a thing counts."""


class _Object(NamedTuple):
    etag: str
    size: int
    modified_ns: int
    beside: str = ""
    """The key of its sidecar."""


class Bucket:
    """Objects of one bucket whose keys a glob matches.

    Args:
        name: of the bucket.
        glob: over keys; empty for all.
        options: where it is, and which of them.
        get: how the web is read.
        clock: for signatures, which hold for minutes.

    """

    def __init__(self, name: str, glob: str, options: Options, get: Get, clock: Clock) -> None:
        self._name = name
        self._prefix = _plain(glob)
        self._globs = _globs(glob)
        self._options = options
        self._get = get
        self._clock = clock
        self._base = _address(name, options)
        self._credentials = Credentials.of(options.key.reveal()) if options.key else None
        self._there: dict[str, _Object] = {}
        self.reached = ""

    async def listed(self, _: str) -> AsyncIterator[Listed]:
        every = {key: each async for key, each in self._all()}
        self._there = {
            key: each._replace(beside=next((key + end for end in Sidecar.ENDINGS if key + end in every), ""))
            for key, each in sorted(every.items())
            if matches(key, self._globs) and not matches(key, self._options.ignore) and not Sidecar.names(key)
        }
        for key, each in self._there.items():
            yield Listed(uri=self._uri(key), raw=self._raw(key, each, every[each.beside].etag if each.beside else ""))

    async def fetch(self, listed: Listed, known: str) -> Original | None:
        key = listed.uri.removeprefix(self._uri(""))
        found = self._there[key]
        if found.size > self._options.size:
            message = f"it has {found.size:,} bytes; {self._options.size:,} are read at most"
            raise Mistaken("document_too_large", message, place=listed.uri)
        page = await self._object(key, self._options.size)
        if page is None:
            return None  # gone since it was listed; the next look removes it
        if found.etag and page.headers.get("etag", found.etag) != found.etag:
            raise unreadable(listed.uri, "it was changed since it was listed")
        said = ruled(key, self._options.rules)
        if found.beside:
            beside = await self._object(found.beside, _LARGEST_BESIDE)
            if beside is None:
                raise unreadable(listed.uri, f"{found.beside} beside it is gone since it was listed")
            said = said.over(said_in(beside.body, found.beside))
        raw = listed.raw or f"sha256:{hashlib.sha256(page.body + said.mark()).hexdigest()}"
        if raw == known:
            return None
        return Original(
            uri=listed.uri,
            data=page.body,
            raw=raw,
            title=said.title,
            modified_ns=found.modified_ns,
            metadata=said.metadata,
            access=said.access,
        )

    async def _all(self) -> AsyncIterator[tuple[str, _Object]]:
        token, asked, count = "", set[str](), 0
        while True:
            query = {"list-type": "2", "encoding-type": "url", "prefix": self._prefix}
            root = await self._listing({**query, "continuation-token": token} if token else query)
            encoded = _inner(root, "EncodingType") == "url"
            for entry in root:
                if _tag(entry) == "Contents":
                    key = unquote_plus(_inner(entry, "Key")) if encoded else _inner(entry, "Key")
                    if not key.endswith("/"):  # such an object stands for a folder
                        count += 1
                        yield key, _read(entry)
            if count > self._options.objects:
                message = f"it has more than {self._options.objects:,} objects; raise `objects`"
                raise unreadable(self._uri(self._prefix), message)
            token = _inner(root, "NextContinuationToken")
            if _inner(root, "IsTruncated") != "true":
                return
            if not token or token in asked or len(asked) > self._options.objects:
                raise unreadable(self._uri(self._prefix), "its listing does not come to an end")
            asked.add(token)

    async def _listing(self, query: Mapping[str, str]) -> Element:
        place = self._uri(self._prefix)
        try:
            page = await self._asked("", urlencode(sorted(query.items()), quote_via=quote), _LARGEST_LIST)
        except Mistaken as problem:
            raise unreadable(place, problem.message) from problem
        if page.status != 200:
            region = page.headers.get("x-amz-bucket-region", "")
            hint = f": it is in the region {region}" if region and region != self._options.region else ""
            raise unreadable(place, f"the server answered {page.status}{_code(page)}{hint}")
        try:
            root = tree_of(page.body, "the listing")
        except Mistaken as problem:
            raise unreadable(place, problem.message) from problem
        if _tag(root) != "ListBucketResult":
            raise unreadable(place, "what answers there is no S3")
        return root

    async def _object(self, key: str, limit: int) -> Page | None:
        page = await self._asked(quote(key, safe="/-_.~"), "", limit)
        if page.status in _GONE:
            return None
        if page.status == 403:  # among others, of an archived one that was not restored
            raise Mistaken("document_broken", f"the server refuses to hand it out{_code(page)}", place=self._uri(key))
        if page.status != 200:
            raise unreadable(self._uri(key), f"the server answered {page.status}{_code(page)}")
        return page

    async def _asked(self, path: str, query: str, limit: int) -> Page:
        url = f"{self._base}/{path}{'?' if query else ''}{query}"
        for wait in (*_AGAIN, None):
            page = await self._once(url, limit)
            if page.status not in _BUSY or wait is None:
                break
            await asyncio.sleep(wait)
        return page

    async def _once(self, url: str, limit: int) -> Page:
        headers: dict[str, str] = {"accept-encoding": "identity"}
        if self._credentials is not None:
            headers = signed(
                "GET",
                url,
                headers,
                b"",
                credentials=self._credentials,
                region=self._options.region,
                service="s3",
                at=now(self._clock),
            )
        try:
            return await self._get(
                url, headers, limit=limit, seconds=self._options.seconds, private=self._options.private
            )
        except Refused as problem:
            raise unreadable(self._base, problem.message) from problem
        except Unavailable as problem:
            raise unreadable(self._base, problem.message) from problem

    def _raw(self, key: str, found: _Object, beside: str) -> str:
        """Return what changes with an object, its sidecar, or what rules say of it; nothing where the server gives no ETag."""
        if not found.etag or (found.beside and not beside):
            return ""
        said = ruled(key, self._options.rules)
        more = f"|{hashlib.sha256(said.mark()).hexdigest()[:16]}" if said != Said() else ""
        return f"etag:{found.etag}{f'+{beside}' if beside else ''}{more}"

    def _uri(self, key: str) -> str:
        return f"s3://{self._name}/{key}"


def make(at: str, options: Options, ports: Ports) -> Bucket:
    """Return the objects at `s3://BUCKET/GLOB`.

    Raises:
        Mistaken: `config_invalid`.

    """
    scheme, _, rest = at.partition("://")
    name, _, glob = rest.partition("/")
    if scheme != "s3" or not _BUCKET.fullmatch(name):
        message = 'a source of objects is at s3://BUCKET/GLOB, such as "s3://handbook/docs/**/*.md"'
        raise Mistaken("config_invalid", message, place="source.at")
    if options.endpoint and (urlsplit(options.endpoint).scheme not in {"http", "https"} or not _host(options.endpoint)):
        raise Mistaken("config_invalid", "an endpoint is an http(s) address", place="source.options.endpoint")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", options.region):
        raise Mistaken("config_invalid", 'a region is a name such as "eu-west-1"', place="source.options.region")
    if options.key is not None and options.key.reveal() and Credentials.of(options.key.reveal()) is None:
        message = "a key is KEY_ID:SECRET, with :SESSION_TOKEN behind it where there is one"
        raise Mistaken("config_secret", message, place="source.options.key")
    assert ports.get is not None, "whoever makes sources hands in how the web is read"
    return Bucket(name, glob, options, ports.get, ports.clock)


def _address(bucket: str, options: Options) -> str:
    """Return where the objects of a bucket are, without a slash at the end."""
    if options.endpoint:
        return f"{options.endpoint.rstrip('/')}/{bucket}"
    if "." in bucket:  # no certificate is for a name with more dots
        return f"https://s3.{options.region}.amazonaws.com/{bucket}"
    return f"https://{bucket}.s3.{options.region}.amazonaws.com"


def _globs(glob: str) -> list[str]:
    """Return the globs that a place names; one without signs is an object, or a folder with all that is in it."""
    if glob != _plain(glob):
        return either(glob)
    folder = glob.rstrip("/")
    return [glob, f"{folder}/**"] if folder else ["**"]


def _plain(glob: str) -> str:
    """Return what all keys that a glob matches begin with."""
    return re.split(r"[*?{]", glob, maxsplit=1)[0]


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _read(entry: Element) -> _Object:
    size = _inner(entry, "Size")
    try:
        modified = datetime.fromisoformat(_inner(entry, "LastModified"))
    except ValueError:
        modified = None
    stamp = int(modified.timestamp()) * 1_000_000_000 if modified is not None else 0
    return _Object(_inner(entry, "ETag"), int(size) if size.isdecimal() else 0, stamp)


def _code(page: Page) -> str:
    """Return the name that S3 gives an error, in brackets; its sentence may repeat what was sent."""
    try:
        code = _inner(tree_of(page.body, "it"), "Code")
    except Mistaken:
        return ""
    return f" ({code})" if re.fullmatch(r"\w{1,60}", code) else ""


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _inner(entry: Element, name: str) -> str:
    return next(((each.text or "").strip() for each in entry if _tag(each) == name), "")
