import asyncio
import json
import random
import re
from contextlib import aclosing

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.provider.gbnf import Grammar

from rowen.provider.local.engine import Engine, Key, load
from rowen.provider.local.grammar import Grammars, narrowed
from rowen.provider.local.wire import Asked
from rowen.values import Deployment, Format, Mistaken, Profile, Request, Tool, ToolChoice, says

PLACE = Deployment(name="small", model="small", provider="local", upstream="smollm2", profile=Profile(top_k=True))
HELLO = Request(model="small", dialect="openai.chat", messages=(says("user", "x"),), temperature=0.0)
OPENING = "<|im_start|>assistant\n"
LOOSE = r"""
dot ::= [^\x0A\x0D]
json-string ::= "\"" ( [^"\\] | "\\" ["\\/ bfnrt] )* "\""
response-format ::= "{" space "\"a\"" space ":" space "\"" dot "\"" space "}"
root ::= "<|im_start|>assistant\n" space space ("```json" space response-format space "```" | space response-format space)
space ::= | " " | "\n"{1,2} [ \t]{0,20}
"""


def asked(schema=None, **changes) -> Asked:
    wanted = {"format": Format(kind="json") if schema is None else Format(kind="schema", name="x", schema=schema)}
    return Asked(HELLO.but(**(wanted | changes)), PLACE, {}, 60)


class Library:
    """A server that tells how it made a grammar, and answers."""

    def __init__(self, grammar=LOOSE, problem=None):
        self.bodies = []
        self._grammar, self._problem = grammar, problem

    def handle_chat_completions(self, body, callback):
        found = json.loads(body)
        self.bodies.append(found)
        if self._problem:
            raise self._problem
        told = {"generation_settings": {"grammar": self._grammar, "generation_prompt": OPENING}}
        callback(json.dumps({"choices": [], **({"__verbose": told} if found.get("verbose") else {})}).encode())


async def body(grammars: Grammars, library: Library, ask: Asked) -> dict:
    engine = Engine(library, 1)
    try:
        return json.loads(await grammars.body(ask, engine))
    finally:
        engine.close()


def test_a_narrow_grammar_has_no_fences_no_opening_and_no_blanks_but_those_after_colons_and_commas():
    rules = dict(line.split(" ::= ") for line in narrowed(LOOSE, OPENING).splitlines())

    assert (rules["root"], rules["space"]) == ("response-format", '""')
    assert rules["response-format"] == r'''"{" space "\"a\"" space ": " "\"" dot "\"" space "}"'''


def test_what_json_wants_escaped_is_no_character_of_a_text():
    rules = dict(line.split(" ::= ") for line in narrowed(LOOSE, OPENING).splitlines())

    assert rules["dot"] == r"[^\"\\\x00-\x1F\x0A\x0D]"
    assert r'["\\/ bfnrt]' in rules["json-string"]  # after a backslash these may stand
    texts = {Grammar("root ::= " + rules["dot"], random.Random(seed)).text() for seed in range(200)}
    assert texts.isdisjoint({'"', "\\", "\n", "\x01"})
    assert len(texts) > 5


@pytest.mark.parametrize(
    "root",
    [
        "",
        'thoughts "</think>" space response-format',
        '"<|im_start|>assistant\\n" "<think>" [^<]* "</think>" space response-format',
        '"<|im_start|>assistant\\n" (tool-call | space response-format)',
        '"<|im_start|>assistant\\n" space "text before" response-format',
        'space response-format "<|im_start|>assistant\\n"',
        '"another opening" space response-format',
        '"an open \\q escape" space response-format',
    ],
)
def test_an_answer_that_is_more_than_its_form_is_left_alone(root):
    grammar = "\n".join(f"root ::= {root}" if line.startswith("root ") else line for line in LOOSE.splitlines())

    assert narrowed(grammar, OPENING) == ""


