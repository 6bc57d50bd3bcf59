"""Objects of a bucket, from a server of S3's API that checks every signature, and from servers that misbehave."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
import httpx2
import pytest
from moto.server import ThreadedMotoServer

from rowen.retrieve.base import RetrieveSettings, SourceTable
from rowen.retrieve.load import Ports, source_of
from rowen.retrieve.parse import Reading
from rowen.retrieve.plan import Watched, plan_of
from rowen.retrieve.state import States
from rowen.retrieve.sync import Sync
from rowen.serve.reading import Web
from rowen.store.catalog import open_store
from rowen.store.knowledge import Collection
from rowen.testing.upstream import FaultUpstream, Reply
from rowen.values import Mistaken, SystemClock, Unavailable

ODD = "docs/ä b+c%20&=~/'(1)'.md"


@dataclass
class Cloud:
    url: str
    s3: Any
    key: str

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket="handbook", Key=key, Body=text.encode())


@pytest.fixture(scope="module")
def started():
    """A server behind which every signature is checked, and a user who may read."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    def client(service, id, secret):
        return boto3.client(
            service, endpoint_url=url, aws_access_key_id=id, aws_secret_access_key=secret, region_name="us-east-1"
        )

    iam = client("iam", "x", "x")
    iam.create_user(UserName="reader")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    httpx2.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()
    yield Cloud(
        url,
        client("s3", made["AccessKeyId"], made["SecretAccessKey"]),
        f"{made['AccessKeyId']}:{made['SecretAccessKey']}",
    )
    httpx2.post(f"{url}/moto-api/reset-auth", content=b"inf").raise_for_status()
    server.stop()


@pytest.fixture
def cloud(started):
    started.s3.create_bucket(Bucket="handbook")
    yield started
    for each in started.s3.list_objects_v2(Bucket="handbook").get("Contents", []):
        started.s3.delete_object(Bucket="handbook", Key=each["Key"])
    started.s3.delete_bucket(Bucket="handbook")


@pytest.fixture
async def web():
    made = Web()
    yield made
    await made.close()


@pytest.fixture
async def up():
    async with FaultUpstream() as upstream:
        yield upstream


def source(endpoint, web, at="s3://handbook/docs/**", key="", **options):
    table = SourceTable(
        kind="s3",
        at=at,
        options={"endpoint": endpoint, "private": True, "seconds": 5, **({"key": {"env": "S3"}} if key else {})}
        | options,
    )
    return source_of(table, Ports(get=web), environment=lambda _: key)


async def looked(source):
    return {listed.uri: listed async for listed in source.listed("")}


async def test_objects_are_listed_and_read_under_a_signature_that_the_server_checks(cloud, web):
    cloud.put("docs/leave.md", "# Leave")
    cloud.put(ODD, "odd")
    cloud.put("other.md", "not asked for")
    cloud.s3.put_object(Bucket="handbook", Key="docs/folder/")
    made = source(cloud.url, web, key=cloud.key)

    there = await looked(made)
    found = {uri: (await made.fetch(listed, "")).data for uri, listed in there.items()}

    assert found == {"s3://handbook/docs/leave.md": b"# Leave", f"s3://handbook/{ODD}": b"odd"}
    assert all(listed.raw.startswith('etag:"') for listed in there.values())


async def test_another_secret_is_refused_and_takes_nothing_away(cloud, web):
    made = source(cloud.url, web, key=f"{cloud.key}x")

    with pytest.raises(Unavailable) as caught:
        await looked(made)

    assert caught.value.code == "source_unreadable"
    assert "403 (SignatureDoesNotMatch)" in caught.value.message
    assert cloud.key.partition(":")[2] not in repr(caught.value)


async def test_what_changed_is_told_without_reading_it(cloud, web):
    cloud.put("docs/a.md", "one")
    cloud.put("docs/b.md", "two")
    made = source(cloud.url, web, key=cloud.key)
    before = await looked(made)
    cloud.put("docs/a.md", "three")
    cloud.s3.delete_object(Bucket="handbook", Key="docs/b.md")
    cloud.put("docs/c.md", "new")

    after = await looked(made)

    assert after.keys() == {"s3://handbook/docs/a.md", "s3://handbook/docs/c.md"}
    assert after["s3://handbook/docs/a.md"].raw != before["s3://handbook/docs/a.md"].raw
    assert (await looked(made)) == after


