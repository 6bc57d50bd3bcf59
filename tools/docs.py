"""Generates the reference pages from the code: `make docs`. `tests/docs` holds the committed pages against this."""

import asyncio
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import msgspec

from rowen.api.manage.openapi import described
from rowen.api.manage.routes import VERBS as ROUTES
from rowen.api.metrics import Metrics
from rowen.cli.main import VERBS, rowen
from rowen.config import TextFile, TextFiles, lines
from rowen.retrieve.chunk import catalog as chunk
from rowen.retrieve.load import catalog as load
from rowen.retrieve.parse import Limits
from rowen.retrieve.parse import catalog as parse
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.serve.tables import TABLES
from rowen.values import CODES

ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by `make docs` from the code. Change it there. -->\n"

DOORS = (
    ("POST", "/v1/chat/completions", "OpenAI", "Chat; streams with `stream: true`."),
    (
        "POST",
        "/v1/responses",
        "OpenAI",
        "Responses; streams. Goes on from `previous_response_id`, unless `store: false`.",
    ),
    ("GET, DELETE", "/v1/responses/{id}", "OpenAI", "A response that was stored."),
    ("POST", "/v1/embeddings", "OpenAI", "Vectors of texts or token ids."),
    (
        "GET",
        "/v1/models",
        "OpenAI, Anthropic",
        "The models that the key may use. Anthropic's shape with `anthropic-version`.",
    ),
    ("GET", "/v1/models/{id}", "OpenAI, Anthropic", "One of them."),
    ("POST", "/v1/messages", "Anthropic", "Messages; streams with `stream: true`."),
    ("POST", "/v1/messages/count_tokens", "Anthropic", "Tokens of a prompt, counted offline."),
    ("GET, POST", "/v1/files", "OpenAI", "Files of requests; see [batches](../how-to/batches.md)."),
    ("GET, DELETE", "/v1/files/{id}", "OpenAI", "One of them; its bytes at `/v1/files/{id}/content`."),
    ("GET, POST", "/v1/batches", "OpenAI", "Many requests, answered in the background."),
    ("GET", "/v1/batches/{id}", "OpenAI", "How far one is; `POST /v1/batches/{id}/cancel` ends it."),
    ("GET, POST", "/v1/messages/batches", "Anthropic", "Many requests, answered in the background."),
    (
        "GET, DELETE",
        "/v1/messages/batches/{id}",
        "Anthropic",
        "How far one is; its answers at `/v1/messages/batches/{id}/results`; `POST …/cancel` ends it.",
    ),
    (
        "POST, DELETE",
        "/v1/feedback",
        "OpenAI",
        "What a user says of an answer or does with it, with a key or a token; see [feedback](../how-to/feedback.md).",
    ),
    (
        "POST",
        "/v1/traces` `/api/public/otel/v1/traces",
        "OTLP",
        "Spans from anywhere, protobuf or JSON; see [traces](../how-to/traces.md).",
    ),
    (
        "POST",
        "/v1/logs` `/api/public/otel/v1/logs",
        "OTLP",
        "Evaluation results are kept as scores; all else is counted, and not kept.",
    ),
    ("POST", "/v1/metrics` `/api/public/otel/v1/metrics", "OTLP", "Counted, and not kept."),
    ("*", "/api/public/…", "Langfuse", "What Langfuse's SDK uses; see [traces](../how-to/traces.md#langfuses-sdk)."),
    (
        "POST",
        "/ofrep/v1/evaluate/flags` `/ofrep/v1/evaluate/flags/{key}",
        "OpenFeature",
        "Which version of an app answers whom; see [releases](../how-to/release.md#over-the-api-and-for-programs-in-any-language).",
    ),
    ("GET", "/ofrep/v1/configuration", "OpenFeature", "What providers of flags may expect."),
    ("GET", "/healthz", "–", "Whether the process lives. Open to everybody."),
    (
        "GET",
        "/readyz",
        "–",
        "Whether calls can be answered: 200 or 503, with the names of what fails. Open to everybody.",
    ),
    ("GET", "/metrics", "–", "[Metrics](metrics.md) for Prometheus, for loopback and private networks."),
)

