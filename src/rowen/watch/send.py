"""How a notice leaves: webhook, Slack-shaped webhook, e-mail. Only addresses of the configuration are ever called."""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from email.message import EmailMessage
from typing import Any

import msgspec

from rowen.values import Unavailable
from rowen.watch.contact import ContactTable
from rowen.watch.notice import Notice
from rowen.watch.tell import Send

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Posts a body and returns the HTTP status. Follows no redirect."""

MAIL_SECONDS = 20.0


def sender(post: Post, tls: ssl.SSLContext | None = None) -> Send:
    """Return what sends a notice by the contact's own means.

    Args:
        post: posts a body.
        tls: what to trust of a mail server; the system's authorities when left out.

    """

    async def send(contact: ContactTable, notice: Notice) -> None:
        if contact.kind == "email":
            await asyncio.to_thread(_mail, contact, notice, tls)
            return
        url = contact.address or (contact.url.reveal() if contact.url is not None else "")
        body = msgspec.json.encode(slack(notice) if contact.kind == "slack" else body_of(notice))
        headers = {"content-type": "application/json", "idempotency-key": notice.id, "user-agent": "rowen"}
        if contact.key is not None:
            digest = hmac.new(contact.key.reveal().encode(), body, hashlib.sha256).hexdigest()
            headers["x-rowen-signature"] = f"sha256={digest}"
        if contact.token is not None:
            headers["authorization"] = f"Bearer {contact.token.reveal()}"
        status = await post(url, headers, body)
        if not 200 <= status < 300:
            raise Unavailable("upstream_error", f"the webhook answered {status}", who=notice.contact)

    return send


def body_of(notice: Notice) -> dict[str, Any]:
    """Return what a webhook gets."""
    return {
        "version": "1",
        "id": notice.id,
        "app": notice.app,
        "what": notice.what,
        "status": "resolved" if notice.what == "resolved" else "firing" if notice.alerts else notice.what,
        "group": notice.group,
        "title": notice.subject,
        "text": notice.text,
        "incident": notice.incident,
        "suspect": notice.suspect,
        "alerts": [
            {
                "id": alert.id,
                "objective": alert.objective,
                "finding": alert.kind,
                "key": alert.key,
                "tenant": alert.tenant,
                "app": alert.app,
                "severity": alert.severity,
                "state": alert.state,
                "fired_ns": alert.fired_ns,
                "resolved_ns": alert.resolved_ns,
                "said": alert.firing.said,
                "rate": alert.firing.rate,
                "bad": alert.firing.bad,
                "total": alert.firing.total,
                "facts": alert.facts,
                "examples": list(alert.examples),
            }
            for alert in notice.alerts
        ],
    }


def slack(notice: Notice) -> dict[str, Any]:
    """Return what an incoming webhook of Slack, Mattermost and others takes."""
    return {"text": f"*{_plain(notice.subject)}*\n{_plain(notice.text)}"}


def _plain(text: str) -> str:
    """Escape what Slack gives a meaning: nobody's answer shall page the whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mail(contact: ContactTable, notice: Notice, tls: ssl.SSLContext | None) -> None:
    host, _, port = contact.smtp.rpartition(":")
    if not host or not port.isdecimal():
        host, port = contact.smtp, "465" if contact.tls == "tls" else "587"
    message = EmailMessage()
    message["From"], message["To"] = contact.sender, ", ".join(contact.to)
    message["Subject"] = " ".join(notice.subject.split())
    message["Message-ID"] = f"<{notice.id}@rowen>"
    message.set_content(notice.text)
    context = tls or ssl.create_default_context()
    try:
        if contact.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, int(port), timeout=MAIL_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, int(port), timeout=MAIL_SECONDS)
        with server:
            if contact.tls == "starttls":
                server.starttls(context=context)
            if contact.user and contact.password is not None:
                server.login(contact.user, contact.password.reveal())
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable("upstream_connect", f"the mail server: {type(error).__name__}", who=notice.contact) from error
