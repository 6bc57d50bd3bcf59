"""Asks a served model through LlamaIndex's OpenAI client, and prints what it found as one JSON value."""

import asyncio
import json
import os
from pathlib import Path

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI


def model(name: str) -> OpenAI:
    return OpenAI(model=name, api_base=os.environ["OPENAI_BASE_URL"], max_retries=0, timeout=20)


def weather(city: str) -> str:
    """The weather of a city."""
    return f"Rain in {city}."


ASKED = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="What is the sky like?")]
TOOL = FunctionTool.from_defaults(weather)


async def tasked() -> dict[str, str]:
    streamed = [piece.delta async for piece in await model("gpt-4o-mini").astream_chat(ASKED)]
    return {"whole": (await model("gpt-4o-mini").achat(ASKED)).message.content, "streamed": "".join(streamed)}


def tools() -> dict[str, object]:
    caller = model("gpt-4o")
    asked = caller.chat_with_tools([TOOL], user_msg="Weather?", allow_parallel_tool_calls=True)
    calls = caller.get_tool_calls_from_response(asked)
    told = [
        ChatMessage(role="tool", content=weather(**call.tool_kwargs), additional_kwargs={"tool_call_id": call.tool_id})
        for call in calls
    ]
    after = model("gpt-4o-mini").chat([*ASKED, asked.message, *told])
    *_, last = caller.stream_chat_with_tools([TOOL], user_msg="Weather?", allow_parallel_tool_calls=True)
    streamed = caller.get_tool_calls_from_response(last)
    return {
        "cities": [call.tool_kwargs["city"] for call in calls],
        "after": after.message.content,
        "streamed": [call.tool_kwargs["city"] for call in streamed],
    }


def error() -> str:
    try:
        model("o3").chat(ASKED)
    except Exception as problem:  # noqa: BLE001  whichever it is, its name is what is asked for
        return type(problem).__name__
    return "none"


found = {
    "chat": model("gpt-4o-mini").chat(ASKED).message.content,
    "completed": model("gpt-4.1").complete("Say it again.").text,
    "pieces": [piece.delta for piece in model("gpt-4o-mini").stream_chat(ASKED) if piece.delta],
    "tasked": asyncio.run(tasked()),
    "tools": tools(),
    "error": error(),
}
Path(os.environ["FOUND"]).write_text(json.dumps(found))
