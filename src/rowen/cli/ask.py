"""`rowen ask`: one question to an app, without a server."""

import asyncio
import json
import tempfile
from contextlib import aclosing
from pathlib import Path

import click

from rowen.access import SYSTEM, Wanted
from rowen.cli.examples import such_as
from rowen.cli.options import app_option
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.values import Call, Door, Request, Said, SystemClock, new_id, says


@click.command(
    "ask", epilog=such_as('rowen ask "What grows in a meadow?"', 'rowen ask "What grows in a meadow?" --model small')
)
@click.argument("question")
@app_option
@click.option("--model", default="", help="A model of the app; default: its first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, once the answer is whole.")
def command(question: str, path: Path, model: str, as_json: bool) -> None:
    """Ask the app one QUESTION and print the answer as it comes.

    Nothing of it is kept, and no server need run: an app that has documents of its own is asked through `rowen dev`.
    """
    asyncio.run(_ask(question, path, model, as_json=as_json))


async def _ask(question: str, path: Path, model: str, *, as_json: bool) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(ServerSettings(store=f"sqlite:{folder}"), [path])
        opened = await server.open()
        try:
            await opened.register.people.ensure_tenant(SYSTEM, "default")
            made = await opened.register.create(SYSTEM, Wanted(name="ask"))
            app = opened.served.named("")
            now = clock.now_ns()
            call = Call(
                id=new_id(now),
                app=app.name,
                definition=app.definition.hash,
                request=Request(model=model or app.default_model, messages=(says("user", question),), stream=True),
                door=Door(shape="internal", key_digest=made.key.digest),
                started_ns=now,
            )
            walk = app.walk(call)
            said = []
            async with aclosing(walk.events()) as events:
                async for batch in events:
                    for event in batch:
                        if isinstance(event, Said):
                            said.append(event.text)
                            click.echo("" if as_json else event.text, nl=False)
            took, cost = (walk.call.ended_ns - now) / 1e6, walk.call.cost
            if as_json:
                found = {"answer": "".join(said), "model": walk.call.request.model, "ms": round(took, 1)}
                click.echo(json.dumps(found | {"cost": f"{cost.amount.normalize():f}" if cost else None}))
                return
            click.echo()
            click.echo(f"{took:.0f} ms, {cost or 'unknown cost'}", err=True)
        finally:
            await server.close()
