"""Off, nothing happens and nothing is in the way; and `import rowen` loads nothing."""

import asyncio
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rowen


def run(code: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROWEN_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_rowen_loads_nothing_of_it():
    loaded = json.loads(
        run(
            "import sys, json; before = set(sys.modules); import rowen; print(json.dumps(sorted(set(sys.modules) - before)))"
        )
    )

    assert [name for name in loaded if name.startswith("rowen")] == ["rowen"]
    assert not {"msgspec", "http.client", "sqlalchemy", "opentelemetry"} & set(loaded)


def test_the_sdk_loads_nothing_else_of_rowen_and_nothing_foreign_but_msgspec():
    loaded = json.loads(
        run("import sys, json; import rowen; rowen.trace; print(json.dumps([*sys.modules, *sys.stdlib_module_names]))")
    )
    modules = set(loaded) - set(sys.stdlib_module_names)

    assert {name for name in modules if name.startswith("rowen")} >= {"rowen", "rowen.sdk"}
    assert all(name.startswith("rowen.sdk") for name in modules if name.startswith("rowen."))
    assert "msgspec" in modules
    assert not {name.partition(".")[0] for name in modules} & {
        "opentelemetry",
        "google",
        "sqlalchemy",
        "starlette",
        "click",
    }


def test_the_decorator_keeps_its_name_when_the_stage_of_that_name_is_imported():
    said = run(
        "import rowen, rowen.trace, rowen.score\n"
        "from rowen.trace import Buffer\n"
        "import rowen.trace.buffer\n"
        "assert rowen.trace(len)([1]) == 1\n"
        "assert rowen.score('a', 1) == ''\n"
        "print(Buffer.__module__, rowen.trace.__module__)"
    )

    assert said.split() == ["rowen.trace.buffer", "rowen.sdk.decorate"]


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'tracer'"):
        rowen.tracer


def test_all_names_are_there():
    assert all(callable(getattr(rowen, name)) for name in rowen.__all__)


def test_without_an_address_nothing_is_recorded_and_no_thread_is_started():
    said = run(
        "import rowen, threading\n"
        "assert rowen.connect() is False\n"
        "@rowen.trace\n"
        "def work(x):\n"
        "    with rowen.span('inner', input=x) as span:\n"
        "        span.set(a=1).usage(cost=1).event('e').fail(ValueError())\n"
        "        span.score('x', 1)\n"
        "        rowen.session('s'); rowen.user('u'); rowen.tag('t')\n"
        "        return span.trace_id, rowen.score('x', 1), rowen.headers(), rowen.current().span_id\n"
        "print(work(1), threading.active_count(), rowen.flush())"
    )

    assert said.strip() == "('', '', {}, '') 1 True"


def test_with_variables_alone_it_is_on(sink):
    run(
        "import rowen\n@rowen.trace\ndef work(): return 'done'\nwork()\n",  # sent when the interpreter ends
        ROWEN_URL=sink.url,
        ROWEN_KEY="rk-env",
        ROWEN_APP="from-env",
        ROWEN_RELEASE="2",
        ROWEN_CAPTURE="false",
    )

    assert sink.span("work").resource["service.name"] == "from-env"
    assert "output.value" not in sink.span("work").attributes
    assert sink.requests[0][1]["authorization"] == "Bearer rk-env"


def test_what_is_given_goes_before_the_variables(sink):
    run(
        f"import rowen\nrowen.connect({sink.url!r}, app='given')\nwith rowen.span('work'): pass\n",
        ROWEN_URL="http://127.0.0.1:1",
        ROWEN_APP="from-env",
    )

    assert sink.span("work").resource["service.name"] == "given"


def test_the_whole_of_opentelemetry_switched_off_leaves_every_function_as_it_is():
    assert run("import rowen\ndef f(): ...\nprint(rowen.trace(f) is f)", OTEL_SDK_DISABLED="true").strip() == "True"


def test_functions_that_were_decorated_before_the_connection_are_recorded_after_it(sink):
    @rowen.trace
    def early() -> int:
        return 1

    early()
    rowen.connect(sink.url)
    early()
    rowen.disconnect()
    early()

    assert len(sink.spans()) == 1


async def test_off_every_kind_of_function_does_what_it_did():
    @rowen.trace
    async def coroutine(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @rowen.trace
    def generator(x: int) -> Any:
        yield x

    @rowen.trace
    async def stream(x: int) -> Any:
        yield x

    assert inspect.iscoroutinefunction(coroutine)
    assert await coroutine(1) == 1
    assert inspect.isgenerator(generator(1))
    assert list(generator(2)) == [2]
    assert inspect.isasyncgen(stream(1))
    assert [x async for x in stream(3)] == [3]


USER = """
from collections.abc import AsyncIterator, Iterator

import rowen

rowen.connect("http://127.0.0.1:8484", key="rk-1", app="shop", environment="production", release="1.4.2")


@rowen.trace
def plain(question: str, count: int = 1) -> str:
    return question * count


@rowen.trace(type="tool", name="search", capture=False)
async def search(query: str) -> list[str]:
    return [query]


@rowen.trace
def words() -> Iterator[str]:
    yield "a"


@rowen.trace
async def more() -> AsyncIterator[str]:
    yield "a"


class Shop:
    @rowen.trace
    def buy(self, thing: str) -> int:
        return len(thing)


async def main() -> None:
    reveal_type(plain("a", count=2))
    reveal_type(await search("a"))
    reveal_type(Shop().buy("tea"))
    reveal_type([word for word in words()])
    reveal_type([word async for word in more()])
    reveal_type(rowen.carried(plain))
    with rowen.span("rerank", type="reranker", candidates=4) as span:
        span.set(model="m", input=[1], output="x").usage(input_tokens=1, cost=0.5)
        reveal_type(span.trace_id)
    reveal_type(rowen.score("helpful", True, reason="yes"))
    reveal_type(rowen.headers())
    with rowen.continued({"traceparent": "x"}), rowen.session("s"):
        pass
"""
TYPES = [
    "str",
    "list[str]",
    "int",
    "list[str]",
    "list[str]",
    "def (question: str, count: int =) -> str",
    "str",
    "str",
    "dict[str, str]",
]
WRONG = """
import rowen

@rowen.trace
def plain(question: str) -> str:
    return question

plain(1)
plain()
rowen.score("a")
rowen.tracer
rowen.trace(tyqe="tool")
"""


def test_a_users_file_type_checks_and_decorated_functions_keep_their_types(tmp_path: Path):
    (tmp_path / "right.py").write_text(USER)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\ncache_dir = {tmp_path}/cache\n")
    source = Path(rowen.__file__).parents[1]

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "right.py", "wrong.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    lines = done.stdout.replace("builtins.", "").splitlines()
    revealed = [line.partition('Revealed type is "')[2].rstrip('"') for line in lines if "Revealed" in line]
    assert revealed == TYPES
    errors = [line for line in lines if ": error:" in line]
    assert len(errors) == 5, done.stdout
    assert all(line.startswith("wrong.py") for line in errors)
