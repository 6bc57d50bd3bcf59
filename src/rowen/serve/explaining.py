"""Lets errors be explained by a model of an app that is served: a call like any other, with its trace and cost."""

from rowen.flow import Apps
from rowen.values import Request, says
from rowen.values.errand import EXPLAIN

_ANSWER_TOKENS = 1_000


class Explaining:
    """Asks the model that the server's `explain` names, as `app/model`, for the tenant whose errors they are."""

    def __init__(self, apps: Apps, model: str) -> None:
        self._apps = apps
        self._app, _, self._model = model.partition("/")

    async def __call__(self, tenant: str, question: str) -> str:
        """Return the model's answer.

        Raises:
            Problem: the app or model is unknown, a limit holds, or the provider failed.

        """
        request = Request(model=self._model, messages=(says("user", question),), max_tokens=_ANSWER_TOKENS)
        done = await self._apps.named(self._app).ask(request, errand=EXPLAIN, name="errors", tenant=tenant)
        return done.answer.text if done.answer else ""
