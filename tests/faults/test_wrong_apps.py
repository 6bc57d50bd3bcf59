"""Mistakes in every table of an app: told with line and nearest key, and never put into service."""

import json
import re

import pytest

from rowen.cli.check import command as check
from rowen.testing.upstream import openai_chat, openai_stream
from rowen.values import Problem

ECHO = '[models.main]\nprovider = "echo"\n'
GOOD = """
[app]
name = "shop"
[models.main]
provider = "echo"
[limits]
per_key = "60/min"
[prompt]
[trace]
"""


def app(table: str, line: str) -> str:
    """The good app with a line more in one of its tables."""
    return GOOD.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1)


MISTAKES = {
    "unknown table": (GOOD + "[limit]\n", "config_unknown_key", '"limits"'),
    "app, unknown key": (app("app", 'abuot = "x"'), "config_unknown_key", '"about"'),
    "app, wrong type": (app("app", "owner = 3"), "config_invalid", "owner"),
    "app, a model that is none": (app("app", 'model = "mian"'), "config_invalid", "main"),
    "models, no provider": (GOOD + '[models.other]\nmodel = "x"\n', "config_invalid", "provider"),
    "models, unknown kind": (GOOD + '[models.other]\nprovider = "opnai"\n', "config_invalid", "openai"),
    "models, unknown key": (app("models.main", 'fallbak = ["x"]'), "config_unknown_key", '"fallback"'),
    "models, unknown strategy": (app("models.main", 'strategy = "wieght"'), "config_invalid", "weight"),
    "models, fallback to nobody": (app("models.main", 'fallback = ["nobody"]'), "config_invalid", "nobody"),
    "models, retries as text": (app("models.main", 'retries = "two"'), "config_invalid", "retries"),
    "models, unknown policy": (app("models.main", 'unknown = "ignore"'), "config_invalid", "refuse"),
    "models, mid-stream policy": (app("models.main", 'midstream = "again"'), "config_invalid", "midstream"),
    "timeout, unknown key": (app("models.main", "timeout = { frist = 3 }"), "config_unknown_key", '"first"'),
    "timeout, no duration": (app("models.main", 'timeout = { gap = "soon" }'), "config_invalid", "gap"),
    "cache, no ttl": (app("models.main", 'cache = { scope = "user" }'), "config_invalid", "ttl"),
    "cache, scope": (app("models.main", 'cache = { ttl = "1m", scope = "world" }'), "config_invalid", "scope"),
    "price, not a number": (
        app("models.main", 'price = { input = "cheap" }'),
        "config_invalid",
        "US dollars per million",
    ),
    "price, a number that is no text": (app("models.main", "price = { input = 0.4 }"), "config_invalid", "input"),
    "profile, unknown key": (app("models.main", "profile = { tolls = true }"), "config_unknown_key", "tools"),
    "options, unknown key": (app("models.main", "options = { nonsense = 1 }"), "config_unknown_key", "nonsense"),
    "deployments, unknown key": (
        GOOD + '[models.two]\nprovider = "echo"\n[[models.two.deployments]]\nwieght = 3\n',
        "config_unknown_key",
        '"weight"',
    ),
    "retrieve, unknown embedder": (
        GOOD + '[retrieve.docs]\nsource = "*.md"\nembed = "minilmm"\n',
        "model_unknown",
        "minilm",
    ),
    "retrieve, unknown chunker": (
        GOOD + '[retrieve.docs]\nsource = "*.md"\nembed = ""\nchunk = { kind = "overlapp" }\n',
        "config_invalid",
        "overlap",
    ),
    "retrieve, unknown source": (
        GOOD + '[retrieve.docs]\nembed = ""\nsource = { kind = "sitemapp", at = "https://a.example/s.xml" }\n',
        "config_invalid",
        "sitemap",
    ),
    "retrieve, unknown option of a source": (
        GOOD + '[retrieve.docs]\nembed = ""\nsource = { at = "*.md", options = { hiden = true } }\n',
        "config_unknown_key",
        "hidden",
    ),
    "retrieve, reranking by nobody": (
        GOOD + '[retrieve.docs]\nembed = ""\nsource = "*.md"\nrerank = "model:nobody"\n',
        "config_invalid",
        "nobody",
    ),
    "retrieve, contexts by nobody": (
        GOOD + '[retrieve.docs]\nembed = ""\nsource = "*.md"\nchunk = { context = "model:nobody" }\n',
        "config_invalid",
        "nobody",
    ),
    "secret, as text": (app("models.main", 'key = "sk-very-secret"'), "config_secret", "env"),
    "secret, unset": (app("models.main", 'key = { env = "ROWEN_NO_SUCH" }'), "config_secret", "ROWEN_NO_SUCH"),
    "secret, no file": (app("models.main", 'key = { file = "nowhere" }'), "config_secret", "nowhere"),
    "limits, unknown key": (app("limits", 'per_kye = "3/min"'), "config_unknown_key", '"per_key"'),
    "limits, unknown window": (app("limits", 'per_user = "3/week"'), "config_invalid", "week"),
    "limits, nothing": (app("limits", 'tokens = "0/day"'), "config_invalid", "tokens"),
    "limits, no currency": (app("limits", 'budget = "5/day"'), "config_invalid", "currency"),
    "limits, no rate": (app("limits", 'budget = "5 EUR/day"'), "config_invalid", "EUR"),
    "limits, policy": (app("limits", 'unknown_price = "guess"'), "config_invalid", "refuse"),
    "prompt, unknown key": (app("prompt", 'systm = "x.md"'), "config_unknown_key", '"system"'),
    "prompt, no file": (app("prompt", 'system = "nowhere.md"'), "config_missing", "nowhere.md"),
    "trace, unknown key": (app("trace", 'contents = "full"'), "config_unknown_key", '"content"'),
    "trace, content": (app("trace", 'content = "some"'), "config_invalid", "masked"),
    "trace, pattern": (app("trace", 'mask = ["(unclosed"]'), "config_invalid", "mask"),
    "no TOML": (GOOD + "[models.\n", "config_syntax", "app.toml"),
    "a table twice": (GOOD + "[limits]\n", "config_syntax", "limits"),
}


