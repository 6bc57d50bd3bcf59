"""`rowen keys`: the keys of a deployment, on the machine itself."""

from datetime import timedelta
from pathlib import Path
from typing import Any, cast, get_args

import click

from rowen import access
from rowen.access import SYSTEM
from rowen.cli.examples import such_as
from rowen.cli.options import in_store, json_option, server_option, show, store_option
from rowen.limits import written
from rowen.serve.settings import ServerSettings
from rowen.store.base import Store
from rowen.values import Key, Mistaken, Priority, Scope, SystemClock, at
from rowen.values.limit import Measure

_DAY_NS = 86_400_000_000_000
_CLOCK = SystemClock()


@click.group("keys")
def command() -> None:
    """Create, list, rotate and revoke keys. What is changed here holds within a second in every worker."""


@command.command("list")
@server_option
@store_option
@json_option
@click.option("--tenant", help="Only keys of this tenant.")
def list_keys(server_file: Path, store: str | None, as_json: bool, tenant: str | None) -> None:
    """List the keys, newest first. Secrets are not kept, so none is shown."""

    async def work(found: Store, _: ServerSettings) -> list[Key]:
        register = await _register(found)
        return await register.keys(SYSTEM, tenant=tenant)

    rows: list[Any] = [_row(key) for key in in_store(server_file, store, work)]
    show(rows, as_json=as_json, empty="No keys yet: rowen keys create NAME")


@command.command(
    "create",
    epilog=such_as(
        'rowen keys create web-shop --app shop --budget "5 USD/day" --days 90',
        "rowen keys create me --scope call --scope admin",
    ),
)
@click.argument("name")
@server_option
@store_option
@json_option
@click.option("--tenant", default="default", show_default=True, help="Whose key it is.")
@click.option("--user", default="", help="A user of the tenant.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(get_args(Scope)),
    help="What it may do; repeat for several. Default: call.",
)
@click.option("--app", "apps", multiple=True, help="Only this app; repeat for several.")
@click.option("--model", "models", multiple=True, help="Only this model; repeat for several.")
@click.option("--group", "groups", multiple=True, help="May read the documents of this group; repeat for several.")
@click.option("--network", "networks", multiple=True, help="Only from this range, such as 10.0.0.0/8.")
@click.option("--requests", help='Requests, such as "20/min".')
@click.option("--tokens", help='Tokens, such as "200k/day".')
@click.option("--budget", help='Money, such as "5 USD/month".')
@click.option(
    "--priority",
    type=click.Choice(["high", "normal", "low"]),
    default="normal",
    show_default=True,
    help="Who goes first under load.",
)
@click.option("--days", type=click.IntRange(min=1), help="Days until it expires.")
def create(
    name: str,
    server_file: Path,
    store: str | None,
    as_json: bool,
    tenant: str,
    user: str,
    scopes: tuple[str, ...],
    apps: tuple[str, ...],
    models: tuple[str, ...],
    groups: tuple[str, ...],
    networks: tuple[str, ...],
    requests: str | None,
    tokens: str | None,
    budget: str | None,
    priority: str,
    days: int | None,
) -> None:
    """Make a key called NAME and print its secret, once."""
    try:
        limits = tuple(written.limit(text, measure, "key") for measure, text in _given(requests, tokens, budget))
    except ValueError as error:
        raise Mistaken("field_invalid", str(error)) from error
    wanted = access.Wanted(
        name=name,
        tenant=tenant,
        user=user,
        scopes=cast("tuple[Scope, ...]", scopes) or ("call",),
        apps=apps,
        models=models,
        groups=groups,
        networks=networks,
        limits=limits,
        priority=cast("Priority", priority),
        expires_ns=_CLOCK.now_ns() + days * _DAY_NS if days else None,
    )

    async def work(found: Store, _: ServerSettings) -> access.Made:
        register = await _register(found)
        await register.people.ensure_tenant(SYSTEM, tenant)
        return await register.create(SYSTEM, wanted)

    _say_made(in_store(server_file, store, work), as_json=as_json)


@command.command("rotate")
@click.argument("id")
@server_option
@store_option
@json_option
@click.option("--overlap", type=float, default=24.0, show_default=True, help="Hours that the old key stays valid.")
def rotate(id: str, server_file: Path, store: str | None, as_json: bool, overlap: float) -> None:
    """Make a successor of the key ID and print its secret, once."""

    async def work(found: Store, _: ServerSettings) -> access.Made:
        register = await _register(found)
        return await register.rotate(SYSTEM, id, overlap=timedelta(hours=overlap))

    _say_made(in_store(server_file, store, work), as_json=as_json)


@command.command("revoke")
@click.argument("id")
@server_option
@store_option
@json_option
def revoke(id: str, server_file: Path, store: str | None, as_json: bool) -> None:
    """End the key ID at once and for good."""

    async def work(found: Store, _: ServerSettings) -> Key:
        register = await _register(found)
        return await register.revoke(SYSTEM, id)

    show([_row(in_store(server_file, store, work))], as_json=as_json, empty="")


def _given(requests: str | None, tokens: str | None, budget: str | None) -> list[tuple[Measure, str]]:
    named: list[tuple[Measure, str | None]] = [("requests", requests), ("tokens", tokens), ("money", budget)]
    return [(measure, text) for measure, text in named if text]


async def _register(store: Store) -> access.Register:
    directory = access.Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=_CLOCK)
    await directory.load()
    return access.Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=directory, clock=_CLOCK)


def _row(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "key": f"{key.shown}…",
        "name": key.name,
        "tenant": key.tenant,
        "scopes": ", ".join(key.scopes),
        "expires": at(key.expires_ns).isoformat(timespec="seconds") if key.expires_ns else None,
        "revoked": at(key.revoked_ns).isoformat(timespec="seconds") if key.revoked_ns else None,
        "last_used": at(key.last_used_ns).isoformat(timespec="seconds") if key.last_used_ns else None,
    }


def _say_made(made: access.Made, *, as_json: bool) -> None:
    if as_json:
        show([{**_row(made.key), "secret": made.secret.reveal()}], as_json=True, empty="")
        return
    click.echo(f"{made.key.name} ({made.key.id}), shown this once:", err=True)
    click.echo(made.secret.reveal())
