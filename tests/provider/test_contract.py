from pathlib import Path

import pytest

from rowen.provider.openai.profile import SERVICES
from rowen.testing.contracts.provider import ProviderContract

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize("service", sorted(SERVICES))
class TestOpenAI(ProviderContract):
    @pytest.fixture(autouse=True)
    def chosen(self, service):
        self.kind = service
        self.folders = (FIXTURES / service, FIXTURES / "openai")


class TestAnthropic(ProviderContract):
    kind = "anthropic"
    folders = (FIXTURES / "anthropic",)


class TestGemini(ProviderContract):
    kind = "gemini"
    folders = (FIXTURES / "gemini",)


class TestBedrock(ProviderContract):
    kind = "bedrock"
    folders = (FIXTURES / "bedrock",)
    options = {"region": "eu-central-1"}
