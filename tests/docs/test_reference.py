"""The generated pages are those that the code makes now, and nothing that is registered is missing in them."""

import importlib.util
import re
import tomllib
from pathlib import Path

import click
import msgspec
import pytest

from rowen.api.base import Services
from rowen.api.doors import Doors
from rowen.api.envelope import _ONCE, _SELDOM
from rowen.api.manage.routes import VERBS as ROUTES
from rowen.cli.main import VERBS
from rowen.provider.catalog import CATALOG
from rowen.retrieve.chunk.catalog import CATALOG as CHUNKERS
from rowen.retrieve.load.catalog import CATALOG as SOURCES
from rowen.retrieve.parse.catalog import CATALOG as PARSERS
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.testing.serving import serving
from rowen.values import CODES

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
TRANSPORT_HEADERS = {
    "content-length",
    "content-type",
    "user-agent",
}  # every request has them; Rowen gives them no meaning


def made() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("rowen_docs_tool", ROOT / "tools/docs.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool.pages()


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_the_committed_pages_are_what_the_code_makes():
    stale = [name for name, text in made().items() if (ROOT / name).read_text(encoding="utf-8") != text]

    assert not stale, "run `make docs`"


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_every_provider_is_on_its_page(kind: str):
    assert f"| `{kind}` |" in page("providers")


def test_every_table_and_setting_is_on_its_page():
    text = page("config")

    for name in TABLES:
        assert re.search(rf"^### `\[{name}(\.NAME)?\]`$", text, re.MULTILINE), name
    for field in msgspec.structs.fields(ServerSettings):
        assert f"| `{field.encode_name}` |" in text
    assert not re.findall(r"^\|.*\|  \|$", text, re.MULTILINE), "a key without a meaning"


def test_every_verb_and_option_is_on_its_page():
    text = page("cli")

    for name in VERBS:
        command = importlib.import_module(f"rowen.cli.{name}").command
        for path, each in commands(command, f"rowen {name}"):
            assert f"# {path}\n" in text
            section = text.split(f"# {path}\n")[1].split("\n#")[0]
            for param in each.params:
                assert not isinstance(param, click.Option) or (f"`{param.opts[0]}`" in section and param.help), path


def commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    if command.hidden:
        return []  # a name that it had before
    if isinstance(command, click.Group):
        return [found for name, inner in command.commands.items() for found in commands(inner, f"{path} {name}")]
    return [(path, command)]


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")

    for needed in (
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ):
        assert f"`{re.split('[^A-Za-z0-9-]', needed)[0]}`" in text


def test_every_error_is_on_its_page():
    text = page("errors")

    for name, code in CODES.items():
        assert f"| `{name}` | {code.status} |" in text


def test_every_route_door_and_header_is_on_its_page(tmp_path: Path):
    text = page("api")
    (tmp_path / "app.toml").write_text('[models.main]\nprovider = "echo"\n')

    with serving(tmp_path / "app.toml") as running:
        doors = running.opened.doors

    assert isinstance(doors._services, Services)
    assert isinstance(doors, Doors)
    for path in doors._exact:
        assert f"`{path}`" in text
    for verb in ROUTES:
        assert f"| {verb.method} | `{verb.path}` |" in text
    for header in _ONCE | _SELDOM:
        assert header.decode() in TRANSPORT_HEADERS or f"| `{header.decode()}` |" in text
    for header in answered():
        assert f"`{header}`" in text


def answered() -> set[str]:
    """Return Rowen's own headers as the doors write them."""
    source = (ROOT / "src/rowen/api/reply.py").read_text(encoding="utf-8")
    return set(re.findall(r'b"(x-rowen-[a-z]+|retry-after(?:-ms)?)"', source))


def test_every_metric_is_on_its_page(tmp_path: Path):
    (tmp_path / "app.toml").write_text('[models.main]\nprovider = "echo"\n')

    with serving(tmp_path / "app.toml") as running:
        served = running.opened.metrics.text()

    names = re.findall(r"^# TYPE (\S+) (\S+)$", served, re.MULTILINE)
    assert len(names) > 10
    for name, kind in names:
        assert f"| `{name}` | {kind} |" in page("metrics")


def test_every_source_parser_and_chunker_is_on_its_page():
    text = page("knowledge")

    for name, path in SOURCES.items():
        assert f"### `{name}`" in text
        for field in msgspec.structs.fields(importlib.import_module(path).Options):
            assert f"| `{field.encode_name}` |" in text
    for name in (*PARSERS, *CHUNKERS):
        assert f"| `{name}` |" in text
    assert not re.findall(r"^\|.*\|  \|$", text, re.MULTILINE), "a key without a meaning"
