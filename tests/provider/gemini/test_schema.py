from rowen.provider.gemini.schema import subset


def test_puts_references_in_place():
    schema = {
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/place", "description": "where"}},
        "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }

    assert subset(schema) == {
        "type": "object",
        "properties": {"home": {"type": "object", "properties": {"city": {"type": "string"}}, "description": "where"}},
    }


def test_turns_null_into_nullable_and_const_into_enum():
    assert subset({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == {"type": "integer", "nullable": True}
    assert subset({"type": ["string", "integer", "null"]}) == {
        "nullable": True,
        "anyOf": [{"type": "string"}, {"type": "integer"}],
    }
    assert subset({"const": "hay"}) == {"enum": ["hay"]}


def test_turns_one_of_into_any_of_and_leaves_out_what_cannot_be_said():
    schema = {"oneOf": [{"type": "string"}, {"type": "integer", "multipleOf": 2}], "additionalProperties": False}

    assert subset(schema) == {"anyOf": [{"type": "string"}, {"type": "integer"}]}


def test_ends_at_a_schema_that_refers_to_itself():
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}

    assert subset(schema)["items"]["items"]["type"] == "array"