ASKED = (
    ("authorization", "`Bearer rk-…`, or `Basic` with the key as the password. Wins when both are there."),
    ("x-api-key", "The key, as Anthropic's clients send it."),
    ("x-project-name", "The app that spans belong to, as Phoenix's clients name it."),
    ("x-mlflow-experiment-id", "The app of spans that name none, as MLflow's clients send it."),
    ("x-rowen-app", "The app meant; default: the one whose name stands in `model` (`app/model`), else the first."),
    ("x-rowen-feature", "The feature of your product that calls, for limits and sums."),
    ("x-rowen-session", "The conversation that the call belongs to."),
    ("x-rowen-user", "The end user, for limits and traces."),
    ("x-rowen-cache", "`bypass`: ask anew, and keep the new answer."),
    ("x-rowen-priority", "`low` or `normal`: lowers the key's priority for this call, never raises it."),
    ("x-rowen-tags", "Words for the trace, separated by commas."),
    ("traceparent", "W3C: the call becomes part of the caller's trace."),
    ("x-forwarded-for", "The caller's address, believed only from `trusted_proxies`."),
    ("anthropic-version", "Asks for Anthropic's shape where both are spoken."),
    ("anthropic-beta", "Handed on to Anthropic's own models, and noted in the trace."),
    ("if-none-match", "The `etag` of flags that are known already: the answer is 304 where nothing has changed."),
    ("content-encoding", "Only `identity`; spans may come as `gzip` or `deflate` too."),
)

ANSWERED = (
    ("x-rowen-trace", "always", "The trace id: `/traces/ID` among the pages, `/api/traces/ID`."),
    ("x-request-id", "always", "The same. `request-id` too, where Anthropic's clients look."),
    ("retry-after", "refusals", "Seconds after which a retry makes sense; `retry-after-ms` says it more exactly."),
    ("x-rowen-cost", "not streamed", "Such as `0.00012 USD`, or `unknown`."),
    ("x-rowen-cache", "not streamed", "`hit`, `miss`, or `off` when the model has no cache. A bypass is a miss."),
    ("x-rowen-model", "not streamed", "The deployment that answered; a cache hit asked none."),
    (
        "x-rowen-warnings",
        "when there is one",
        (
            "What to know of the sources: `unknown` (the app says that it does not know), `nothing_found`, `stale`, `conflict`, "
            "`instructions_in_source`."
        ),
    ),
    ("x-rowen-dropped", "when some were", 'The fields left out by the model\'s `unknown = "drop"`.'),
)


def main() -> None:
    """Write every page that is not as it should be, and name it."""
    for name, text in pages().items():
        target = ROOT / name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            print(f"wrote {name}")


def pages() -> dict[str, str]:
    """Return every generated page by its path in the repository."""
    made = {"config": config, "cli": cli, "errors": errors, "api": api, "metrics": metrics, "knowledge": knowledge}
    return {f"docs/reference/{name}.md": "\n".join(page()) for name, page in made.items()}


# --- config ---------------------------------------------------------------------------------------------------------


def config() -> Iterator[str]:
    """Yield the page of `app.toml` and `server.toml`."""
    yield "# Configuration\n"
    yield MADE
    yield "Two files: `app.toml` says what an app is, `server.toml` where and how it runs. A key that nothing reads is an"
    yield "error with file, line and the nearest name. `rowen check` tells all of them, `rowen check --schema` prints the"
    yield "JSON Schema of `app.toml` for editors.\n"
    yield "- A *duration* is a number of seconds or a text such as `250ms`, `30s`, `10m`, `1h`, `7d`."
    yield '- A *secret* is a reference: `{ env = "NAME" }` or `{ file = "PATH" }`, relative to the file it stands in.'
    yield "- A *file* is a path relative to `app.toml`; its text is part of the definition's hash."
    yield "- A *limit* is a text such as `20/min`, `200k/day`, `5 EUR/month`; see [limits](../how-to/limits.md).\n"
    yield "## app.toml\n"
    for name, table in TABLES.items():
        yield from _tables(table.kind, name)
    yield "## server.toml\n"
    yield "What a flag says wins over a `ROWEN_…` variable, that over `server.toml`, that over the default."
    yield "`rowen check --explain` prints every setting and where it came from. Lists in variables are separated by commas.\n"
    yield "| key | variable | type | default | |"
    yield "|---|---|---|---|---|"
    for line in lines(ServerSettings):
        # A variable is one text, and what is secret is given by reference.
        variable = "–" if "secret" in line.kind else f"`ROWEN_{line.path.upper()}`"
        yield f"| `{line.path}` | {variable} | {_kind(line.kind)} | {_default(line.default)} | {line.meaning} |"
    yield ""
    yield "Further variables: `ROWEN_MODELS` is the folder of [model weights](../how-to/models.md).\n"


