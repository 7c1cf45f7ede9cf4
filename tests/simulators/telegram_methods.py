"""The methods of the Bot API that the relay uses: https://core.telegram.org/bots/api."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiogram import methods
from aiogram.methods.base import TelegramMethod
from aiogram.types import InlineKeyboardMarkup, InputRichMessage, MessageEntity

from tests.simulators.telegram_world import Json, Refused, World, utf16_length

LONGEST_TEXT, LONGEST_RICH_TEXT = 4096, 32_768

AnyMethod = TelegramMethod[Any]
AnyFile = methods.SendDocument | methods.SendPhoto

# Every method that exists, by its name in lower case: a call is checked before it is carried out.
KNOWN: dict[str, type[AnyMethod]] = {
    known.__api_method__.lower(): known
    for known in vars(methods).values()
    if isinstance(known, type) and issubclass(known, TelegramMethod) and known is not TelegramMethod
}


class Methods:
    """Carries out calls; `files` are the uploads that came with one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._poll = 0
        self._alive: Callable[[], bool] = lambda: False
        self._polled_offset = -1
        self._polled_at = 0.0

    async def perform(self, call: AnyMethod, files: Mapping[str, tuple[str, bytes]], alive: Callable[[], bool]) -> Any:
        """The result; `alive` tells whether the caller still waits for it."""
        if isinstance(call, methods.GetUpdates):
            return await self._get_updates(call, alive)
        if isinstance(call, methods.SendDocument | methods.SendPhoto):
            return self._send_file(call, files)
        perform = self._performers().get(type(call))
        if perform is None:
            raise Refused(501, f"{call.__api_method__} is not simulated")
        return perform(call)

    def _performers(self) -> dict[type[AnyMethod], Callable[[Any], Any]]:
        return {
            methods.GetMe: lambda call: self._world.me,
            methods.SetWebhook: self._set_webhook,
            methods.DeleteWebhook: self._delete_webhook,
            methods.GetWebhookInfo: self._get_webhook_info,
            methods.SetMyCommands: self._set_my_commands,
            methods.GetMyCommands: lambda call: self._world.commands.get(call.language_code or "", []),
            methods.SendMessage: self._send_message,
            methods.SendRichMessage: self._send_rich_message,
            methods.SendMessageDraft: self._send_message_draft,
            methods.SendRichMessageDraft: self._send_rich_message_draft,
            methods.SendChatAction: lambda call: bool(self._world.chat(call.chat_id)),
            methods.EditMessageText: self._edit_message_text,
            methods.EditMessageReplyMarkup: self._edit_reply_markup,
            methods.DeleteMessage: self._delete_message,
            methods.AnswerCallbackQuery: self._answer_callback_query,
            methods.GetFile: self._get_file,
            methods.GetChatMember: self._get_chat_member,
        }

    async def _get_updates(self, call: methods.GetUpdates, alive: Callable[[], bool]) -> list[Json]:
        """Long polling with the server's habits: see process_get_updates_query of
        https://github.com/tdlib/telegram-bot-api."""
        if self._world.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._alive():
            self._world.overlaps += 1
        offset, limit, timeout = call.offset or 0, call.limit or 100, call.timeout or 0
        since = time.monotonic() - self._polled_at
        if offset == self._polled_offset:
            timeout = 3 if timeout < 3 and since < 3 else timeout
            limit = 1 if since < 0.5 else limit
        self._polled_offset, self._polled_at = offset, time.monotonic()
        if call.allowed_updates is not None:
            self._world.wanted_updates = call.allowed_updates
        self._forget_below(offset)
        if not self._world.updates and timeout:
            await self._wait_for_updates(timeout, alive)
        return self._world.updates[:limit]

    def _forget_below(self, offset: int) -> None:
        kept = [update for update in self._world.updates if update["update_id"] >= offset]
        self._world.updates[:] = kept

    async def _wait_for_updates(self, seconds: float, alive: Callable[[], bool]) -> None:
        self._poll += 1
        poll, self._alive = self._poll, alive
        self._world.touch()
        try:
            await self._world.until(lambda: self._world.updates or poll != self._poll, seconds)
        except TimeoutError:
            return
        finally:
            if poll == self._poll:
                self._alive = lambda: False
        if poll != self._poll:
            raise Refused(409, "Conflict: terminated by other getUpdates request")

    def _set_webhook(self, call: methods.SetWebhook) -> bool:
        self._world.webhook = {"url": call.url, "secret": call.secret_token or ""}
        self._world.wanted_updates = call.allowed_updates or []
        self._world.touch()
        return True

    def _get_webhook_info(self, call: methods.GetWebhookInfo) -> Json:
        told = {"url": self._world.webhook["url"], "has_custom_certificate": False}
        return told | {"pending_update_count": len(self._world.updates)} | self._world.webhook_error

    def _delete_webhook(self, call: methods.DeleteWebhook) -> bool:
        self._world.webhook = {}
        return True

    def _set_my_commands(self, call: methods.SetMyCommands) -> bool:
        listed = [command.model_dump() for command in call.commands]
        self._world.commands[call.language_code or ""] = listed
        return True

    def _send_message(self, call: methods.SendMessage) -> Json:
        text = _checked_text(call.text, call.parse_mode, call.entities)
        return self._add(call, text=text, entities=_dumped(call.entities))

    def _send_rich_message(self, call: methods.SendRichMessage) -> Json:
        return self._add(call, text=_rich_text(call.rich_message), rich=True)

    def _add(self, call: methods.SendMessage | methods.SendRichMessage, **content: Any) -> Json:
        chat = self._world.chat(call.chat_id)
        self._world.drafts.pop(chat["id"], None)
        message = self._world.add_message(
            chat,
            self._world.me,
            reply_markup=_dumped(call.reply_markup),
            reply_to_message=self._replied(call),
            **content,
            **_topic(call.message_thread_id),
        )
        if isinstance(call.reply_markup, InlineKeyboardMarkup | None):
            return message
        return {name: value for name, value in message.items() if name != "reply_markup"}

    def _replied(self, call: methods.SendMessage | methods.SendRichMessage | AnyFile) -> Json | None:
        wanted = call.reply_parameters
        if wanted is None:
            return None
        try:
            original = self._world.message(call.chat_id, wanted.message_id, "be replied")
        except Refused:
            if wanted.allow_sending_without_reply is True:
                return None
            raise
        return {name: value for name, value in original.items() if name != "reply_to_message"}

    def _send_file(self, call: AnyFile, files: Mapping[str, tuple[str, bytes]]) -> Json:
        chat = self._world.chat(call.chat_id)
        upload = str(call.photo if isinstance(call, methods.SendPhoto) else call.document)
        name, content = files[upload.removeprefix("attach://")]
        file = self._world.add_file(content, name)
        is_photo = isinstance(call, methods.SendPhoto)
        return self._world.add_message(
            chat,
            self._world.me,
            **({"photo": [file | {"width": 640, "height": 480}]} if is_photo else {"document": file}),
            caption=call.caption,
            reply_to_message=self._replied(call),
            **_topic(call.message_thread_id),
        )

    def _send_message_draft(self, call: methods.SendMessageDraft) -> bool:
        return self._draft(call, _checked_text(call.text, call.parse_mode, call.entities) if call.text else "")

    def _send_rich_message_draft(self, call: methods.SendRichMessageDraft) -> bool:
        return self._draft(call, _rich_text(call.rich_message))

    def _draft(self, call: methods.SendMessageDraft | methods.SendRichMessageDraft, text: str) -> bool:
        chat = self._world.chat(call.chat_id)
        if chat["type"] != "private":
            raise Refused(400, "Bad Request: TEXTDRAFT_PEER_INVALID")
        if call.draft_id == 0:
            raise Refused(400, "Bad Request: draft identifier must be non-zero")
        self._world.drafts[chat["id"]] = {
            "draft_id": call.draft_id,
            "text": text,
            "can_stop": bool(call.can_stop),
        }
        self._world.touch()
        return True

    def _edit_message_text(self, call: methods.EditMessageText) -> Json:
        message = self._world.message(call.chat_id, call.message_id, "edit")
        rich = call.rich_message
        edited = {
            "text": _rich_text(rich) if rich else _checked_text(call.text or "", call.parse_mode, call.entities),
            "entities": _dumped(call.entities),
            "reply_markup": _dumped(call.reply_markup),
        }
        if all(message.get(name) == value for name, value in edited.items()):
            raise Refused(400, "Bad Request: message is not modified")
        message.update(edited, edit_date=int(time.time()))
        self._world.touch()
        return message

    def _edit_reply_markup(self, call: methods.EditMessageReplyMarkup) -> Json:
        message = self._world.message(call.chat_id, call.message_id, "edit")
        message["reply_markup"] = _dumped(call.reply_markup)
        self._world.touch()
        return message

    def _delete_message(self, call: methods.DeleteMessage) -> bool:
        message = self._world.message(call.chat_id, call.message_id, "delete")
        del self._world.messages[message["chat"]["id"]][message["message_id"]]
        self._world.touch()
        return True

    def _answer_callback_query(self, call: methods.AnswerCallbackQuery) -> bool:
        if call.callback_query_id not in self._world.open_callbacks:
            raise Refused(400, "Bad Request: query is too old or query ID is invalid")
        self._world.open_callbacks.remove(call.callback_query_id)
        self._world.touch()
        return True

    def _get_chat_member(self, call: methods.GetChatMember) -> Json:
        user = {"id": call.user_id, "is_bot": False, "first_name": "Somebody"}
        if call.user_id in self._world.admins:
            return {"status": "creator", "user": user, "is_anonymous": True}
        return {"status": "member", "user": user}

    def _get_file(self, call: methods.GetFile) -> Json:
        if call.file_id not in self._world.files:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        return {"file_id": call.file_id, "file_unique_id": call.file_id, "file_path": call.file_id}


