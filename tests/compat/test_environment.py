"""Programs that know nothing of Rowen, pointed at it by their environment alone."""

import sys

import pytest

from rowen.testing.serving import Running

pytestmark = pytest.mark.compat

OPENAI = """
import openai

client = openai.OpenAI()
answer = client.chat.completions.create(model="sky", messages=[{"role": "user", "content": "Hi"}])
print(answer.choices[0].message.content)
for chunk in client.chat.completions.create(model="sky", messages=[{"role": "user", "content": "Hi"}], stream=True):
    print(chunk.choices[0].delta.content or "", end="")
"""
ANTHROPIC = """
import anthropic

client = anthropic.Anthropic()
asked = {"model": "sky", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
print(client.messages.create(**asked).content[0].text)
with client.messages.stream(**asked) as stream:
    for text in stream.text_stream:
        print(text, end="")
"""
SAID = "The sky is blue today.\nThe sky is blue today."


@pytest.fixture(scope="module")
def ran(nurseries, quiet_environment: dict[str, str]):
    """Runs a program in an environment."""
    return nurseries(sys.executable, ("openai", "anthropic"), quiet_environment).run


def test_an_openai_program_needs_two_variables(rowen: Running, ran, quiet_environment: dict[str, str]):
    done = ran(OPENAI, env={**quiet_environment, "OPENAI_BASE_URL": f"{rowen.url}/v1", "OPENAI_API_KEY": rowen.key})

    assert done.stdout == SAID, done.stderr


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_an_anthropic_program_needs_two_variables(
    rowen: Running, ran, quiet_environment: dict[str, str], variable: str
):
    done = ran(ANTHROPIC, env={**quiet_environment, "ANTHROPIC_BASE_URL": rowen.url, variable: rowen.key})

    assert done.stdout == SAID, done.stderr