async def test_a_form_is_learnt_once_and_then_sent_as_a_grammar():
    library, grammars = Library(), Grammars()

    first, second = [await body(grammars, library, asked({"type": "object"}, max_tokens=9, n=2)) for _ in "ab"]

    assert first == second
    assert first["grammar"] == narrowed(LOOSE, OPENING)
    assert "response_format" not in first
    assert (first["max_tokens"], first["n"]) == (9, 2)
    (told,) = library.bodies
    assert (told["max_tokens"], told.get("n", 1), told["verbose"]) == (1, 1, True)
    assert told["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_two_that_come_with_a_new_form_at_once_have_it_learnt_once():
    library, grammars = Library(), Grammars()
    engine = Engine(library, 2)

    first, second = await asyncio.gather(*(grammars.body(asked({"type": "object"}), engine) for _ in "ab"))
    engine.close()

    assert first == second
    assert len(library.bodies) == 1


async def test_a_form_whose_first_asker_left_is_learnt_by_the_next():
    library, grammars = Library(), Grammars()
    engine = Engine(library, 1)
    left, stayed = (asyncio.create_task(grammars.body(asked({"type": "object"}), engine)) for _ in "ab")
    await asyncio.sleep(0)

    left.cancel()
    found = json.loads(await stayed)
    engine.close()

    assert found["grammar"] == narrowed(LOOSE, OPENING)


async def test_another_form_is_learnt_anew():
    library, grammars = Library(), Grammars()

    for form in ({"type": "object"}, {"type": "string"}, None):
        await body(grammars, library, asked(form))

    assert len(library.bodies) == 3


async def test_only_so_many_forms_are_remembered():
    library, grammars = Library(), Grammars()

    for number in [*range(65), 64, 1, 0]:
        await body(grammars, library, asked({"const": number}))

    assert len(library.bodies) == 66  # the first had gone, and was learnt again


async def test_a_request_without_a_form_or_with_tools_beside_it_is_sent_as_it_is():
    library, grammars = Library(), Grammars()
    asks = (asked(format=None), asked(format=Format(kind="text")), asked(tools=(Tool(name="now"),)))

    sent = [await body(grammars, library, ask) for ask in asks]

    assert sent == [json.loads(ask.body) for ask in asks]
    assert library.bodies == []


async def test_a_library_that_does_not_tell_is_asked_as_ever():
    library = Library(grammar="root ::= thoughts response-format")
    ask = asked({"type": "object"})

    assert await body(Grammars(), library, ask) == json.loads(ask.body)


async def test_a_schema_that_the_library_refuses_is_refused_with_its_words():
    with pytest.raises(Mistaken) as caught:
        await body(Grammars(), Library(problem=ValueError("unsupported $ref")), asked({"$ref": "https://example.org"}))

    assert caught.value.code == "upstream_refused"
    assert "unsupported $ref" in caught.value.message


PLAIN = st.sampled_from([
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "null"},
    {"type": ["string", "null"]},
    {"type": "string", "minLength": 2, "maxLength": 5},
    {"type": "string", "pattern": "^[0-9]{3}$"},
    {"type": "string", "pattern": "^a.b[^c]+$"},
    {"type": "string", "pattern": "^([0-9]{2}-)?[A-Z]+$"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "minimum": 3, "maximum": 120},
    {"enum": ["red", 'a "quoted" word', "two words", 3, None, True]},
    {"const": {"a": [1, "x y"]}},
    {"$ref": "#/$defs/name"},
    {"type": "object"},
    {"type": "array"},
])  # fmt: skip


def larger(inner):
    names = st.lists(st.sampled_from(["a", "b c", "naïve", 'd"e']), unique=True, min_size=1, max_size=3)
    objects = names.flatmap(
        lambda chosen: st.builds(
            lambda properties, required: {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
            st.fixed_dictionaries(dict.fromkeys(chosen, inner)),
            st.lists(st.sampled_from(chosen), unique=True),
        )
    )
    arrays = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner,
        st.integers(0, 2),
        st.integers(1, 2),
    )
    return (
        objects
        | arrays
        | st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda some: {"type": "array", "prefixItems": some}, st.lists(inner, min_size=1, max_size=2))
    )


BEYOND = re.compile(r"\\u[dD][89a-fA-F]|\d[eE][+-]?\d{3}")
SCHEMAS = st.recursive(PLAIN, larger, max_leaves=5)
NAME = {
    "type": "object",
    "properties": {"first": {"type": "string"}},
    "required": ["first"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def engine(shipped):
    engine = Engine(load(Key(shipped("smollm2").find("smollm2").model, 256, 1, 1)), 1)
    yield engine
    engine.close()


async def grammar_of(ask: Asked, engine: Engine) -> str:
    return json.loads(await Grammars().body(ask, engine))["grammar"]


@pytest.mark.local
@settings(max_examples=25)
@given(schema=SCHEMAS, seed=st.integers(0, 1000))
def test_whatever_a_model_may_write_is_json_of_the_schema_without_blanks_to_pay_for(engine, schema, seed):
    whole = {**schema, "$defs": {"name": NAME}}
    grammar = Grammar(asyncio.run(grammar_of(asked(whole), engine)), random.Random(seed))

    for _ in range(20):
        text = grammar.text()

        found = json.loads(text)
        assert blanks(text) <= {": ", ", "}, text
        # Half a surrogate pair is JSON, and so is a number beyond what a float holds; the checker takes neither.
        assert BEYOND.search(text) or jsonschema_rs.is_valid(whole, found), text


def blanks(text: str) -> set[str]:
    """Return what blanks stand between the tokens of JSON, each with the sign before it."""
    return set(re.findall(r"[^\s]?\s+", re.sub(r'"(?:[^"\\]|\\.)*"', "_", text)))


@pytest.mark.local
@pytest.mark.parametrize("mode", ["required", "named"])
async def test_so_is_a_call_that_a_model_must_make(engine, mode):
    tools = tuple(Tool(name=name, schema=NAME) for name in ("greet", "part"))
    ask = asked(tools=tools, tool_choice=ToolChoice(mode=mode, name="greet"), format=None)

    text = Grammar(await grammar_of(ask, engine), random.Random(1)).text()

    assert blanks(text) <= {": ", ", "}, text
    assert json.loads(text).keys() == ({"name", "arguments"} if mode == "required" else {"first"})


@pytest.mark.local
async def test_the_same_prompt_is_computed_once_for_the_grammar_and_the_answer(engine):
    ask = asked({"const": "yes"}, messages=(says("user", "Say yes. " * 20),))
    sent = await Grammars().body(ask, engine)

    async with aclosing(engine.ask(sent)) as chunks:
        answers = [json.loads(chunk) async for chunk in chunks]

    (usage,) = [each["usage"] for each in answers if each.get("usage")]
    assert usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"] == 1
    assert "".join(c["delta"].get("content") or "" for each in answers for c in each["choices"]) == '"yes"'
