import pytest

from rowen.provider.fields import settle
from rowen.values import Deployment, Image, Message, Mistaken, Profile, Reasoning, Request, Tool, says

ASK = Request(model="fast", dialect="openai.chat", messages=(says("user", "hello"),))
HERE = Deployment(name="fast", model="fast", provider="x", upstream="small")
OWN = frozenset({"openai.chat"})


def test_a_plain_request_is_given_back_itself():
    settled = settle(ASK, HERE, family=OWN)

    assert settled.request is ASK
    assert settled.dropped == ()


@pytest.mark.parametrize("policy", ["refuse", "drop", "pass"])
def test_fields_of_the_own_family_always_pass(policy):
    settled = settle(ASK.but(extra={"store": True}), HERE.but(unknown=policy), family=OWN)

    assert settled.extra == {"store": True}


@pytest.mark.parametrize(
    ("profile", "changes"),
    [
        (Profile(logprobs=False), {"logprobs": True, "top_logprobs": 2}),
        (Profile(many=False), {"n": 3}),
        (Profile(seed=False), {"seed": 1}),
        (Profile(top_k=False), {"top_k": 1}),
        (Profile(penalties=False), {"frequency_penalty": 0.1, "presence_penalty": 0.1}),
        (Profile(penalties=False), {"presence_penalty": 0.1}),
        (Profile(reasoning=False), {"reasoning": Reasoning(effort="low")}),
    ],
)
def test_what_a_model_lacks_is_refused_dropped_or_passed_by_policy(profile, changes):
    request = ASK.but(**changes)
    here = HERE.but(profile=profile)

    with pytest.raises(Mistaken):
        settle(request, here, family=OWN)
    dropped = settle(request, here.but(unknown="drop"), family=OWN)
    passed = settle(request, here.but(unknown="pass"), family=OWN)

    assert dropped.request == ASK
    assert len(dropped.dropped) == 1
    assert passed.request == request


@pytest.mark.parametrize(
    ("profile", "changes"),
    [
        (Profile(tools=False), {"tools": (Tool(name="find"),)}),
        (Profile(images=False), {"messages": (Message(role="user", parts=(Image(url="https://a.test/b.png"),)),)}),
    ],
)
def test_tools_and_images_are_never_dropped(profile, changes):
    with pytest.raises(Mistaken):
        settle(ASK.but(**changes), HERE.but(profile=profile, unknown="drop"), family=OWN)


def test_what_a_wire_has_no_place_for_cannot_pass():
    request = ASK.but(seed=1)

    with pytest.raises(Mistaken):
        settle(request, HERE.but(unknown="pass"), family=OWN, cannot={"seed"})
    dropped = settle(request, HERE.but(unknown="drop"), family=OWN, cannot={"seed"})

    assert (dropped.request, dropped.dropped) == (ASK, ("seed",))


@pytest.mark.parametrize("policy", ["refuse", "drop", "pass"])
def test_a_vendors_own_beta_names_never_reach_another(policy):
    request = ASK.but(dialect="anthropic", extra={"anthropic_beta": ["a"]})

    settled = settle(request, HERE.but(unknown=policy), family=OWN)

    assert (settled.extra, settled.dropped) == ({}, ("anthropic_beta",))


def test_a_wish_not_to_think_is_granted_by_a_model_that_cannot():
    deployment = HERE.but(profile=Profile(reasoning=False))

    settled = settle(ASK.but(reasoning=Reasoning(effort="none")), deployment, family=OWN)

    assert settled.request.reasoning is None
    assert settled.dropped == ()
