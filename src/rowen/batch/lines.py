"""One line of a batch's input, as OpenAI's batches have it."""

import msgspec

from rowen.values import Mistaken, Value

LONGEST = 256
"""Characters of a `custom_id`."""


class Line(Value, frozen=True, kw_only=True):
    """A request of a batch."""

    number: int
    """From 1, as editors count."""
    custom_id: str
    body: bytes
    """Its JSON, an object."""


class _Written(msgspec.Struct, frozen=True):
    custom_id: str
    body: msgspec.Raw
    url: str
    method: str = "POST"


_decode = msgspec.json.Decoder(_Written).decode


def line_of(text: bytes, number: int, endpoint: str) -> Line | None:
    """Return the request of a line; None for one that is empty.

    Raises:
        Mistaken: `json_malformed`, `utf8_invalid` or `field_invalid`, with the field as its place.

    """
    text = text.strip()
    if not text:
        return None
    try:
        written = _decode(text)
    except UnicodeDecodeError:
        raise Mistaken("utf8_invalid", "the line is not valid UTF-8") from None
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$.")
        raise Mistaken("field_invalid", said.replace("`", '"'), place=place.rstrip("`")) from None
    except (msgspec.DecodeError, RecursionError) as error:
        said = str(error).removeprefix("JSON is malformed: ")
        raise Mistaken("json_malformed", f"the line is not valid JSON: {said}") from None
    body = bytes(written.body)
    if not 0 < len(written.custom_id) <= LONGEST:
        raise Mistaken("field_invalid", f"custom_id has 1 to {LONGEST} characters", place="custom_id")
    if written.method != "POST":
        raise Mistaken("field_invalid", f'method is "POST", not {written.method[:20]!r}', place="method")
    if written.url != endpoint:
        raise Mistaken("field_invalid", f"url is that of the batch, {endpoint}, not {written.url[:100]!r}", place="url")
    if not body.startswith(b"{"):
        raise Mistaken("field_invalid", "body is no object", place="body")
    return Line(number=number, custom_id=written.custom_id, body=body)
