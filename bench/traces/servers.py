"""The servers under test: how each is installed, started, sent spans, asked, and what is in its file.

Rowen runs with keys. The others run as their guides start them, on SQLite, without keys; their telemetry is off.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from load import ABSENT, COMMON, MODELS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What to run, and the path that answers 200 when it is ready."""

    argv: list[str]
    ready: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request, and what must be in a good answer."""

    path: str
    body: str = ""
    wants: str = ""
    kind: str = "application/json"
    follows: bool = True


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server.

    `launch(folder, port)` prepares the folder; `head(folder)` gives the headers of every request; `asks(folder)` the
    questions by name; `opens(folder, trace)` those that open one trace; `kept` reads the ids of its spans from `file`.
    """

    name: str
    title: str
    launch: Callable[[Path, int], Launch]
    head: Callable[[Path], dict[str, str]]
    asks: Callable[[Path], dict[str, Ask]]
    opens: Callable[[Path, str], dict[str, Ask]]
    file: str
    kept: str
    package: str = ""


def rowen() -> Server:
    """Rowen as it stands in this checkout."""

    def launch(folder: Path, port: int) -> Launch:
        secret = folder / "secret"
        if not secret.exists():
            (folder / "app.toml").write_text('[app]\nname = "bench"\n\n[models.main]\nprovider = "echo"\n')
            argv = [sys.executable, "-m", "rowen", "keys", "create", "bench", "--store", "sqlite:data", "--json"]
            made = json.loads(_run([*argv, "--scope", "call", "--scope", "read"], folder))
            secret.write_text((made[0] if isinstance(made, list) else made)["secret"])
        argv = [sys.executable, "-m", "rowen", "serve", "app.toml", "--port", str(port), "--store", "sqlite:data"]
        # The load is of a fixed day.
        return Launch(argv=argv, ready="/readyz", env={"ROWEN_TRACE_DAYS": "0", "PYTHONPATH": str(ROOT / "src")})

    def asks(_folder: Path) -> dict[str, Ask]:
        def api(**query: object) -> Ask:
            return Ask(path="/api/traces?" + urlencode({"limit": 50, **query}), wants='"id":')

        def page(**query: object) -> Ask:
            return Ask(path="/traces?" + urlencode(query), wants="<table", kind="page")

        nothing = Ask(path=f"/api/traces?text={ABSENT}", wants='"data":[]')
        return {
            "list": api(),
            "model": api(model=MODELS[0]),
            "rare_model": api(model=MODELS[-1]),
            "common": api(text=COMMON),
            "absent": nothing,
            "page_list": page(),
            "page_model": page(model=MODELS[0]),
            "page_common": page(text=COMMON),
            "page_absent": Ask(path=f"/traces?text={ABSENT}", wants="<main", kind="page"),
        }

    def opens(_folder: Path, trace: str) -> dict[str, Ask]:
        return {
            "open": Ask(path=f"/traces/{trace}", wants="<main", kind="page"),
            "open_deep": Ask(path=f"/traces/{trace}?from=1000", wants="<main", kind="page"),
        }

    return Server(
        name="rowen",
        title="Rowen",
        launch=launch,
        head=lambda folder: {"authorization": f"Bearer {(folder / 'secret').read_text()}"},
        asks=asks,
        opens=opens,
        file="data/traces.db",
        kept="SELECT CASE typeof(id) WHEN 'blob' THEN lower(hex(id)) ELSE id END FROM spans",
    )


