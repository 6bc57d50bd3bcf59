"""Files and folders: what is taken, what has changed, and what is said of each."""

import json
import os

import pytest

from rowen.retrieve.base import RetrieveSettings, SourceTable
from rowen.retrieve.load import Ports, source_of
from rowen.retrieve.load.catalog import tables_of
from rowen.retrieve.load.files import either
from rowen.retrieve.load.rules import matches
from rowen.values import Mistaken, Unavailable


def put(folder, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def files(folder, at: str = "docs/**/*", **options):
    return source_of(SourceTable(at=at, options=options), Ports(folder=folder))


async def looked(source, since: str = "") -> dict[str, str]:
    return {listed.uri: listed.raw async for listed in source.listed(since)}


async def fetched(source, uri: str, known: str = ""):
    async for listed in source.listed(""):
        if listed.uri == uri:
            return await source.fetch(listed, known)
    raise AssertionError(f"{uri} is not there")


async def test_a_glob_takes_files_at_any_depth_but_none_that_are_hidden_or_ignored(tmp_path):
    put(tmp_path, {
        "docs/a.md": "a", "docs/in/b.md": "b", "docs/c.txt": "c", "docs/.git/d.md": "d", "docs/draft/e.md": "e", "other.md": "f",
    })  # fmt: skip

    found = await looked(files(tmp_path, "docs/**/*.md", ignore=["docs/draft/**"]))

    assert list(found) == ["docs/a.md", "docs/in/b.md"]


async def test_a_folder_means_all_files_in_it_and_braces_mean_either(tmp_path):
    put(tmp_path, {"docs/a.md": "a", "docs/in/b.txt": "b", "docs/c.html": "c"})

    assert list(await looked(files(tmp_path, "docs"))) == ["docs/a.md", "docs/c.html", "docs/in/b.txt"]
    assert list(await looked(files(tmp_path, "docs/**/*.{md,txt}"))) == ["docs/a.md", "docs/in/b.txt"]


async def test_a_change_is_told_by_content_and_not_by_its_date(tmp_path):
    put(tmp_path, {"docs/a.md": "one"})
    source = files(tmp_path)
    first = await fetched(source, "docs/a.md")

    os.utime(tmp_path / "docs/a.md", ns=(1, 1))
    touched = await fetched(source, "docs/a.md", first.raw)
    put(tmp_path, {"docs/a.md": "two"})
    changed = await fetched(source, "docs/a.md", first.raw)

    assert touched is None
    assert changed.data == b"two"
    assert changed.raw != first.raw


async def test_a_file_that_was_read_and_is_as_it_was_need_not_be_read_again(tmp_path):
    put(tmp_path, {"docs/a.md": "one"})
    source = files(tmp_path)

    before = await looked(source)
    first = await fetched(source, "docs/a.md")
    after = await looked(source)

    assert before == {"docs/a.md": ""}
    assert after == {"docs/a.md": first.raw}


async def test_a_folder_that_is_gone_is_an_error_and_not_an_empty_one(tmp_path):
    with pytest.raises(Unavailable) as caught:
        await looked(files(tmp_path, "docs/**/*.md"))

    assert caught.value.code == "source_unreadable"


async def test_a_file_of_500_mb_is_put_aside_unread(tmp_path):
    put(tmp_path, {"docs/a.md": "a"})
    with (tmp_path / "docs/large.txt").open("wb") as large:
        large.truncate(500_000_000)

    with pytest.raises(Mistaken) as caught:
        await fetched(files(tmp_path), "docs/large.txt")

    assert caught.value.code == "document_too_large"
    assert "500,000,000" in caught.value.message


async def test_a_link_out_of_the_folder_is_passed_over_unless_links_are_allowed(tmp_path):
    put(tmp_path, {"secret.txt": "secret", "docs/a.md": "a"})
    (tmp_path / "docs/link.txt").symlink_to(tmp_path / "secret.txt")

    assert list(await looked(files(tmp_path))) == ["docs/a.md"]
    assert list(await looked(files(tmp_path, links=True))) == ["docs/a.md", "docs/link.txt"]


async def test_what_is_no_regular_file_is_passed_over(tmp_path):
    put(tmp_path, {"docs/a.md": "a"})
    os.mkfifo(tmp_path / "docs/pipe")

    assert list(await looked(files(tmp_path))) == ["docs/a.md"]


async def test_a_name_that_is_no_utf8_is_one_that_a_store_can_hold(tmp_path):
    put(tmp_path, {"docs/a.md": "a"})
    (tmp_path / os.fsdecode(b"docs/gr\xfcn.txt")).write_bytes(b"green")

    found = await fetched(files(tmp_path), "docs/gr\ufffdn.txt")

    assert found.data == b"green"


async def test_rules_sidecars_and_later_rules_say_who_may_read_and_what_it_is(tmp_path):
    put(tmp_path, {
        "docs/hr/pay.md": "pay", "docs/hr/jobs.md": "jobs", "docs/a.md": "a",
        "docs/hr/jobs.md.meta.toml": 'title = "Jobs"\naccess = []\n[metadata]\nteam = "all"',
    })  # fmt: skip
    rules = [
        {"match": "docs/**", "metadata": {"team": "docs"}},
        {"match": "docs/hr/**", "access": ["hr"], "metadata": {"secret": True}},
    ]
    source = files(tmp_path, rules=rules)

    pay, jobs, plain = [await fetched(source, f"docs/{name}") for name in ("hr/pay.md", "hr/jobs.md", "a.md")]

    assert (pay.access, pay.metadata) == (("hr",), {"team": "docs", "secret": True})
    assert (jobs.access, jobs.title, jobs.metadata) == ((), "Jobs", {"team": "all", "secret": True})
    assert (plain.access, plain.metadata) == (None, {"team": "docs"})
    assert "docs/hr/jobs.md.meta.toml" not in await looked(source)


async def test_a_change_of_the_sidecar_is_a_change_of_the_document(tmp_path):
    put(tmp_path, {"docs/a.md": "a"})
    source = files(tmp_path)
    first = await fetched(source, "docs/a.md")

    put(tmp_path, {"docs/a.md.meta.json": json.dumps({"access": ["hr"]})})
    second = await fetched(source, "docs/a.md", first.raw)

    assert second.access == ("hr",)


async def test_a_sidecar_that_cannot_be_understood_keeps_its_document_out(tmp_path):
    put(tmp_path, {"docs/a.md": "a", "docs/a.md.meta.toml": "access = hr"})

    with pytest.raises(Mistaken) as caught:
        await fetched(files(tmp_path), "docs/a.md")

    assert caught.value.code == "document_broken"


async def test_a_hundred_files_are_listed_in_order_whatever_their_number(tmp_path):
    put(tmp_path, {f"docs/{number:05}.md": "x" for number in range(5_000)})

    found = list(await looked(files(tmp_path)))

    assert len(found) == 5_000
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("uri", "pattern", "yes"),
    [
        ("docs/a.md", "docs/*.md", True), ("docs/in/a.md", "docs/*.md", False), ("docs/in/a.md", "docs/**/*.md", True),
        ("docs/a.md", "docs/**/*.md", True), ("docs/a.md", "docs/**", True), ("docs/a+b.md", "docs/a+b.md", True), ("a", "?", True),
    ],
)  # fmt: skip
def test_globs_match_as_people_expect(uri, pattern, yes):
    assert matches(uri, (pattern,)) is yes


