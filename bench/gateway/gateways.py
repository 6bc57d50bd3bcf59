"""The gateways under test: how each is installed, started and asked.

Rowen runs with everything on: keys, limits of requests and tokens, a budget, cost and the full trace on disk. The others
run with nothing but forwarding.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from upstream import MODEL

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
ROOT = HERE.parent.parent
UPSTREAM_KEY = "sk-bench-upstream"
MASTER = "fgw_" + "0123456789abcdef" * 2


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What to run."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One gateway. `launch(folder, port, upstream)` writes its configuration; `headers` is asked after it."""

    name: str
    title: str
    launch: Callable[[Path, int, int], Launch]
    headers: Callable[[Path, int], dict[str, str]]
    install: Callable[[], None] | None = None
    installed: Callable[[], bool] = lambda: True
    cache: bool = False
    """Whether the model "cached" answers from a cache."""


def rowen(workers: int = 1, python: str = "", tree: Path = ROOT) -> Gateway:
    """Rowen as it stands in a checkout, perhaps under another interpreter of the same minor version."""

    def launch(folder: Path, port: int, upstream: int) -> Launch:
        (folder / "app.toml").write_text(
            f"""
[app]
name = "bench"

[models."{MODEL}"]
provider = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
key = {{ env = "BENCH_UPSTREAM_KEY" }}
price = {{ input = "0.15", output = "0.60" }}

[models.cached]
provider = "openai"
model = "{MODEL}"
base_url = "http://127.0.0.1:{upstream}/v1"
key = {{ env = "BENCH_UPSTREAM_KEY" }}
price = {{ input = "0.15", output = "0.60" }}
cache = {{ ttl = "1h" }}

[limits]
per_key = ["100M/min", "100G/day"]
tokens = {{ per_key = "100G/day", per_tenant = "900G/month" }}
budget = {{ per_key = "1000000 USD/day", per_tenant = "9000000 USD/month" }}
concurrency = {{ per_key = 4000 }}
"""
        )
        secret = folder / "secret"
        if not secret.exists():
            made = _run(
                [sys.executable, "-m", "rowen", "keys", "create", "bench", "--store", "sqlite:data", "--json"],
                folder,
                {"PYTHONPATH": str(tree / "src")},
            )
            parsed = json.loads(made)
            secret.write_text((parsed[0] if isinstance(parsed, list) else parsed)["secret"])
        argv = [python or sys.executable, "-m", "rowen", "serve", "app.toml", "--port", str(port)]
        argv += ["--store", "sqlite:data"]
        env = {"BENCH_UPSTREAM_KEY": UPSTREAM_KEY, "PYTHONPATH": str(tree / "src")}
        if workers > 1:
            argv += ["--workers", str(workers)]
        if python:
            env["PYTHONPATH"] = os.pathsep.join([str(tree / "src"), sysconfig.get_path("purelib")])
        return Launch(argv=argv, env=env)

    if python:
        name, title = "rowen-python", f"Rowen, {python}"
    elif tree != ROOT:
        name, title = "rowen-tree", f"Rowen in {tree}"
    elif workers > 1:
        name, title = f"rowen{workers}", f"Rowen, {workers} workers"
    else:
        name, title = "rowen", "Rowen"
    return Gateway(
        name=name,
        title=title,
        launch=launch,
        headers=lambda folder, _: {"authorization": f"Bearer {(folder / 'secret').read_text()}"},
        cache=True,
    )


def _bare() -> Gateway:
    def launch(_folder: Path, port: int, upstream: int) -> Launch:
        argv = [sys.executable, str(HERE / "bare.py"), str(port), str(upstream)]
        return Launch(argv=argv, env={"BENCH_UPSTREAM_KEY": UPSTREAM_KEY})

    return Gateway(name="bare", title="bare (the floor)", launch=launch, headers=lambda _folder, _upstream: {})


def _litellm() -> Gateway:
    def launch(folder: Path, port: int, upstream: int) -> Launch:
        (folder / "config.yaml").write_text(
            f"model_list:\n  - model_name: {MODEL}\n    litellm_params:\n      model: openai/{MODEL}\n"
            f"      api_base: http://127.0.0.1:{upstream}/v1\n      api_key: {UPSTREAM_KEY}\n"
        )
        argv = [str(PEERS / "litellm/bin/litellm"), "--config", "config.yaml", "--host", "127.0.0.1"]
        argv += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
        env = {
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
            "NO_DOCS": "True",
        }
        return Launch(argv=argv, env={**env, "PATH": f"{PEERS / 'litellm/bin'}:{os.environ['PATH']}"})

    return _from_pypi("litellm", "LiteLLM", "litellm[proxy]", launch, {"authorization": f"Bearer {UPSTREAM_KEY}"})


