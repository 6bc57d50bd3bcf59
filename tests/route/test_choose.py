"""Which model and which deployments a call gets, and why not others."""

import pytest

from rowen.route import Breaking
from rowen.values import Format, Hold, Mistaken, Problem, Profile, Tool, Unavailable, says

PLAIN = Profile(tools=False, schema=False, seed=False)


async def refused(stage, call) -> Problem:
    with pytest.raises(Problem) as caught:
        await stage.choose(call)
    return caught.value


@pytest.mark.parametrize("name", ["fast", "shop/fast", "shop", ""])
async def test_a_model_goes_by_its_name_and_the_apps_name_means_the_default(kit, name):
    stage = kit.stage(None, kit.route("a", "b"), kit.route(model="other"))

    chosen = await stage.choose(stage.call(model=name))

    assert chosen.plan.deployments == ("a", "b")
    assert chosen.notes["route"] == {"model": "fast", "strategy": "order", "cache": "off"}


async def test_an_unknown_model_is_refused_with_the_nearest_name(kit):
    stage = kit.stage(None, kit.route(), kit.route(model="careful"))

    problem = await refused(stage, stage.call(model="carefull"))

    assert (problem.code, problem.place) == ("model_unknown", "model")
    assert "'careful'" in str(problem)


async def test_another_apps_model_is_unknown_here(kit):
    stage = kit.stage(None)

    problem = await refused(stage, stage.call(model="bank/fast"))

    assert problem.code == "model_unknown"


async def test_a_fallback_that_is_not_defined_is_an_error_of_the_definition(kit):
    with pytest.raises(Mistaken, match="careful") as caught:
        kit.stage(None, kit.route(fallback=("carful",)), kit.route(model="careful"))

    assert (caught.value.code, caught.value.place) == ("config_invalid", "models.fast.fallback")


async def test_deployments_that_cannot_do_it_are_left_out_and_named(kit):
    able, unable = kit.deployment("able", model="fast"), kit.deployment("unable", model="fast", profile=PLAIN)
    stage = kit.stage(None, kit.route().but(deployments=(unable, able)))

    chosen = await stage.choose(stage.call(tools=(Tool(name="look"),)))

    assert chosen.plan.deployments == ("able",)
    assert chosen.notes["route"]["left_out"] == {"unable": "cannot: tools"}


async def test_when_nobody_can_do_it_the_fields_are_named(kit):
    stage = kit.stage(None, kit.route(deployments={"profile": PLAIN}))

    problem = await refused(stage, stage.call(tools=(Tool(name="look"),), seed=1))

    assert problem.code == "field_unsupported"
    assert problem.details == {"fields": ["tools", "seed"]}


async def test_a_policy_to_drop_covers_what_can_be_left_out_and_never_tools_or_formats(kit):
    stage = kit.stage(None, kit.route(deployments={"profile": PLAIN, "unknown": "drop"}))

    chosen = await stage.choose(stage.call(seed=1))
    problem = await refused(stage, stage.call(format=Format(kind="schema"), seed=1))

    assert chosen.plan.deployments == ("fast",)
    assert problem.details == {"fields": ["response_format.json_schema"]}


async def test_a_policy_to_pass_sends_what_the_profile_does_not_know(kit):
    stage = kit.stage(None, kit.route(deployments={"profile": PLAIN, "unknown": "pass"}))

    chosen = await stage.choose(stage.call(tools=(Tool(name="look"),)))

    assert chosen.plan.deployments == ("fast",)


async def test_an_open_breaker_leaves_its_deployment_out(kit):
    stage = kit.stage(None, kit.route("a", "b"))
    broken = stage.state.of(stage.models.routes["fast"].deployments[0])
    for _ in range(5):
        broken.went_wrong(Unavailable("upstream_error"))

    chosen = await stage.choose(stage.call())

    assert chosen.plan.deployments == ("b",)
    assert chosen.notes["route"]["left_out"] == {"a": "breaker"}


async def test_when_all_are_out_of_order_the_caller_learns_when_to_come_back(kit):
    stage = kit.stage(None, breaking=Breaking(least=1, rest=5))
    stage.state.of(stage.models.routes["fast"].deployments[0]).went_wrong(Unavailable("upstream_error"))

    problem = await refused(stage, stage.call())

    assert (problem.code, problem.retry_after) == ("no_route", 5)


async def test_known_limits_of_provider_keys_are_used_up_together_before_anyone_is_refused(kit, clock):
    script = kit.Script(a=[kit.whole("a")], b=[kit.whole("b")])
    stage = kit.stage(script, kit.route("a", "b", deployments={"requests_per_minute": 3}))

    answers = [await stage.answer() for _ in range(6)]
    problem = await refused(stage, stage.call())
    clock.seconds += problem.retry_after
    later = await stage.answer()

    assert answers == ["a", "a", "a", "b", "b", "b"]
    assert (problem.code, problem.retry_after) == ("upstream_limited", 20)
    assert later == "a"


async def test_known_token_limits_count_what_was_set_aside_and_then_what_was_used(kit):
    script = kit.Script(fast=[kit.whole("a")])
    stage = kit.stage(script, kit.route(deployments={"tokens_per_minute": 100}))
    call = stage.call().but(hold=Hold(tokens=90))

    await stage.answer(call)

    assert stage.state.health()[0].tokens_left == 85  # the answer used 15
    with pytest.raises(Unavailable, match="limit"):
        await stage.choose(call)


async def test_fallbacks_follow_the_models_own_deployments_each_by_its_own_strategy(kit):
    stage = kit.stage(
        None, kit.route("a", "b", fallback=("careful",)), kit.route("y", "z", model="careful", strategy="least_busy")
    )
    stage.state.of(stage.models.routes["careful"].deployments[0]).enter(0)

    chosen = await stage.choose(stage.call(messages=(says("user", "hi"),)))

    assert chosen.plan.deployments == ("a", "b", "z", "y")


async def test_what_a_model_presets_stands_where_the_caller_says_nothing(kit):
    preset = {"temperature": 0.2, "max_tokens": 20, "stop": ("END",), "format": Format(kind="schema", name="order")}
    stage = kit.stage(None, kit.route().but(preset=preset))

    silent = await stage.choose(stage.call())
    loud = await stage.choose(stage.call(temperature=0.0, format=Format(kind="text")))

    assert (silent.request.temperature, silent.request.max_tokens, silent.request.stop) == (0.2, 20, ("END",))
    assert silent.request.format.name == "order"
    assert (loud.request.temperature, loud.request.max_tokens, loud.request.format.kind) == (0.0, 20, "text")


async def test_presets_are_for_chat_alone(kit):
    stage = kit.stage(
        None, kit.route(deployments={"profile": Profile(embeddings=True)}).but(preset={"temperature": 0.2})
    )

    chosen = await stage.choose(stage.call(kind="embeddings", messages=(), texts=("one",)))

    assert chosen.request.temperature is None