def test_braces_may_stand_more_than_once():
    assert either("{a,b}/*.{c,d}") == ["a/*.c", "a/*.d", "b/*.c", "b/*.d"]
    assert either("a{b") == ["a{b"]


def test_sources_have_the_names_that_people_gave_them():
    many = RetrieveSettings(source=(SourceTable(at="docs"), SourceTable(kind="sitemap", at="https://a.org/s.xml")))

    assert list(tables_of(RetrieveSettings(source="docs/**"))) == ["docs/**"]
    assert list(tables_of(many)) == ["docs", "sitemap:https://a.org/s.xml"]
    assert tables_of(RetrieveSettings()) == {}
    with pytest.raises(Mistaken):
        tables_of(RetrieveSettings(source=(SourceTable(at="a"), SourceTable(at="a"))))


@pytest.mark.parametrize(
    ("table", "code", "said"),
    [
        (SourceTable(kind="file", at="a"), "config_invalid", 'did you mean "files"'),
        (SourceTable(at="a", options={"ignroe": []}), "config_unknown_key", 'did you mean "ignore"'),
        (SourceTable(at="a", options={"size": "big"}), "config_invalid", "size"),
        (SourceTable(at=""), "config_invalid", "needs a glob"),
        (SourceTable(kind="sitemap", at="ftp://a"), "config_invalid", "http(s)"),
        (SourceTable(kind="sql", at="select 1", options={"key": ["id"]}), "config_invalid", "url"),
        (
            SourceTable(kind="sql", at="select 1", options={"url": "sqlite://", "key": ["id"]}),
            "config_secret",
            "reference",
        ),
    ],
)
def test_a_source_that_cannot_be_meant_says_what_is_near(table, code, said):
    with pytest.raises(Mistaken) as caught:
        source_of(table, Ports())

    assert caught.value.code == code
    assert said in caught.value.message
