"""A model that hears, behind an OpenAI-compatible endpoint."""

from collections.abc import Sequence

import aiohttp

from backend.llm import wire
from backend.llm.endpoint import Endpoint, failures_in_our_words
from backend.llm.types import Answer, ChatMessage, Outcome, ProviderFailed, Show, Tool

# The service tells the kind of a file by the ending of its name.
ENDINGS = {"audio/mpeg": "mp3", "audio/x-m4a": "m4a"}


class Transcriber:
    """One model at one endpoint; https://platform.openai.com/docs/api-reference/audio/createTranscription"""

    def __init__(self, name: str, model: str, endpoint: Endpoint) -> None:
        self.name = name
        self.model = model
        self._endpoint = endpoint
        self._transcriptions = endpoint.under("audio/transcriptions")

    async def complete(self, messages: Sequence[ChatMessage], show: Show | None, tools: Sequence[Tool] = ()) -> Answer:
        """What is said in the recording of the last message; in silence, nothing. Raises `ProviderFailed`."""
        with failures_in_our_words():
            form = self._form(messages[-1])
            headers = {"Content-Type": form.content_type}
            async with self._endpoint.http.post(self._transcriptions, data=form, headers=headers) as response:
                reply = wire.read_json(await wire.read_body(response))
        if not isinstance(text := reply.get("text"), str):
            raise ProviderFailed(Outcome.GARBLED, "no transcription")
        return Answer(text.replace("\0", "").strip(), wire.read_usage(reply))

    async def close(self) -> None:
        await self._endpoint.close()

    def _form(self, message: ChatMessage) -> aiohttp.MultipartWriter:
        assert message.media
        media_type = message.media.media_type
        name = f"voice.{ENDINGS.get(media_type, media_type.partition('/')[2])}"
        form = aiohttp.MultipartWriter("form-data")
        for field, value in (("model", self.model), ("response_format", "json"), ("prompt", message.content)):
            if value:
                form.append(value).set_content_disposition("form-data", name=field)
        file = form.append(message.media.content, {"Content-Type": media_type})
        file.set_content_disposition("form-data", name="file", filename=name)
        return form