def _tables(kind: Any, path: str, *, many: bool = False) -> Iterator[str]:
    """Yield one table's section, then those of the tables in it."""
    struct = _struct(kind)
    assert struct is not None
    path += ".NAME" if get_origin(kind) is dict else ""
    yield f"### `[[{path}]]`\n" if many else f"### `[{path}]`\n"
    yield _first_sentence(struct.__doc__) + "\n"
    yield "| key | type | default | |"
    yield "|---|---|---|---|"
    inner = []
    for field, line in zip(msgspec.structs.fields(struct), lines(struct), strict=True):
        yield f"| `{line.path}` | {_kind(line.kind)} | {_default(line.default)} | {line.meaning} |"
        if _struct(field.type) is not None:
            inner.append(field)
    yield ""
    for field in inner:
        yield from _tables(field.type, f"{path}.{field.encode_name}", many=field.type == _many(field.type))


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """Return the table that a type is or holds."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in {TextFile, TextFiles}:
        return kind
    return next((found for arg in get_args(kind) if (found := _struct(arg))), None)


def _many(kind: Any) -> Any:
    struct = _struct(kind)
    return tuple[struct, ...]  # type: ignore[valid-type]  # compared, not annotated


def _kind(name: str) -> str:
    name = re.sub(r"\b\w+Table\b", "table", name).replace("Decimal", "number").replace("table of Any", "table")
    words = list(dict.fromkeys(name.split(" or ")))
    return " or ".join(words).replace("|", r"\|")


def _default(text: str) -> str:
    return text if text == "required" else f"`{text}`" if text else ""


# --- command line ---------------------------------------------------------------------------------------------------


def cli() -> Iterator[str]:
    """Yield the page of the command line."""
    yield "# Command line\n"
    yield MADE
    yield f"{rowen.help}\n"
    yield "Exit codes: 0 well; 1 Rowen broke, or a check did not hold; 2 asked wrongly; 3 refused; 4 something needed is"
    yield "not available. With `--json` an error is JSON too, on standard error.\n"
    for name in VERBS:
        yield from _verb(_command(name), f"rowen {name}", "##")


def _command(name: str) -> click.Command:
    found = importlib.import_module(f"rowen.cli.{name}").command
    assert isinstance(found, click.Command)
    return found


def _verb(command: click.Command, path: str, level: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        yield f"{level} {path}\n"
        yield f"{_joined(command.help)}\n"
        for name, inner in sorted((name, each) for name, each in command.commands.items() if not each.hidden):
            yield from _verb(inner, f"{path} {name}", f"{level}#")
        return
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"{level} {path}\n"
    yield f"`{path} {usage}`\n"
    yield f"{_joined(command.help)}\n"
    if command.epilog:
        yield "```sh"
        yield from (line.strip() for line in command.epilog.splitlines()[2:])
        yield "```\n"
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "| option | default | |"
        yield "|---|---|---|"
        for option in options:
            yield _option(option)
        yield ""


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    kind = option.type
    if isinstance(kind, click.Choice):
        names += f" {_choices(kind)}"
    elif not option.is_flag:
        names += f" {kind.name.removesuffix(' range').upper()}"
    default = option.default
    shown = (
        f"`{default}`" if isinstance(default, str | int | float | Path) and not option.is_flag and default != "" else ""
    )
    return f"| {names} | {shown} | {option.help or ''} |"


def _choices(kind: click.Choice[Any]) -> str:
    return r" \| ".join(str(each) for each in kind.choices if each)


# --- errors ---------------------------------------------------------------------------------------------------------


def errors() -> Iterator[str]:
    """Yield the page of error codes."""
    yield "# Errors\n"
    yield MADE
    yield "Every error has a stable code, a sentence that says what happened and what to do, and the id of the trace. It comes"
    yield "in the shape of the door that was asked:\n"
    yield "| door | shape |"
    yield "|---|---|"
    yield '| OpenAI | `{"error": {"message", "type", "param", "code", "details"?}, "trace_id"}` |'
    yield '| Anthropic | `{"type": "error", "error": {"type", "message", "code", "param"?, "details"?}, "request_id"}` |'
    yield '| management | `{"error": {"code", "message", "place", "next_step", "trace_id"}}` |\n'
    yield "A problem that comes after a stream has begun is the stream's last event, in the same shape. Codes are never"
    yield "renamed; new ones may come.\n"
    yield "| code | status | means | what to do |"
    yield "|---|---|---|---|"
    for name, code in CODES.items():
        yield f"| `{name}` | {code.status} | {code.means} | {code.fix} |"
    yield ""


# --- api ------------------------------------------------------------------------------------------------------------


def api() -> Iterator[str]:
    """Yield the page of doors, headers and management routes."""
    yield "# HTTP API\n"
    yield MADE
    yield "## Model doors\n"
    yield "| method | path | shape | |"
    yield "|---|---|---|---|"
    for method, path, shape, about in DOORS:
        yield f"| {method} | `{path}` | {shape} | {about} |"
    yield ""
    yield "Every model answers at every door: shapes are translated both ways, tools and streams included. What one shape"
    yield "can say and another cannot is told on the page of [providers](providers.md).\n"
    yield "### Headers of a request\n"
    yield "| header | |"
    yield "|---|---|"
    for name, about in ASKED:
        yield f"| `{name}` | {about} |"
    yield ""
    yield "### Headers of an answer\n"
    yield "| header | when | |"
    yield "|---|---|---|"
    for name, when, about in ANSWERED:
        yield f"| `{name}` | {when} | {about} |"
    yield ""
    document = described(ROUTES)
    yield "## Management API\n"
    yield "The full description, OpenAPI 3.1, is at `/api/openapi.json`. " + document["info"]["description"]
    yield "A key is sent as to the model doors; the pages' own session works as well. See [keys](../how-to/keys.md).\n"
    yield "| method | path | scope | | query |"
    yield "|---|---|---|---|---|"
    for path, verbs in document["paths"].items():
        for method, verb in verbs.items():
            query = ", ".join(f"`{each['name']}`" for each in verb["parameters"] if each["in"] == "query")
            yield f"| {method.upper()} | `{path}` | `{verb['x-scope']}` | {verb['summary']} | {query} |"
    yield ""


# --- metrics --------------------------------------------------------------------------------------------------------


def metrics() -> Iterator[str]:
    """Yield the page of metrics: those of the doors and those that a whole server brings."""
    yield "# Metrics\n"
    yield MADE
    yield "`/metrics` in Prometheus' text format, one set for each process: with several workers a scrape sees one of them."
    yield "Open to loopback and private networks. Labels come from the definition, never from callers: a model that is not"
    yield "defined is `other`. Histograms bear the names of the OpenTelemetry GenAI conventions.\n"
    yield "| metric | kind | labels | |"
    yield "|---|---|---|---|"
    for one in measured()._all:  # noqa: SLF001 - the page shows what `/metrics` would
        labels = ", ".join(f"`{label}`" for label in one.labels)
        yield f"| `{one.name}` | {one.kind} | {labels} | {one.about} |"
    yield ""


# --- knowledge ------------------------------------------------------------------------------------------------------


def knowledge() -> Iterator[str]:
    """Yield the page of sources, parsers and chunkers, from their catalogues."""
    yield "# Sources, parsers, chunkers\n"
    yield MADE
    yield "What stands in `[retrieve.NAME]`; how to use it is told in [knowledge](../how-to/knowledge.md), every other key in"
    yield "[configuration](config.md). Other packages add kinds by the entry points named here.\n"
    yield f"## Sources\n\nEntry point `{load.GROUP}`. `options` of each kind:\n"
    for name, path in load.CATALOG.items():
        module = importlib.import_module(path)
        yield f"### `{name}`\n\n{_about(module)}\n"
        yield from _table_of(module.Options)
    yield f"## Parsers\n\nEntry point `{parse.GROUP}`. Which one reads a file is told by its content; its name decides only among"
    yield "kinds of plain text.\n"
    yield "| kind | reads | where |"
    yield "|---|---|---|"
    for name, path in parse.CATALOG.items():
        where = "in the server" if name in parse.HERE else "in a process apart"
        yield f"| `{name}` | {_about(importlib.import_module(path))} | {where} |"
    yield "\nWhat one original may take:\n"
    yield from _table_of(Limits)
    yield f"## Chunkers\n\nEntry point `{chunk.GROUP}`; `kind` of `[retrieve.NAME.chunk]`.\n"
    yield "| kind | |"
    yield "|---|---|"
    for name, path in chunk.CATALOG.items():
        yield f"| `{name}` | {_about(importlib.import_module(path))} |"
    yield ""


def _about(module: Any) -> str:
    """Return what a module says of itself, without the word before it."""
    said = _first_sentence(module.__doc__).partition(": ")[2]
    return said[:1].upper() + said[1:]


def _table_of(kind: Any) -> Iterator[str]:
    yield "| key | type | default | |"
    yield "|---|---|---|---|"
    for line in lines(kind):
        default = f"`{line.default}`" if line.default not in {"", "required"} else line.default
        yield f"| `{line.path}` | {line.kind} | {default} | {line.meaning} |"
    yield ""


def measured() -> Metrics:
    """Return what a server counts, from one that is opened for a moment."""
    return asyncio.run(_opened_metrics())


async def _opened_metrics() -> Metrics:
    server = Server(ServerSettings(store="memory:"), [ROOT / "examples/00-start/app.toml"])
    opened = await server.open()
    await server.close()
    return opened.metrics


def _first_sentence(text: str | None) -> str:
    return _joined(text).split("\n\n")[0]


def _joined(text: str | None) -> str:
    """Return a docstring with its paragraphs as lines."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").strip().split("\n\n"))


if __name__ == "__main__":
    main()
