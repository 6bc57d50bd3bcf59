"""Secrets: their form, and that nothing but the digest is kept."""

import re

from rowen.access import digest_of, new_secret, shown_of


def test_a_secret_is_a_prefix_and_43_url_safe_characters():
    secret = new_secret()

    assert re.fullmatch(r"rk-[A-Za-z0-9_-]{43}", secret.reveal())
    assert shown_of(secret) == secret.reveal()[:7]


def test_all_256_bits_are_in_the_secret():
    ones, zeros = new_secret(lambda n: b"\xff" * n), new_secret(lambda n: b"\0" * n)

    assert ones.reveal() != zeros.reveal()
    assert new_secret(lambda n: b"\0" * (n - 1) + b"\1") != zeros


def test_no_representation_shows_the_secret():
    secret = new_secret()

    assert secret.reveal()[3:] not in f"{secret} {secret!r} {[secret]}"


def test_nothing_presented_has_no_digest_and_anything_else_has_one():
    assert digest_of("") == ""
    assert len(digest_of("rk-ü\ud800")) == 64
