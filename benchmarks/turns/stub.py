"""A language model and an embedder that answer at once: what is measured is everything around them.

`python -m benchmarks.turns.stub PORT`. The model named `summary` writes a summary, any other one repeats the
question; asked to answer slowly, it streams a hundred words.
"""

import asyncio
import random
import sys
import time
from array import array
from base64 import b64encode

import orjson
import uvloop
from aiohttp import web

STORY = "They plan a trip to Lisbon in May: flights, a hotel near the river, what to see, and who comes along. " * 8
FACTS = {
    "name": "Anna and Boris travel together", "number": "budget 1,500 euros", "date": "from May 3 to May 10",
    "preference": "a quiet room", "decision": "the hotel near the river", "question": "who looks after the cat?",
}  # fmt: skip

SUMMARY = "\n".join(["STORY", STORY, "FACTS", *(f"+ {kind}: {text}" for kind, text in FACTS.items())])
USAGE = {"prompt_tokens": 400, "completion_tokens": 40, "total_tokens": 440}
LONGEST_ANSWER = 400
CLOCK = "t="
SLOWLY = "Take your time."
STREAMED, STREAM_SECONDS = [f"{word} " for word in STORY.split()[:100]], 3.0

# As many numbers as the usual small models make. Which vector a text gets matters to nobody here.
DIMENSIONS, DIFFERENT = 384, 256


def random_vector() -> str:
    return b64encode(array("f", (random.gauss(0, 1) for _ in range(DIMENSIONS))).tobytes()).decode()


VECTORS = [random_vector() for _ in range(DIFFERENT)]


async def complete(request: web.Request) -> web.StreamResponse:
    asked = orjson.loads(await request.read())
    question = asked["messages"][-1]["content"]
    if asked.get("stream") and SLOWLY in question:
        return await stream(request)
    text = SUMMARY if asked["model"] == "summary" else f"You said: {question}"[:LONGEST_ANSWER]
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    completion = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked["model"],
        "choices": [choice],
        "usage": USAGE,
    }
    return web.Response(body=orjson.dumps(completion), content_type="application/json")


async def stream(request: web.Request) -> web.StreamResponse:
    """A model as people know them: it writes for three seconds, and begins with the moment when it begins."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for word in (f"{CLOCK}{time.monotonic()} ", *STREAMED):
        await response.write(b"data: " + orjson.dumps({"choices": [{"delta": {"content": word}}]}) + b"\n\n")
        await asyncio.sleep(STREAM_SECONDS / len(STREAMED))
    await response.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
    return response


async def embed(request: web.Request) -> web.Response:
    asked = orjson.loads(await request.read())
    vectors = [
        {"object": "embedding", "index": index, "embedding": VECTORS[hash(text) % DIFFERENT]}
        for index, text in enumerate(asked["input"])
    ]
    answer = {"object": "list", "model": asked["model"], "data": vectors}
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


def main() -> None:
    application = web.Application(client_max_size=1 << 20)
    application.router.add_post("/v1/chat/completions", complete)
    application.router.add_post("/v1/embeddings", embed)
    uvloop.install()
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)


if __name__ == "__main__":
    main()