@pytest.fixture
def checked(tmp_path):
    """Runs the check on an app's text and returns the error as the command line would print it."""

    def run(text: str) -> dict[str, str]:
        (tmp_path / "app.toml").write_text(text)
        with pytest.raises(Problem) as caught:
            check.main([str(tmp_path / "app.toml")], standalone_mode=False)
        assert caught.value.kind == "mistaken"
        return {"code": caught.value.code, "place": caught.value.place, "message": caught.value.message}

    return run


@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_names_code_place_and_what_is_near(checked, mistake):
    text, code, near = MISTAKES[mistake]

    error = checked(text)

    assert error["code"] == code, error
    assert near in f"{error['place']} {error['message']}", error
    assert "sk-very-secret" not in json.dumps(error)
    assert re.search(r"app\.toml:\d+", error["place"]), error


def test_the_command_says_it_in_words_and_by_its_exit_code(rowen, tmp_path):
    (tmp_path / "app.toml").write_text(app("limits", 'per_kye = "3/min"') + "[trcae]\n")

    ended = rowen("check")
    told = rowen("check", "--json")

    assert (ended.returncode, told.returncode) == (2, 2)
    assert re.search(r'error: app\.toml:7: .*did you mean "per_key"\?', ended.stderr), ended.stderr
    assert "trcae" in ended.stderr
    assert json.loads(told.stderr)["error"]["code"] == "config_unknown_key"
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("mistake", ["limits, unknown window", "no TOML", "models, unknown kind", "trace, pattern"])
def test_a_wrong_save_leaves_the_last_good_app_in_service_and_says_why(live, tmp_path, until, caplog, mistake):
    client = live(ECHO, watch=True)
    before = client.opened.served.named("").definition.hash

    (tmp_path / "app.toml").write_text(MISTAKES[mistake][0])
    until(lambda: "still serving the last good one" in caplog.text)

    assert client.ask(text="hello").text == "hello"
    assert client.opened.served.named("").definition.hash == before
    assert re.search(r"app\.toml(:\d+)?", caplog.text)


def test_a_saved_prompt_is_effective_at_once_and_a_call_under_way_is_not_disturbed(up, live, tmp_path, until, together):
    from_upstream = f'[models.main]\nprovider = "openai"\nbase_url = "{up.url}/v1"\n[prompt]\nsystem = "system.md"\n'
    up.on("/v1/chat/completions", openai_stream(["slow "] * 20, gap=0.1), openai_chat("short"))
    (tmp_path / "system.md").write_text("Be brief.")
    client = live(from_upstream, watch=True)
    before = client.opened.served.named("").definition.hash

    with together(lambda _: client.ask(stream=True), range(1)) as outcomes:
        up.wait(lambda: len(up.requests) == 1)
        (tmp_path / "system.md").write_text("Be long-winded.")
        until(lambda: client.opened.served.named("").definition.hash != before)
        after = client.ask()

    first, second = (asked.json()["messages"][0]["content"] for asked in up.requests)
    assert (first, second) == ("Be brief.", "Be long-winded.")
    assert outcomes[0].text == "slow " * 20
    assert client.trace(outcomes[0].trace)["row"]["definition"] == before
    assert client.trace(after.trace)["row"]["definition"] == client.opened.served.named("").definition.hash != before


def test_a_model_added_by_a_save_can_be_called(live, tmp_path, until):
    client = live(ECHO, watch=True)

    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n' + ECHO + '[models.more]\nprovider = "echo"\n')

    assert until(lambda: client.ask(model="more").status == 200)


def test_models_that_end_or_may_change_are_told_by_check_and_once_at_load(rowen, live, tmp_path, caplog, monkeypatch):
    written = """
[models.old]
provider = "openai"
model = "gpt-4-0613"
key = { env = "SOME_KEY" }

[models.meant]
provider = "openai"
model = "gpt-6-luna"
key = { env = "SOME_KEY" }
moving = true

[models.loose]
provider = "anthropic"
model = "claude-haiku-4-5"
key = { env = "SOME_KEY" }

[models.asked]
provider = "echo"
"""
    (tmp_path / "app.toml").write_text('[app]\nname = "shop"\n' + written)

    shown = rowen("check", "--no-secrets")
    told = json.loads(rowen("check", "--no-secrets", "--json").stdout)[0]["warnings"]
    monkeypatch.setenv("SOME_KEY", "k")
    client = live(written)
    statuses = {client.ask(model="asked").status for _ in range(3)}

    assert shown.returncode == 0
    assert told == [
        "[models.old] openai's gpt-4-0613 was to end on 2026-10-23; use gpt-5.6-sol",
        (
            "[models.loose] anthropic's claude-haiku-4-5 names no version, so what answers may change; "
            "name a dated one where there is one, or say `moving = true`"
        ),
    ]
    assert "was to end on 2026-10-23" in " ".join(shown.stdout.split())
    assert caplog.text.count("was to end on 2026-10-23") == 1
    assert statuses == {200}