async def test_a_listing_of_several_pages_is_read_to_its_end(cloud, web, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for nth in range(5):
        cloud.put(f"docs/{nth} ä.md", str(nth))
    made = source(cloud.url, web, key=cloud.key)

    assert list(await looked(made)) == [f"s3://handbook/docs/{nth} ä.md" for nth in range(5)]
    with pytest.raises(Unavailable, match="more than 4 objects"):
        await looked(source(cloud.url, web, key=cloud.key, objects=4))


async def test_what_stands_beside_an_object_and_what_rules_say_counts_and_its_change_too(cloud, web):
    cloud.put("docs/pay.md", "scales")
    cloud.put("docs/pay.md.meta.json", '{"title": "Pay", "access": ["hr"]}')
    rules = [{"match": "docs/*", "metadata": {"team": "people"}}]
    made = source(cloud.url, web, key=cloud.key, rules=rules)

    (listed,) = (await looked(made)).values()
    found = await made.fetch(listed, "")
    cloud.put("docs/pay.md.meta.json", '{"title": "Pay", "access": ["board"]}')
    (later,) = (await looked(made)).values()

    assert (found.title, found.access, found.metadata) == ("Pay", ("hr",), {"team": "people"})
    assert later.raw != listed.raw
    assert (await made.fetch(later, listed.raw)).access == ("board",)


async def test_a_sidecar_that_cannot_be_understood_keeps_its_object_out(cloud, web):
    cloud.put("docs/pay.md", "scales")
    cloud.put("docs/pay.md.meta.json", '{"acess": ["hr"]}')
    made = source(cloud.url, web, key=cloud.key)
    (listed,) = (await looked(made)).values()

    with pytest.raises(Mistaken) as caught:
        await made.fetch(listed, "")

    assert caught.value.code == "document_broken"


async def test_a_large_object_is_put_aside_unread(cloud, web):
    cloud.put("docs/a.md", "x" * 100)
    made = source(cloud.url, web, key=cloud.key, size=99)
    (listed,) = (await looked(made)).values()

    with pytest.raises(Mistaken) as caught:
        await made.fetch(listed, "")

    assert caught.value.code == "document_too_large"


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("s3://handbook", {"a.txt", "docs/b.md", "docs/in/c.md", "docs.md"}),
        ("s3://handbook/docs", {"docs/b.md", "docs/in/c.md"}),
        ("s3://handbook/docs/", {"docs/b.md", "docs/in/c.md"}),
        ("s3://handbook/docs/*.md", {"docs/b.md"}),
        ("s3://handbook/**/*.{md,pdf}", {"docs/b.md", "docs/in/c.md", "docs.md"}),
        ("s3://handbook/a.txt", {"a.txt"}),
    ],
)
async def test_a_glob_says_which_objects(cloud, web, at, found):
    for key in ("a.txt", "docs/b.md", "docs/in/c.md", "docs.md"):
        cloud.put(key, key)

    there = await looked(source(cloud.url, web, at, key=cloud.key))

    assert {uri.removeprefix("s3://handbook/") for uri in there} == found


async def test_an_object_that_went_since_it_was_listed_is_left_to_the_next_look(cloud, web):
    cloud.put("docs/a.md", "one")
    made = source(cloud.url, web, key=cloud.key)
    (listed,) = (await looked(made)).values()
    cloud.s3.delete_object(Bucket="handbook", Key="docs/a.md")

    assert await made.fetch(listed, "") is None


async def test_an_object_that_changed_since_it_was_listed_is_tried_again(cloud, web):
    cloud.put("docs/a.md", "one")
    made = source(cloud.url, web, key=cloud.key)
    (listed,) = (await looked(made)).values()
    cloud.put("docs/a.md", "two")

    with pytest.raises(Unavailable, match="changed since"):
        await made.fetch(listed, "")


async def test_what_is_gone_from_the_bucket_is_gone_from_what_the_app_knows(cloud, web):
    cloud.put("docs/leave.md", "Everybody has 28 days of leave.")
    cloud.put("docs/pay.md", "Paid on the last day of the month.")
    table = SourceTable(
        kind="s3", at="s3://handbook", options={"endpoint": cloud.url, "private": True, "key": {"env": "S3_KEY"}}
    )
    collection = Collection(tenant="default", app="demo", name="handbook")
    store, reading = await open_store("memory:", clock=SystemClock()), Reading()
    environment = {"S3_KEY": cloud.key}
    watched = {f"s3:{table.at}": Watched(table, source_of(table, Ports(get=web), environment=environment.get))}
    plan = await plan_of(collection, RetrieveSettings(source=table), Ports(get=web), kept=watched)

    async def synced():
        await Sync(plan, store.knowledge, States(store.records), reading, SystemClock()).run()
        return sorted(each.uri for each in await store.knowledge.known(collection))

    before = await synced()
    cloud.s3.delete_object(Bucket="handbook", Key="docs/pay.md")
    after = await synced()

    assert before == ["s3://handbook/docs/leave.md", "s3://handbook/docs/pay.md"]
    assert after == ["s3://handbook/docs/leave.md"]
    assert len(await store.knowledge.removed(collection, 0)) == 1
    await reading.close()