def _checked_text(text: str, parse_mode: Any, entities: list[MessageEntity] | None) -> str:
    """The text as the chat shows it."""
    if isinstance(parse_mode, str):
        raise Refused(501, f"parse_mode {parse_mode} is not simulated")
    length = utf16_length(text)
    if not text.strip():
        raise Refused(400, "Bad Request: message text is empty")
    if length > LONGEST_TEXT:
        raise Refused(400, "Bad Request: message is too long")
    for entity in entities or ():
        if entity.offset < 0 or entity.length <= 0 or entity.offset + entity.length > length:
            raise Refused(400, "Bad Request: ENTITY_BOUNDS_INVALID")
    return text.strip()


def _rich_text(message: InputRichMessage) -> str:
    """The words of its blocks."""
    text = message.markdown or "".join(_words_in(_dumped(message.blocks)))
    if not text.strip():
        raise Refused(400, "Bad Request: rich message is empty")
    if len(text) > LONGEST_RICH_TEXT:
        raise Refused(400, "Bad Request: rich message is too long")
    return text


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from [item] if isinstance(item, str) else _words_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                yield from [item] if name == "text" else []
            else:
                yield from _words_in(item)


def _dumped(value: Any) -> Any:
    if isinstance(value, list):
        return [_dumped(item) for item in value]
    return value.model_dump(exclude_none=True) if value is not None else None


def _topic(thread_id: int | None) -> Json:
    return {"message_thread_id": thread_id, "is_topic_message": True} if thread_id else {}
