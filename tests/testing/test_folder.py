from pathlib import Path
from tempfile import gettempdir

from rowen.testing.folder import server_folder


def test_a_folder_is_made_in_memory_where_there_is_enough_of_it(tmp_path: Path):
    one, other = (server_folder("rowen-", memory=tmp_path, enough=1) for _ in range(2))

    assert one != other
    assert {one, other} == set(tmp_path.iterdir())
    assert one.name.startswith("rowen-")


def test_memory_that_is_short_or_not_there_is_left_alone(tmp_path: Path):
    folders = [
        server_folder("rowen-", memory=tmp_path, enough=1 << 62),
        server_folder("rowen-", memory=tmp_path / "no"),
    ]

    assert [folder.parent for folder in folders] == [Path(gettempdir())] * 2
    assert not [*tmp_path.iterdir()]
    for folder in folders:
        folder.rmdir()
