"""A program written for Langfuse's SDK 2, which sends batches of events; prints what it reads back as one line of JSON."""

import json

from langfuse import Langfuse

it = Langfuse()  # address and keys are in its variables
found = {"auth": it.auth_check()}

trace = it.trace(name="answer", user_id="ann", session_id="s-old", tags=["a"], input="What is the sky like?")
span = trace.span(name="look up", input={"q": 1})
generation = span.generation(
    name="ask",
    model="gpt-4.1-mini",
    input=[{"role": "user", "content": "What is the sky like?"}],
    usage={"input": 10, "output": 5},
)
it.flush()  # what comes now is put together with what is stored
generation.end(output="Blue.")
span.end(output="found")
trace.update(output="Blue.")
trace.score(name="solved", value=1)
it.flush()

whole = it.fetch_trace(trace.id).data
found["trace"] = [whole.name, whole.user_id, whole.session_id, whole.tags, whole.output]
found["observations"] = sorted((each.name, each.type, each.output) for each in whole.observations)
found["scores"] = [score.name for score in whole.scores]
print(json.dumps(found))
