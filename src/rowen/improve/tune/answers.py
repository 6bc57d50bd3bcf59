"""The questions asked as the app would be: what is found, what of it gets into the prompt, and what the app's model makes of it."""

from collections.abc import Awaitable, Callable, Sequence

from rowen.improve.tune.bench import Bench
from rowen.improve.tune.failures import Asked, form_of
from rowen.improve.tune.questions import Question
from rowen.improve.tune.space import Point
from rowen.retrieve.pack import packed
from rowen.values import AskModel, Call, CountText, Door, Request, says

Render = Callable[[Call], Awaitable[Call]]
"""The station of the chain that puts the app's own words and the sources to a request."""


async def went(
    bench: Bench,
    point: Point,
    questions: Sequence[Question],
    *,
    count: CountText,
    render: Render | None = None,
    ask: AskModel | None = None,
    tell: Callable[[int, int, str], None] = lambda *_: None,
) -> list[Asked]:
    """Return how each question went.

    Args:
        bench: where it is asked.
        point: as which candidate.
        questions: which.
        count: tokens of a text, as the prompt has room for.
        render: makes the prompt.
        ask: asks the app's model; without it and `render`, questions go as far as the prompt.
        tell: takes how far it is.

    Raises:
        Problem: of the store, the embedder, the model.

    """
    table, found = bench.settings, []
    for at, question in enumerate(questions):
        tell(at, len(questions), "asking")
        passages, _ = await bench.found(point, question)
        pack = packed(
            passages.passages,
            question.text,
            budget=bench.characters // 4,
            count=count,
            per_source=table.per_source,
            order=table.order,
        )
        refused = table.answer_above is not None and passages.confidence < table.answer_above
        asked = Asked(
            question=question.text,
            reference=question.reference,
            documents=question.documents,
            spans=question.spans,
            found=passages.passages,
            given=() if refused else pack.passages,
            form=form_of(question.text),
            refused=refused,
        )
        if refused:
            asked = asked._replace(answer=table.unknown, given=pack.passages)
        elif ask is not None and render is not None:
            request = Request(model="", messages=(says("user", question.text),), passages=pack.passages)
            call = await render(
                Call(
                    id=question.id,
                    app=bench.collection.app,
                    definition="",
                    request=request,
                    door=Door(shape="internal"),
                    started_ns=0,
                )
            )
            asked = asked._replace(answer=(await ask(call.request)).text)
        found.append(asked)
    return found
