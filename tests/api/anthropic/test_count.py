"""The count of tokens."""

PATH = "/v1/messages/count_tokens"


async def test_the_prompt_is_counted_with_its_system_words(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(
        PATH, {"model": "fast", "system": "be brief", "messages": [{"role": "user", "content": "one two three"}]}
    )

    assert seen.json == {"input_tokens": 5}
    assert gateway.calls == []


async def test_a_key_must_be_good_for_the_model(doorway):
    gateway = doorway.plain()
    gateway.allowed = lambda app, model: False
    body = {"model": "fast", "messages": [{"role": "user", "content": "x"}]}

    assert (await gateway.ask(PATH, body)).status == 403
    assert (await gateway.ask(PATH, body, key="rk-no")).status == 401


async def test_a_bad_body_is_refused(doorway):
    seen = await doorway.plain().ask(PATH, {"model": "fast"})

    assert seen.status == 400
    assert seen.json["error"]["param"] == "messages"