def _portkey() -> Gateway:
    start = PEERS / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"

    def launch(_folder: Path, port: int, _upstream: int) -> Launch:
        return Launch(
            argv=["node", str(start), f"--port={port}", "--headless"],
            env={"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"},
        )

    def headers(_folder: Path, upstream: int) -> dict[str, str]:
        return {
            "authorization": f"Bearer {UPSTREAM_KEY}",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
        }

    def install() -> None:
        if shutil.which("npm") is None:
            raise RuntimeError("npm is not installed")
        folder = PEERS / "portkey"
        folder.mkdir(parents=True, exist_ok=True)
        # Later versions of the server package hand out headers that the gateway cannot change: its streams end with 500.
        pinned = {"private": True, "overrides": {"@hono/node-server": "1.13.5"}}
        (folder / "package.json").write_text(json.dumps(pinned))
        _run(["npm", "install", "--no-audit", "--no-fund", "@portkey-ai/gateway@1.15.2"], folder)

    return Gateway(
        name="portkey",
        title="Portkey",
        launch=launch,
        headers=headers,
        install=install,
        installed=lambda: start.exists() and shutil.which("node") is not None,
    )


def _ferrogw() -> Gateway:
    def launch(folder: Path, port: int, upstream: int) -> Launch:
        (folder / "config.yaml").write_text("strategy:\n  mode: single\ntargets:\n  - virtual_key: openai\n")
        env = {
            "GATEWAY_CONFIG": "config.yaml",
            "MASTER_KEY": MASTER,
            "ALLOW_UNAUTHENTICATED_PROXY": "true",
            "OPENAI_API_KEY": UPSTREAM_KEY,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1",
            "PORT": str(port),
            "LOG_LEVEL": "error",
            "RATE_LIMIT_RPS": "1000000",
            "RATE_LIMIT_BURST": "1000000",
        }
        return Launch(argv=[str(PEERS / "ferrogw/bin/ferrogw"), "serve"], env=env)

    return _from_pypi("ferrogw", "ferrogw", "ferrogw", launch, {"authorization": f"Bearer {MASTER}"})


def _rolter() -> Gateway:
    def launch(folder: Path, port: int, upstream: int) -> Launch:
        (folder / "rolter.toml").write_text(
            f"""
[server]
host = "127.0.0.1"
port = {port}

[[providers]]
name = "mock"
kind = "openai_compatible"
api_base = "http://127.0.0.1:{upstream}/v1"
api_key_env = "OPENAI_API_KEY"

[[routes]]
model = "{MODEL}"
strategy = "round_robin"
[[routes.targets]]
provider = "mock"
model = "{MODEL}"
"""
        )
        env = {
            "OPENAI_API_KEY": UPSTREAM_KEY,
            "ROLTER_ALLOW_OPEN_MODE": "true",
            "ROLTER_TELEMETRY_ENABLED": "false",
            "RUST_LOG": "error",
        }
        return Launch(argv=[str(PEERS / "rolter/bin/rolter"), "gateway", "-c", "rolter.toml"], env=env)

    return _from_pypi("rolter", "rolter", "rolter", launch, {"authorization": f"Bearer {UPSTREAM_KEY}"})


def _from_pypi(
    name: str, title: str, package: str, launch: Callable[[Path, int, int], Launch], headers: dict[str, str]
) -> Gateway:
    def install() -> None:
        _run([sys.executable, "-m", "venv", str(PEERS / name)], HERE)
        _run([str(PEERS / name / "bin/pip"), "install", "--quiet", package], HERE)

    return Gateway(
        name=name,
        title=title,
        launch=launch,
        headers=lambda _folder, _upstream: headers,
        install=install,
        installed=(PEERS / name / "bin" / name).exists,
    )


def peers() -> dict[str, Gateway]:
    """What Rowen is held against, by name: the floor, and other people's gateways."""
    return {each.name: each for each in (_bare(), _litellm(), _portkey(), _ferrogw(), _rolter())}


def _run(argv: list[str], folder: Path, env: Mapping[str, str] = MappingProxyType({})) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env})
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:4])} … ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout
