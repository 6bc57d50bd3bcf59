from pathlib import Path

import msgspec
import pytest

from rowen.provider.anthropic.profile import Options as Anthropic
from rowen.provider.bedrock.profile import Options as Bedrock
from rowen.provider.catalog import CATALOG
from rowen.provider.echo import Options as Echo
from rowen.provider.gemini.profile import Options as Gemini
from rowen.provider.openai.client import Options as OpenAI
from rowen.provider.openai.profile import SERVICES

PAGE = (Path(__file__).parents[2] / "docs/reference/providers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(CATALOG))
def test_the_page_names_every_kind_and_its_address(kind):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |"))

    assert kind not in SERVICES or SERVICES[kind].base_url in row


@pytest.mark.parametrize("options", [OpenAI, Anthropic, Gemini, Bedrock, Echo])
def test_the_page_names_every_option(options):
    for field in msgspec.structs.fields(options):
        assert f"`{field.name}`" in PAGE
