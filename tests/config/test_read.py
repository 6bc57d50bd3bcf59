from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from rowen.config import Duration, Loaded, Table, TextFile, json_schema, kept, layered, lines, read
from rowen.values import Broken, Mistaken, Secret, Settings


class Model(Settings, frozen=True, kw_only=True):
    """A model."""

    provider: str
    key: Secret | None = None
    timeout: Duration = 60
    """How long to wait."""
    fallback: tuple[str, ...] = ()


class Limits(Settings, frozen=True, kw_only=True):
    budget: str = ""
    tokens: int = 0


class Prompt(Settings, frozen=True, kw_only=True):
    system: TextFile | None = None


SCHEMA = {
    "models": Table(kind=dict[str, Model], default={}),
    "limits": Table(kind=Limits, default=Limits()),
    "prompt": Table(kind=Prompt, default=Prompt()),
}


def load(folder: Path, text: str, **environment: str) -> Loaded:
    (folder / "app.toml").write_text(text)
    return read(folder / "app.toml", SCHEMA, environment=environment.get)


def mistake(folder: Path, text: str) -> Mistaken:
    with pytest.raises(Mistaken) as caught:
        load(folder, text)
    return caught.value


def test_gives_typed_tables_and_a_definition(tmp_path: Path):
    (tmp_path / "system.md").write_text("Be brief.")

    loaded = load(
        tmp_path,
        '[models.fast]\nprovider = "echo"\nkey = { env = "K" }\ntimeout = "2m"\n[prompt]\nsystem = "system.md"\n',
        K="s3cret",
    )

    assert loaded.tables["models"]["fast"].key == Secret("s3cret")
    assert loaded.tables["models"]["fast"].timeout == 120
    assert loaded.tables["prompt"].system.text == "Be brief."
    assert loaded.definition.files == {"system.md": "Be brief."}
    assert "s3cret" not in msgspec.json.encode(loaded.definition).decode()


def test_an_unknown_key_names_file_line_and_nearest_key(tmp_path: Path):
    error = mistake(tmp_path, '[limits]\n# money\nbudgett = "5 EUR"\n')

    assert error.code == "config_unknown_key"
    assert error.place == "app.toml:3"
    assert 'did you mean "budget"?' in error.message


def test_an_unknown_table_is_an_error_too(tmp_path: Path):
    error = mistake(tmp_path, "[limit]\ntokens = 1\n")

    assert error.place == "app.toml:1"
    assert '"limits"' in error.message


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("[limits]\ntokens = 'x'\n", "config_invalid", 2),
        ("[models.a]\nprovider = 'echo'\n[models.b]\nprovider = 3\n", "config_invalid", 4),
        ("[models.a]\n", "config_invalid", 1),
        ("[models.a]\nprovider='e'\nkey = 'plain'\n", "config_secret", 3),
        ("[models.a]\nprovider='e'\nkey = { env = 'NONE' }\n", "config_secret", 3),
        ("[models.a]\nprovider='e'\ntimeout = 'soon'\n", "config_invalid", 3),
        ("[prompt]\nsystem = 'absent.md'\n", "config_missing", 2),
        ("[prompt\nsystem = 1\n", "config_syntax", 1),
        ("models = 3\n", "config_invalid", 1),
    ],
)
def test_each_mistake_has_its_code_and_line(tmp_path: Path, text: str, code: str, line: int):
    error = mistake(tmp_path, text)

    assert (error.code, error.place) == (code, f"app.toml:{line}")


def test_all_mistakes_are_told_at_once(tmp_path: Path):
    error = mistake(tmp_path, "[limits]\ntokens = 'x'\nbudgett = 1\n")

    assert [each["place"] for each in error.details["mistakes"]] == ["app.toml:2", "app.toml:3"]


def test_the_hash_follows_content_and_not_layout(tmp_path: Path):
    (tmp_path / "system.md").write_text("a")
    first = load(tmp_path, '[limits]\ntokens = 1\nbudget = "x"\n[prompt]\nsystem = "system.md"\n').definition.hash
    same = load(tmp_path, '[prompt]\nsystem = "system.md"\n\n[limits]\nbudget = "x"\ntokens = 1\n').definition.hash
    (tmp_path / "system.md").write_text("b")
    other = load(tmp_path, '[limits]\ntokens = 1\nbudget = "x"\n[prompt]\nsystem = "system.md"\n').definition.hash

    assert first == same
    assert first != other


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path):
    (tmp_path / "app.toml").write_bytes(b"[limits]\nbudget = '\xff'\n")

    with pytest.raises(Mistaken, match="not UTF-8"):
        read(tmp_path / "app.toml", SCHEMA)


