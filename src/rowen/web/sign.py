"""Signing in with a key or a one-time link, and signing out."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Session, Visit
from rowen.values import Problem, Refused, Secret
from rowen.web.page import Page, Services, render

_FORM = "rowen_form"
"""A cookie with the token of the sign-in form, which has no session yet to take one from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The form, where to go afterwards, and why the last try failed."""

    title: str
    to: str
    csrf: str
    failed: Problem | None


def sign_in(services: Services) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the form and of the one-time link."""

    async def endpoint(request: Request) -> Response:
        address = services.address(request)
        if request.method != "POST":
            token = request.query_params.get("link", "")
            if not token:
                return _form(request, services, None)
            try:
                session = await services.sessions.redeem(token, address)
            except Problem as problem:
                return _form(request, services, problem)
            return _entered(request, services, session, "/")
        form = await request.form()
        try:
            if not hmac.compare_digest(request.cookies.get(_FORM, "-"), str(form.get("csrf", ""))):
                raise Refused("csrf_failed")
            session = await services.sessions.sign_in(Secret(str(form.get("key", ""))), address)
        except Problem as problem:
            return _form(request, services, problem, str(form.get("to", "/")))
        return _entered(request, services, session, str(form.get("to", "/")))

    return endpoint


async def sign_out(request: Request, services: Services, visit: Visit) -> Response:
    """End the session everywhere."""
    await services.sessions.sign_out(visit.session, services.address(request))
    leaving = RedirectResponse("/sign-in", 303)
    leaving.headers["set-cookie"] = services.sessions.no_cookie(secure=services.secure(request))
    return leaving


def _form(request: Request, services: Services, failed: Problem | None, to: str = "") -> Response:
    csrf = secrets.token_urlsafe(24)
    target = _inside(to or request.query_params.get("to", "/"))
    page = Page(
        template="sign/in.html",
        context=SignIn(title="Sign in", to=target, csrf=csrf, failed=failed),
        status=failed.status if failed else 200,
    )
    shown = render(page, None, "/sign-in")
    shown.set_cookie(_FORM, csrf, max_age=3600, httponly=True, samesite="strict", secure=services.secure(request))
    if failed is not None and failed.retry_after is not None:
        shown.headers["retry-after"] = str(int(failed.retry_after) + 1)
    return shown


def _entered(request: Request, services: Services, session: Session, to: str) -> Response:
    going = RedirectResponse(_inside(to), 303)
    going.headers["set-cookie"] = services.sessions.cookie(session, secure=services.secure(request))
    return going


def _inside(to: str) -> str:
    """Return the address when it leads to a page here, else the overview: no open redirect."""
    plain = to.startswith("/") and not to.startswith(("//", "/\\")) and "\n" not in to and "\r" not in to
    return to if plain else "/"