async def test_a_bucket_that_is_not_there_is_a_source_that_cannot_be_read(cloud, web):
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        await looked(source(cloud.url, web, "s3://nowhere", key=cloud.key))


def listing(inner: str) -> Reply:
    return Reply(body=f"<ListBucketResult>{inner}</ListBucketResult>".encode())


async def test_a_busy_server_is_asked_again(up, web):
    up.on("/handbook/", Reply(status=503), listing("<Contents><Key>docs/a.md</Key><ETag>1</ETag></Contents>"))

    assert list(await looked(source(up.url, web))) == ["s3://handbook/docs/a.md"]


async def test_a_server_without_etags_is_read_to_tell_what_changed(up, web):
    up.on("/handbook/", listing("<Contents><Key>docs/a+b.md</Key></Contents>"))
    up.on("/handbook/docs/a%2Bb.md", Reply(body=b"one"))
    made = source(up.url, web)
    (listed,) = (await looked(made)).values()

    first = await made.fetch(listed, "")

    assert first.data == b"one"
    assert await made.fetch(listed, first.raw) is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (
            listing("<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"),
            "come to an end",
        ),
        (listing("<IsTruncated>true</IsTruncated>"), "come to an end"),
        (Reply(body=b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>'), "declares entities"),
        (Reply(body=b"<html>hello</html>"), "no S3"),
        (Reply(body=b"hello"), "no XML"),
        (Reply(status=301, headers={"x-amz-bucket-region": "eu-west-1"}), "in the region eu-west-1"),
        (Reply(status=302, headers={"location": "http://127.0.0.1:1/"}), "answered 302"),
    ],
)
async def test_a_server_that_misbehaves_is_a_source_that_cannot_be_read(up, web, reply, why):
    up.on("/handbook/", reply)

    with pytest.raises(Unavailable, match=why) as caught:
        await looked(source(up.url, web))

    assert caught.value.code == "source_unreadable"


async def test_an_address_inside_ones_own_network_is_refused_unless_it_is_allowed(up, web):
    with pytest.raises(Unavailable, match="no address that may be connected to"):
        await looked(source(up.url, web, private=False))

    assert not up.requests


@pytest.mark.parametrize(
    ("at", "options", "place"),
    [
        ("handbook/docs", {}, "source.at"),
        ("s3://", {}, "source.at"),
        ("s3://Hand_Book/x", {}, "source.at"),
        ("s3://evil.example@/x", {}, "source.at"),
        ("s3://handbook", {"endpoint": "file:///etc"}, "source.options.endpoint"),
        ("s3://handbook", {"region": "evil.example/"}, "source.options.region"),
        ("s3://handbook", {"key": "AKIA:in-the-clear"}, "source.options.key"),
    ],
)
async def test_a_table_that_makes_no_sense_says_where(web, at, options, place):
    with pytest.raises(Mistaken) as caught:
        source_of(SourceTable(kind="s3", at=at, options=options), Ports(get=web))

    assert caught.value.place == place


async def test_a_key_without_its_secret_is_a_mistake_that_does_not_show_it(web):
    with pytest.raises(Mistaken) as caught:
        source("", web, key="AKIAonly")

    assert caught.value.code == "config_secret"
    assert "AKIAonly" not in caught.value.message


@pytest.mark.parametrize(
    ("at", "address"),
    [
        ("s3://handbook", "https://handbook.s3.eu-west-1.amazonaws.com/?"),
        ("s3://hand.book", "https://s3.eu-west-1.amazonaws.com/hand.book/?"),
    ],
)
async def test_without_an_endpoint_amazon_is_asked(at, address):
    asked = []

    async def get(url, headers, **_):
        asked.append((url, headers))
        raise Unavailable("upstream_connect", "no network here", who=url)

    table = SourceTable(kind="s3", at=at, options={"region": "eu-west-1"})
    with pytest.raises(Unavailable):
        await looked(source_of(table, Ports(get=get)))

    ((url, headers),) = asked
    assert url.startswith(address)
    assert "authorization" not in headers  # nobody's name
