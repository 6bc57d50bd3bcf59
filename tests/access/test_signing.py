"""The signing key: the same for all, readable by its owner only."""

import pytest

from rowen.access import signing_key
from rowen.values import Broken, Mistaken


def test_the_key_is_made_once_and_stays(tmp_path):
    first = signing_key(tmp_path / "data")
    second = signing_key(tmp_path / "data")

    assert first == second
    assert len(first) == 32
    assert (tmp_path / "data" / "session.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["session.key"]


def test_of_two_workers_the_first_one_wins(tmp_path):
    def slow(count: int) -> bytes:
        """While this worker makes its key, the other one lays its own down."""
        other.append(signing_key(tmp_path, lambda n: b"o" * n))
        return b"m" * count

    other: list[bytes] = []

    assert signing_key(tmp_path, slow) == other[0] == b"o" * 32


def test_a_file_that_others_may_read_is_refused(tmp_path):
    signing_key(tmp_path)
    (tmp_path / "session.key").chmod(0o644)

    with pytest.raises(Mistaken) as mistaken:
        signing_key(tmp_path)

    assert mistaken.value.code == "config_secret"


def test_a_file_without_a_key_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "session.key"
    path.write_bytes(b"short")
    path.chmod(0o600)

    with pytest.raises(Broken):
        signing_key(tmp_path)

    assert path.read_bytes() == b"short"