def _phoenix(home: Path) -> Server:
    def launch(folder: Path, port: int) -> Launch:
        env = {
            "PHOENIX_WORKING_DIR": str(folder / "data"),
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(port + 1),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }
        (folder / "data").mkdir(exist_ok=True)
        return Launch(argv=[str(home / "phoenix/bin/phoenix"), "serve"], ready="/readyz", env=env)

    row = (
        "id spanId name spanKind statusCode startTime latencyMs cumulativeTokenCountTotal "
        "input{value:truncatedValue} output{value:truncatedValue} trace{traceId userId numSpans costSummary{total{cost}}} "
        "spanAnnotations{id name label score}"
    )

    def asked(query: str, wants: str) -> Ask:
        return Ask(path="/graphql", body=json.dumps({"query": query}), wants=wants)

    def listed(condition: str, wants: str = '"spanId"') -> Ask:
        sorting = "sort:{col:startTime,dir:desc}"
        spans = f"spans(first:50,{sorting},filterCondition:{json.dumps(condition)}){{edges{{node{{{row}}}}}}}"
        return asked(f'{{node(id:"UHJvamVjdDox"){{...on Project{{{spans}}}}}}}', wants)

    def asks(_folder: Path) -> dict[str, Ask]:
        return {
            "list": listed("parent_span is None"),
            "model": listed(f"llm.model_name == '{MODELS[0]}'"),
            "rare_model": listed(f"llm.model_name == '{MODELS[-1]}'"),
            "common": listed(f"'{COMMON}' in input.value"),
            "absent": listed(f"'{ABSENT}' in input.value", '"edges":[]'),
        }

    def opens(_folder: Path, trace: str) -> dict[str, Ask]:
        spans = f"spans(first:1000){{edges{{node{{{row} parentId}}}}}}"
        query = f'{{node(id:"UHJvamVjdDox"){{...on Project{{trace(traceId:"{trace}"){{{spans}}}}}}}}}'
        return {"open": asked(query, '"spanId"')}

    return Server(
        name="phoenix",
        title="Phoenix",
        launch=launch,
        head=lambda _: {},
        asks=asks,
        opens=opens,
        file="data/phoenix.db",
        kept="SELECT span_id FROM spans",
        package="arize-phoenix==20.26.1",
    )


def _mlflow(home: Path) -> Server:
    def launch(folder: Path, port: int) -> Launch:
        (folder / "data").mkdir(exist_ok=True)
        argv = [str(home / "mlflow/bin/mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
        argv += ["--backend-store-uri", f"sqlite:///{folder / 'data/mlflow.db'}"]
        argv += ["--artifacts-destination", str(folder / "data/artifacts")]
        path = f"{home / 'mlflow/bin'}:/usr/bin:/bin"
        return Launch(argv=argv, ready="/health", env={"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path})

    def search(condition: str, wants: str = '"trace_id"') -> Ask:
        body = {
            "locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}],
            "max_results": 50,
            "order_by": ["timestamp_ms DESC"],
            "filter": condition,
        }
        return Ask(path="/ajax-api/3.0/mlflow/traces/search", body=json.dumps(body), wants=wants)

    def asks(_folder: Path) -> dict[str, Ask]:
        return {
            "list": search(""),
            "model": search(f"span.attributes.llm.model_name LIKE '%{MODELS[0]}%'"),
            "rare_model": search(f"span.attributes.llm.model_name LIKE '%{MODELS[-1]}%'"),
            "common": search(f"trace.text LIKE '%{COMMON}%'"),
            "absent": search(f"trace.text LIKE '%{ABSENT}%'", "{}"),
        }

    def opens(_folder: Path, trace: str) -> dict[str, Ask]:
        path = f"/ajax-api/3.0/mlflow/traces/get?trace_id={quote('tr-' + trace)}&allow_partial=true"
        return {"open": Ask(path=path, wants='"span_id"')}

    return Server(
        name="mlflow",
        title="MLflow",
        launch=launch,
        head=lambda _: {"x-mlflow-experiment-id": "0"},
        asks=asks,
        opens=opens,
        file="data/mlflow.db",
        kept="SELECT span_id FROM spans",
        package="mlflow==3.17.2",
    )


def peers(home: Path) -> Mapping[str, Server]:
    """Other people's servers by name, installed below a folder."""
    return {each.name: each for each in (_phoenix(home), _mlflow(home))}


def installed(servers: Iterable[Server], home: Path) -> list[Server]:
    """Install what is not there, each into an environment of its own; who cannot be installed is named and left out."""
    there = []
    for each in servers:
        try:
            if each.package and not (home / each.name / "bin" / each.name).exists():
                print(f"… installing {each.title}", file=sys.stderr, flush=True)
                home.mkdir(parents=True, exist_ok=True)
                _run([sys.executable, "-m", "venv", str(home / each.name)], home)
                _run([str(home / each.name / "bin/pip"), "install", "--quiet", each.package], home)
            there.append(each)
        except RuntimeError as error:
            print(f"! SKIPPED {each.title}: {error}", file=sys.stderr)
    return there


def _run(argv: list[str], folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:4])} … ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout
