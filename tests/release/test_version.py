"""Versions have numbers, labels, authors and approvals, all of it from the log."""

import pytest

from rowen.release import Reason, Releases, Version
from rowen.release.version import version_named
from rowen.values import Mistaken

from .conftest import ANN, a_canary, hash_of

A, B = hash_of("a"), hash_of("b")


async def test_what_is_put_forward_or_let_out_becomes_a_version_once(releases: Releases):
    await releases.propose("shop", A, Reason(by="ann", note="the first"))
    await releases.release("shop", A, Reason(by="ben", note="go"))
    await releases.begin(a_canary(), Reason(by="cas", note="shorter prompt"))

    versions = await releases.versions("shop")

    assert [(one.number, one.definition, one.author, one.note) for one in versions] == [
        (1, A, "ann", "the first"),
        (2, B, "cas", "shorter prompt"),
    ]
    assert [one.answered for one in versions] == [("production",), ()]


async def test_a_label_stands_on_one_version_at_a_time(releases: Releases):
    await releases.release("shop", A, ANN)
    await releases.release("shop", B, ANN)

    await releases.label("shop", "1", "stable", ANN)
    await releases.label("shop", "1", "spring", ANN)
    await releases.label("shop", "2", "stable", ANN)

    assert [one.labels for one in await releases.versions("shop")] == [("spring",), ("stable",)]
    assert (await releases.version("shop", "stable")).number == 2


@pytest.mark.parametrize("label", ["", "7", "a b", "x" * 61, "-x", "<b>"])
async def test_a_label_that_could_be_taken_for_something_else_is_refused(releases: Releases, label: str):
    await releases.release("shop", A, ANN)

    with pytest.raises(Mistaken) as caught:
        await releases.label("shop", "1", label, ANN)

    assert caught.value.code == "field_invalid"


async def test_each_person_approves_once(releases: Releases):
    await releases.propose("shop", A, ANN)
    await releases.approve("shop", "1", Reason(by="ben", note="looks good"))
    await releases.approve("shop", A, Reason(by="cas"))
    await releases.approve("shop", A[:8], Reason(by="ben", note="read it again"))

    version = await releases.version("shop", "1")

    assert [(one.by, one.note) for one in version.approvals] == [("cas", ""), ("ben", "read it again")]


async def test_the_beginning_of_a_hash_names_a_version_where_it_is_long_enough_and_fits_one(releases: Releases):
    await releases.release("shop", A, ANN)
    await releases.release("shop", B, ANN)

    assert (await releases.version("shop", B[:6])).number == 2
    assert (await releases.version("shop", B)).number == 2
    with pytest.raises(Mistaken, match="no version"):
        await releases.version("shop", B[:5])
    with pytest.raises(Mistaken, match="no version"):
        await releases.version("shop", "0" * 64)


def test_a_beginning_that_several_hashes_have_names_none():
    twins = [Version(app="shop", number=n, definition=f"abcdef{n}") for n in (1, 2)]

    with pytest.raises(Mistaken) as caught:
        version_named(twins, "abcdef")

    assert caught.value.code == "conflict"


async def test_a_label_that_is_given_again_stands_once(releases: Releases):
    await releases.release("shop", A, ANN)

    await releases.label("shop", "1", "stable", ANN)
    await releases.label("shop", "1", "stable", ANN)

    assert (await releases.version("shop", "1")).labels == ("stable",)


async def test_a_name_that_means_nothing_names_the_last_versions(releases: Releases):
    await releases.release("shop", A, ANN)

    with pytest.raises(Mistaken, match=r"no version '9' \(the last ones: 1\)") as caught:
        await releases.version("shop", "9")

    assert caught.value.code == "not_found"
    with pytest.raises(Mistaken):
        await releases.version("shop", "aaa")


async def test_a_refusal_makes_no_version(releases: Releases):
    await releases.refuse("shop", A, Reason(by="rowen", evidence={"gate": ["evaluate.smoke"]}))

    assert await releases.versions("shop") == []
    assert (await releases.log("shop"))[0].act == "refuse"