def test_a_missing_app_is_named(tmp_path: Path):
    with pytest.raises(Mistaken) as caught:
        read(tmp_path / "app.toml", SCHEMA)

    assert caught.value.code == "config_missing"


def test_the_json_schema_describes_tables_and_fields():
    schema = json_schema(SCHEMA)

    assert schema["$defs"]["Model"]["properties"]["timeout"]["description"] == "How long to wait."
    assert schema["$defs"]["Limits"]["additionalProperties"] is False


def test_the_reference_has_a_line_for_each_key():
    found = {line.path: line for line in lines(dict[str, Model], "models")}

    assert found["models.NAME.timeout"].kind == "duration"
    assert found["models.NAME.provider"].default == "required"


class Server(Settings, frozen=True, kw_only=True):
    port: int = 8000
    hosts: tuple[str, ...] = ()
    quiet: bool = False


def test_layers_win_in_order_and_say_where_they_came_from(tmp_path: Path):
    (tmp_path / "server.toml").write_text("port = 1\nquiet = true\n")

    settings, origins = layered(
        Server, tmp_path / "server.toml", {"ROWEN_PORT": "2", "ROWEN_HOSTS": "a, b"}, {"port": 3}
    )

    assert settings == Server(port=3, hosts=("a", "b"), quiet=True)
    assert origins == {"port": "--port", "hosts": "ROWEN_HOSTS", "quiet": "server.toml:2"}


def test_a_wrong_variable_is_named():
    with pytest.raises(Mistaken) as caught:
        layered(Server, None, {"ROWEN_PORT": "many"}, {})

    assert caught.value.place == "ROWEN_PORT"


TEXT = '[models.fast]\nprovider = "echo"\nkey = { env = "K" }\n[prompt]\nsystem = "system.md"\n'


def test_what_was_kept_gives_the_same_app_when_its_files_are_gone(tmp_path: Path):
    (tmp_path / "system.md").write_text("Be brief.")
    loaded = load(tmp_path, TEXT, K="old")
    stored = msgspec.json.decode(msgspec.json.encode(loaded.definition), type=type(loaded.definition))
    (tmp_path / "system.md").unlink()
    (tmp_path / "app.toml").write_text("")

    again = kept(stored, SCHEMA, tmp_path / "app.toml", environment={"K": "new"}.get)

    assert again.definition == loaded.definition
    assert again.tables["prompt"] == loaded.tables["prompt"]
    assert again.tables["models"]["fast"].key == Secret("new")
    assert again.watched == ()


def test_what_was_kept_is_held_against_the_schema_of_now(tmp_path: Path):
    (tmp_path / "system.md").write_text("Be brief.")
    definition = load(tmp_path, TEXT, K="old").definition

    with pytest.raises(Mistaken) as missing:
        kept(definition, SCHEMA, tmp_path / "app.toml", environment={}.get)
    with pytest.raises(Mistaken) as unknown:
        kept(definition, {"models": SCHEMA["models"]}, tmp_path / "app.toml", environment={"K": "k"}.get)

    assert (missing.value.code, unknown.value.code) == ("config_secret", "config_unknown_key")


def test_what_was_kept_and_changed_since_is_refused(tmp_path: Path):
    (tmp_path / "system.md").write_text("Be brief.")
    definition = load(tmp_path, TEXT, K="k").definition.but(files={"system.md": "Be rude."})

    with pytest.raises(Broken) as caught:
        kept(definition, SCHEMA, tmp_path / "app.toml", environment={"K": "k"}.get)

    assert caught.value.code == "store_corrupt"


def test_a_table_that_only_its_inner_tables_name_has_their_line(tmp_path):
    with pytest.raises(Mistaken) as caught:
        load(tmp_path, '[limits]\n\n[model.main]\nprovider = "echo"\n')

    assert caught.value.place == "app.toml:3"
    assert 'did you mean "models"' in caught.value.message


def test_a_number_of_the_environment_is_told_as_one_and_its_range_stands_in_the_reference():
    class Door(Settings, frozen=True, kw_only=True):
        port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 1

    with pytest.raises(Mistaken, match="expected a whole number <= 65535"):
        layered(Door, None, {"ROWEN_PORT": "99999"}, {})

    assert [line.kind for line in lines(Door)] == ["integer from 0 to 65535"]
