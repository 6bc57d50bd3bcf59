"""Forms of saved views: keep what is listed under a name, rename, share, let the list begin with it, delete."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowen.access import Visit
from rowen.insight.views import Person, View
from rowen.web.forms import Fields, line, text
from rowen.web.listing import address_of, state_of
from rowen.web.page import Services


async def create(request: Request, services: Services, visit: Visit) -> Response:
    """Keep what is listed as a view of the reader's own."""
    form, person = await request.form(), Person.of(visit.entry.key)
    view = await services.views.create(_view(form).but(shared="shared" in form), person)
    if "opens" in form:
        await services.views.choose(view.id, person)
    return RedirectResponse(address_of(view), 303)


async def change(request: Request, services: Services, visit: Visit) -> Response:
    """Rename a view, share it or not, keep what is listed now, or let the reader's list begin with it."""
    form, person = await request.form(), Person.of(visit.entry.key)
    was = await services.views.get(request.path_params["id"], person)
    view = was.but(name=line(form, "name", needed=True), shared="shared" in form)
    if "take" in form:
        now = _view(form)
        view = view.but(filter=now.filter, columns=now.columns, sort=now.sort, order=now.order)
    if view != was:
        view = await services.views.change(view, person)
    return RedirectResponse(address_of(view), 303)


async def delete(request: Request, services: Services, visit: Visit) -> Response:
    """Remove a view."""
    await services.views.delete(request.path_params["id"], Person.of(visit.entry.key))
    return RedirectResponse("/traces?view=all", 303)


async def choose(request: Request, services: Services, visit: Visit) -> Response:
    """Let the reader's list begin with a view, or with all traces again."""
    form, person = await request.form(), Person.of(visit.entry.key)
    view = await services.views.get(request.path_params["id"], person)
    await services.views.choose(view.id if "opens" in form else "", person)
    return RedirectResponse(address_of(view), 303)


def _view(form: Fields) -> View:
    """Return what was listed when the form was sent."""
    listed = dict(parse_qsl(text(form, "listed").removeprefix("?"), max_num_fields=100))
    return state_of(listed, name=line(form, "name", needed=True))
