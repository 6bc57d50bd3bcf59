"""`rowen ask`: one question to an app, without a server."""

import asyncio
import tempfile
from contextlib import aclosing
from pathlib import Path

import click

from rowen.access import SYSTEM, Wanted
from rowen.cli.examples import such_as
from rowen.serve.server import Server
from rowen.serve.settings import ServerSettings
from rowen.values import Call, Door, Request, Said, SystemClock, new_id, says


@click.command(
    "ask", epilog=such_as('rowen ask "What grows in a meadow?"', 'rowen ask "What grows in a meadow?" --model small')
)
@click.argument("question")
@click.option(
    "--app",
    "path",
    type=click.Path(path_type=Path),
    default=Path("app.toml"),
    show_default=True,
    help="The app's file.",
)
@click.option("--model", default="", help="A model of the app; default: its first.")
def command(question: str, path: Path, model: str) -> None:
    """Ask the app one QUESTION and print the answer as it comes."""
    asyncio.run(_ask(question, path, model))


async def _ask(question: str, path: Path, model: str) -> None:
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
            async with aclosing(walk.events()) as events:
                async for batch in events:
                    for event in batch:
                        if isinstance(event, Said):
                            click.echo(event.text, nl=False)
            click.echo()
            cost = f"{walk.call.cost}" if walk.call.cost else "unknown cost"
            click.echo(f"{(walk.call.ended_ns - now) / 1e6:.0f} ms, {cost}", err=True)
        finally:
            await server.close()
