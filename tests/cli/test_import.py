"""`rowen traces import`: other products' exports, on the machine itself."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.values import Mistaken

AT = "2026-11-25T10:00:00.000Z"


def observation(number: int, **more) -> dict[str, object]:
    return {
        "id": f"{number:016x}", "traceId": f"{number:032x}", "type": "GENERATION", "name": f"ask {number}",
        "startTime": AT, "endTime": AT, "model": "m", "output": "card 4111111111111111", **more,
    }  # fmt: skip


def run(folder: Path, *words: str):
    file = folder / "server.toml"
    server = ["--server", str(file)] if file.exists() else []
    done = CliRunner().invoke(rowen, [*words, *server, "--store", f"sqlite:{folder}/data"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return json.loads(done.stdout)


def test_a_file_is_taken_in_and_again_without_doubling_it(tmp_path: Path):
    file = tmp_path / "export.jsonl"
    file.write_text("\n".join(json.dumps(observation(number)) for number in range(1, 6)))

    first = run(tmp_path, "traces", "import", str(file), "--app", "shop", "--json")
    again = run(tmp_path, "traces", "import", str(file), "--app", "shop", "--json")
    listed = run(tmp_path, "traces", "list", "--app", "shop", "--json")

    assert first == again == [{"kept": 5, "rejected": 0, "scores": 0, "why": ""}]
    assert len(listed) == 5


def test_what_cannot_be_kept_is_counted_and_the_rest_is_taken(tmp_path: Path):
    file = tmp_path / "export.json"
    file.write_text(json.dumps([observation(1), {"a": 1}, observation(2, startTime="1970-01-02T00:00:00Z")]))

    (told,) = run(tmp_path, "traces", "import", str(file), "--json")

    assert (told["kept"], told["rejected"]) == (1, 2)
    assert "no trace of OTLP, Langfuse, Phoenix or MLflow" in told["why"]
    assert "before 2010" in told["why"]


def test_the_servers_masks_hold_for_files_too(tmp_path: Path):
    (tmp_path / "server.toml").write_text("spans_content = \"masked\"\nspans_mask = ['\\d{16}']\n")
    file = tmp_path / "export.json"
    file.write_text(json.dumps([observation(1)]))

    run(tmp_path, "traces", "import", str(file), "--json")

    assert b"4111111111111111" not in b"".join(
        path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(("text", "code"), [("{", "json_malformed"), ('{"a": 1}', "field_invalid")])
def test_a_file_that_is_nothing_of_the_kind_is_an_error(tmp_path: Path, text: str, code: str):
    file = tmp_path / "export.json"
    file.write_text(text)

    with pytest.raises(Mistaken) as refused:
        run(tmp_path, "traces", "import", str(file), "--json")

    assert refused.value.code == code


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(Mistaken, match="cannot be read: No such file"):
        run(tmp_path, "traces", "import", str(tmp_path / "absent.json"), "--json")
