"""Notices leave over real sockets: an HTTP server and a mail server on loopback."""

import asyncio
import hashlib
import hmac
import json
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from rowen.provider.transport import HttpTransport
from rowen.values import Secret, Unavailable
from rowen.watch.alert import Alert, Firing
from rowen.watch.contact import ContactTable
from rowen.watch.notice import Notice
from rowen.watch.send import sender
from rowen.watch.tell import Teller

from .conftest import JUNE


def notice(**fields) -> Notice:
    alert = Alert(
        id="a1", app="shop", objective="up", severity="page", fired_ns=JUNE, firing=Firing(said="10 of 20 <were> bad")
    )
    return Notice(
        **{
            "id": "n1",
            "app": "shop",
            "contact": "team",
            "group": "shop/page",
            "what": "firing",
            "alerts": (alert,),
            "incident": "i1",
            "made_ns": JUNE,
            "due_ns": JUNE,
            **fields,
        }
    )


@asynccontextmanager
async def webhook(*statuses: int):
    """An HTTP server that keeps what it gets and answers with one status after the other, the last for ever."""
    got: list[tuple[dict[str, str], bytes]] = []
    left = list(statuses)

    async def serve(reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = left.pop(0) if len(left) > 1 else left[0]
        extra = "location: http://127.0.0.1:1/\r\n" if status == 302 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{extra}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", got


@pytest.fixture
async def send():
    transport = HttpTransport()

    async def post(url, headers, body) -> int:
        reply = await transport.open("POST", url, headers, body, connect_timeout=5, silence_timeout=5)
        await reply.read(1000)
        await reply.close()
        return reply.status

    yield sender(post)
    await transport.close()


async def test_a_webhook_gets_json_that_is_signed_and_can_be_told_apart(send):
    async with webhook(204) as (url, got):
        contact = ContactTable(kind="webhook", url=Secret(url), key=Secret("k"), token=Secret("t"))

        await send(contact, notice())

    ((headers, body),) = got
    made = json.loads(body)
    assert headers["idempotency-key"] == "n1"
    assert headers["authorization"] == "bearer t"
    assert headers["x-rowen-signature"] == "sha256=" + hmac.new(b"k", body, hashlib.sha256).hexdigest()
    assert (made["status"], made["app"], made["incident"]) == ("firing", "shop", "i1")
    assert made["alerts"][0]["objective"] == "up"


async def test_a_slack_webhook_gets_text_in_which_nothing_has_a_meaning(send):
    async with webhook(200) as (url, got):
        await send(ContactTable(kind="slack", address=url), notice())

    text = json.loads(got[0][1])["text"]
    assert "[rowen] shop: up (page)" in text
    assert "10 of 20 &lt;were&gt; bad" in text


@pytest.mark.parametrize("status", [302, 400, 404, 500])
async def test_a_webhook_that_does_not_take_it_is_unavailable(send, status):
    async with webhook(status) as (url, got):
        with pytest.raises(Unavailable, match=str(status)):
            await send(ContactTable(kind="webhook", address=url), notice())

    assert len(got) == 1  # a redirect is not followed


async def test_a_webhook_that_fails_at_first_is_tried_again_until_it_takes_it(send, store):
    async with webhook(500, 503, 200) as (url, got):
        contacts = {"team": ContactTable(kind="webhook", address=url)}
        teller, now = Teller(store, send), JUNE
        await Notice.shelf(store.records).put(notice())

        states = []
        for _ in range(4):
            states += [(each.state, each.attempts) for each in await teller.tell("shop", contacts, now)]
            now += 3600 * 10**9

    assert states == [("due", 1), ("due", 2), ("sent", 3)]
    assert {headers["idempotency-key"] for headers, _ in got} == {"n1"}


class Mailbox:
    """A mail server's handler that keeps what came."""

    def __init__(self) -> None:
        self.got = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.got.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def serve_mail(mailbox):
    running = []

    def start(**options) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return f"127.0.0.1:{port}"

    yield start
    for controller in running:
        controller.stop()


def mail(place: str, **fields) -> ContactTable:
    return ContactTable(
        **{
            "kind": "email",
            "to": ("ann@example.org", "bo@example.org"),
            "sender": "rowen@example.org",
            "smtp": place,
            **fields,
        }
    )


async def test_a_mail_arrives_at_everybody(send, mailbox, serve_mail):
    await send(mail(serve_mail(), tls="none"), notice())

    (envelope,) = mailbox.got
    text = envelope.content.decode()
    assert envelope.rcpt_tos == ["ann@example.org", "bo@example.org"]
    assert "Subject: [rowen] shop: up (page)" in text
    assert "Message-ID: <n1@rowen>" in text
    assert "10 of 20 <were> bad" in text


async def test_a_name_with_a_line_break_adds_no_header(send, mailbox, serve_mail):
    evil = notice(alerts=(notice().alerts[0].but(objective="up\r\nBcc: eve@example.org"),))

    await send(mail(serve_mail(), tls="none"), evil)

    (envelope,) = mailbox.got
    assert envelope.rcpt_tos == ["ann@example.org", "bo@example.org"]
    assert b"\nBcc:" not in envelope.content.split(b"\r\n\r\n")[0]


async def test_a_mail_over_starttls_signs_in_and_trusts_only_whom_it_should(mailbox, serve_mail):
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    seen = []

    def check(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)  # the server is to say no, not nothing

    place = serve_mail(tls_context=server, require_starttls=True, authenticator=check, auth_required=True)
    contact = mail(place, user="rowen", password=Secret("secret"))

    await sender(None, client)(contact, notice())
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        await sender(None)(contact, notice())
    with pytest.raises(Unavailable, match="SMTPAuthenticationError") as caught:
        await sender(None, client)(contact.but(password=Secret("wrong")), notice())

    assert len(mailbox.got) == 1
    assert seen[0] == (b"rowen", b"secret")
    assert "wrong" not in str(caught.value)


async def test_no_mail_server_is_unavailable(send):
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        await send(mail(place), notice())
