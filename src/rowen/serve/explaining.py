"""Lets errors be explained by a model of an app that is served: a call like any other, with its trace and cost."""

from rowen.flow import Apps
from rowen.values import Call, Caller, Clock, Door, Request, new_id, says

_ANSWER_TOKENS = 1_000


class Explaining:
    """Asks the model that the server's `explain` names, as `app/model`, for the tenant whose errors they are."""

    def __init__(self, apps: Apps, model: str, clock: Clock) -> None:
        self._apps = apps
        self._app, _, self._model = model.partition("/")
        self._clock = clock

    async def __call__(self, tenant: str, question: str) -> str:
        """Return the model's answer.

        Raises:
            Problem: the app or model is unknown, a limit holds, or the provider failed.

        """
        app = self._apps.named(self._app)
        now = self._clock.now_ns()
        call = Call(
            id=new_id(now),
            app=app.name,
            definition=app.definition.hash,
            request=Request(
                model=self._model or app.default_model, messages=(says("user", question),), max_tokens=_ANSWER_TOKENS
            ),
            door=Door(shape="internal", path="insight/explain"),
            started_ns=now,
            caller=Caller(key="", shown="explain", tenant=tenant, priority="low"),
            feature="explain",
            priority="low",
            tags=("explain",),
        )
        done = await app.walk(call).answer()
        return done.answer.text if done.answer else ""
