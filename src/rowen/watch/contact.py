"""Who is told: the contacts of an app, by what means, of what, and how long after; and what on-call needs."""

import hashlib
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import re2

from rowen.config import Duration
from rowen.values import Secret, Settings, ns_of
from rowen.watch.base import Class
from rowen.watch.finding import FindingKind

_TIME = re2.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class ContactTable(Settings, frozen=True, kw_only=True):
    """One way to tell somebody: a webhook, a Slack-shaped webhook, or e-mail."""

    kind: Literal["webhook", "slack", "email"]
    """How."""
    url: Secret | None = None
    """Where a webhook stands, by reference, since it often holds a token; or `address` in the clear."""
    address: str = ""
    """Where a webhook stands, in the clear."""
    key: Secret | None = None
    """Signs each body: `x-rowen-signature: sha256=…`, HMAC-SHA256 with this."""
    token: Secret | None = None
    """Goes along as `Authorization: Bearer …`, such as a key of a Rowen that is to run an evaluation."""
    to: tuple[str, ...] = ()
    """Mail addresses."""
    sender: str = ""
    """The mail address it comes from."""
    smtp: str = ""
    """The mail server: `HOST:PORT`."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the mail server is secured."""
    user: str = ""
    """The name to sign in at the mail server with."""
    password: Secret | None = None
    """The password for it, by reference."""
    severities: tuple[Literal["page", "ticket"], ...] = ("page", "ticket")
    """What it is told of."""
    objectives: tuple[str, ...] = ()
    """Only alerts of these objectives; default: all."""
    findings: tuple[FindingKind, ...] | None = None
    """What was found that it is told of; default: all of it, or nothing for a contact that names `objectives`."""
    after: Duration = 0
    """Escalation: only of alerts that nobody acknowledged for so long."""
    wait: Duration = 0
    """Gather alerts for so long before the first notice of a group."""
    repeat: Duration = 14400
    """Tell again of what still lasts and nobody acknowledged; 0 tells once."""
    resolved: bool = True
    """Whether it is told when it is over."""
    group: tuple[Literal["app", "severity", "objective"], ...] = ("app", "severity")
    """Alerts that agree in these go out as one notice."""
    attempts: int = 8
    """Tries of one notice before it is given up."""

    @property
    def place(self) -> str:
        """The same for two contacts that lead to the same place; shows nothing of the address."""
        url = self.url.reveal() if self.url is not None else self.address
        parts = "\x00".join((self.kind, url, self.smtp, *sorted(self.to)))
        return f"{self.kind} {hashlib.sha256(parts.encode()).hexdigest()[:16]}"

    def __post_init__(self) -> None:
        """Hold what is written against what its kind needs.

        Raises:
            ValueError: with a sentence that names the key.

        """
        if self.kind == "email":
            if not self.to or not self.smtp or not self.sender:
                raise ValueError("e-mail needs `to`, `sender` and `smtp`")
            return
        if (self.url is None) == (not self.address):
            raise ValueError("a webhook needs either `url`, by reference, or `address`")
        if self.address and not self.address.startswith(("https://", "http://")):
            raise ValueError("`address` begins with https:// or http://")


class DigestTable(Settings, frozen=True, kw_only=True):
    """What happened overnight, sent each morning to contacts of the app."""

    at: str = ""
    """The time of the day at which it is sent: `07:00`; without it none is sent."""
    zone: str = "UTC"
    """Whose time that is: `UTC`, `Europe/Berlin`, …"""
    hours: int = 24
    """How many hours up to then it is about."""
    contacts: tuple[str, ...] = ()
    """Who gets it, by the names of `[alerts.NAME]`; default: everybody who is told at once."""
    quiet: bool = False
    """Whether it is sent too when there is nothing to tell."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known.

        Raises:
            ValueError: `at` is no time, `zone` is not known here, or `hours` are none.

        """
        if self.at and not _TIME.fullmatch(self.at):
            raise ValueError(f'`at` is a time of the day, as "07:00", not {self.at!r}')
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, ZoneInfoNotFoundError) as error:
            raise ValueError(f'the time zone {self.zone!r} is not known on this machine; "UTC" always is') from error
        if not 1 <= self.hours <= 31 * 24:
            raise ValueError("`hours` are from 1 to 744")


class OncallTable(Settings, frozen=True, kw_only=True):
    """What whoever is on call needs to have."""

    rota: tuple[str, ...] = ()
    """Who is on call, week by week in turn, from the Monday of `since` on: mail addresses."""
    since: str = "2026-01-05"
    """The Monday of the first week of the rota, as `2026-01-05`."""
    runbooks: dict[Class, str] = {}
    """What to do, by class of error: the path of a file beside `app.toml`, or an address."""
    classes: tuple[Class, ...] = ("hardware", "data_quality", "privacy", "user_error")
    """The classes that must have a runbook."""
    test_days: int = 30
    """Each contact must have taken a test notice within so many days."""

    def __post_init__(self) -> None:
        """Hold what is written against what is known.

        Raises:
            ValueError: `since` is no Monday.

        """
        try:
            monday = date.fromisoformat(self.since).weekday() == 0
        except ValueError:
            monday = False
        if not monday:
            raise ValueError(f'`since` is a Monday, as "2026-01-05", not {self.since!r}')

    @property
    def since_ns(self) -> int:
        """When the first week of the rota began."""
        first = date.fromisoformat(self.since)
        return ns_of(datetime(first.year, first.month, first.day, tzinfo=UTC))
