"""Web pages by their sitemap, from a real server on loopback: what has changed, what is refused, what is gone."""

import gzip

import pytest

from rowen.retrieve.base import SourceTable
from rowen.retrieve.load import Page, Ports, source_of
from rowen.serve.reading import Web
from rowen.testing.upstream import FaultUpstream, Hang, Huge, Reply
from rowen.values import Mistaken, Unavailable


def sitemap(*places: str, lastmod: str = "") -> bytes:
    stamp = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    inner = "".join(f"<url><loc>{place}</loc>{stamp}</url>" for place in places)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</urlset>'.encode()


@pytest.fixture
async def up():
    async with FaultUpstream() as upstream:
        upstream.on("/robots.txt", Reply(status=404))
        yield upstream


@pytest.fixture
async def web():
    made = Web()
    yield made
    await made.close()


def source(up, web, **options):
    table = SourceTable(kind="sitemap", at=f"{up.url}/sitemap.xml", options={"private": True, "seconds": 5, **options})
    return source_of(table, Ports(get=web))


async def looked(source):
    return [listed async for listed in source.listed("")]


async def test_pages_of_a_sitemap_are_read_with_their_dates(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a", lastmod="2026-01-31T10:00:00+00:00")))
    up.on("/a", Reply(body=b"<!doctype html><p>A", headers={"content-type": "text/html"}))
    made = source(up, web)

    (listed,) = await looked(made)
    found = await made.fetch(listed, "")

    assert found.data == b"<!doctype html><p>A"
    assert found.name == "a.html"
    assert found.modified_ns == 1_769_853_600_000_000_000
    assert listed.raw == found.raw == "lastmod:2026-01-31T10:00:00+00:00"


async def test_a_page_with_an_etag_is_asked_for_only_if_it_changed(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a")))
    up.on("/a", Reply(body=b"one", headers={"etag": '"1"'}), Reply(status=304))
    made = source(up, web)
    (listed,) = await looked(made)

    first = await made.fetch(listed, "")
    second = await made.fetch(listed, first.raw)

    assert first.raw == 'etag:"1"'
    assert second is None
    assert up.requests[-1].headers["if-none-match"] == '"1"'


async def test_a_page_without_any_mark_is_told_by_its_content(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a")))
    up.on("/a", Reply(body=b"one"), Reply(body=b"one"), Reply(body=b"two"))
    made = source(up, web)
    (listed,) = await looked(made)

    first = await made.fetch(listed, "")

    assert await made.fetch(listed, first.raw) is None
    assert (await made.fetch(listed, first.raw)).data == b"two"


async def test_a_packed_index_of_sitemaps_is_followed(up, web):
    index = f"<sitemapindex><sitemap><loc>{up.url}/more.xml.gz</loc></sitemap></sitemapindex>".encode()
    up.on("/sitemap.xml", Reply(body=index))
    up.on("/more.xml.gz", Reply(body=gzip.compress(sitemap(f"{up.url}/a", f"{up.url}/b"))))

    assert [listed.uri for listed in await looked(source(up, web))] == [f"{up.url}/a", f"{up.url}/b"]


async def test_pages_of_other_hosts_and_those_that_robots_may_not_read_are_left_out(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a", "https://elsewhere.example/b", f"{up.url}/private/c")))
    up.on("/robots.txt", Reply(body=b"User-agent: *\nDisallow: /private/"))

    assert [listed.uri for listed in await looked(source(up, web))] == [f"{up.url}/a"]


async def test_addresses_of_one_s_own_network_are_refused_unless_they_are_allowed(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a")))

    with pytest.raises(Unavailable) as caught:
        await looked(source(up, web, private=False))

    assert caught.value.code == "source_unreadable"
    assert "no address that may be connected to" in caught.value.message
    assert not up.requests


async def test_a_redirect_is_checked_as_the_first_address_is(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/a", f"{up.url}/b", f"{up.url}/c")))
    up.on("/a", Reply(status=302, headers={"location": "/moved"}))
    up.on("/moved", Reply(body=b"moved"))
    up.on("/b", Reply(status=302, headers={"location": "http://169.254.169.254/latest/meta-data"}))
    up.on("/c", Reply(status=302, headers={"location": "file:///etc/passwd"}))
    made = source(up, web)
    a, b, c = await looked(made)

    assert (await made.fetch(a, "")).data == b"moved"
    for listed in (b, c):
        with pytest.raises(Mistaken) as caught:
            await made.fetch(listed, "")
        assert caught.value.code == "document_refused"


async def test_a_redirect_into_one_s_own_network_is_refused_by_the_address_it_means(up):
    # What a name means is asked when it is connected to, on every step.
    async def get(url, headers, *, limit, seconds, private):
        if "inner" in url:
            return await web(
                url.replace("inner.example", "127.0.0.1:1"), headers, limit=limit, seconds=seconds, private=private
            )
        return Page(302, {"location": "https://inner.example/"}, b"")

    web = Web()
    table = SourceTable(
        kind="sitemap", at="https://outer.example/s.xml", options={"hosts": ["inner.example"], "robots": False}
    )
    made = source_of(table, Ports(get=get))

    with pytest.raises(Unavailable) as caught:
        await looked(made)
    await web.close()

    assert "no address that may be connected to" in caught.value.message


async def test_a_page_that_is_too_large_or_too_slow_is_no_harm_to_the_others(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(f"{up.url}/huge", f"{up.url}/slow", f"{up.url}/a")))
    up.on("/huge", Huge(size=1_000_000))
    up.on("/slow", Hang())
    up.on("/a", Reply(body=b"a"))
    made = source(up, web, size=100_000, seconds=0.3)
    huge, slow, a = await looked(made)

    with pytest.raises(Mistaken) as large:
        await made.fetch(huge, "")
    with pytest.raises(Unavailable) as late:
        await made.fetch(slow, "")

    assert large.value.code == "document_too_large"
    assert late.value.code == "source_unreadable"
    assert (await made.fetch(a, "")).data == b"a"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=500), "answered 500"),
        (Reply(body=b"not xml"), "no XML"),
        (Reply(body=b'<!DOCTYPE a [<!ENTITY b "c">]><urlset/>'), "entities"),
        (Reply(body=gzip.compress(b"x")[:-6]), "unpacked"),
    ],
)
async def test_a_sitemap_that_cannot_be_read_is_an_error_and_not_an_empty_one(up, web, reply, said):
    up.on("/sitemap.xml", reply)

    with pytest.raises(Unavailable) as caught:
        await looked(source(up, web))

    assert said in caught.value.message


async def test_more_pages_than_are_wanted_are_an_error_and_not_cut(up, web):
    up.on("/sitemap.xml", Reply(body=sitemap(*(f"{up.url}/{number}" for number in range(5)))))

    with pytest.raises(Unavailable) as caught:
        await looked(source(up, web, pages=4))

    assert "raise `pages`" in caught.value.message
