"""The commands, and the two buttons that do the same."""

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator

pytestmark = pytest.mark.usefixtures("relay")

CHAT = GROUP["id"]


@pytest.mark.parametrize("way", ["/start", "/start invited-by-ivan", "/START"])
async def test_start_greets_and_wipes_nothing(telegram: TelegramSimulator, backend: BackendSimulator, way: str) -> None:
    backend.people.talk(ANNA.id, ANNA.id)
    telegram.say(way)
    assert (await telegram.next_message())["text"].startswith("Hello!")
    assert not backend.people.calls
    assert not backend.keys_in


async def test_start_in_a_group_says_how_to_be_asked_there(telegram: TelegramSimulator) -> None:
    telegram.say("/start@test_bot", chat=GROUP, person=IVAN)
    greeting = (await telegram.next_message(CHAT))["text"]
    assert "упомяните @test_bot, ответьте на моё сообщение или начните с /ask" in greeting


@pytest.mark.parametrize("way", ["/new", "✨ New dialogue"])
async def test_a_new_dialogue_is_this_persons_in_this_chat(
    telegram: TelegramSimulator, backend: BackendSimulator, way: str
) -> None:
    telegram.say(way)
    assert "new dialogue" in (await telegram.next_message())["text"]
    reset = backend.people.called("reset")[0]
    assert (reset["bot"], reset["chat_id"], reset["user_id"], reset["forget"]) == ("default", "42", "42", False)


async def test_a_dialogue_that_had_not_begun_cannot_be_taken_back(telegram: TelegramSimulator) -> None:
    telegram.say("/new")
    assert "inline_keyboard" not in (await telegram.next_message()).get("reply_markup", {})


@pytest.mark.parametrize(("command", "forget"), [("/new", False), ("/clear", True)])
async def test_what_was_closed_can_be_taken_back(
    telegram: TelegramSimulator, backend: BackendSimulator, command: str, forget: bool
) -> None:
    session_id = backend.people.talk(ANNA.id, ANNA.id)
    telegram.say(command)
    answer = await telegram.next_message()
    assert backend.people.called("reset")[0]["forget"] is forget
    button = answer["reply_markup"]["inline_keyboard"][0][0]
    assert button["callback_data"] == f"undo:{session_id}:42"
    assert len(button["callback_data"]) <= 64


async def test_clear_says_so_when_there_is_nothing_to_forget(telegram: TelegramSimulator) -> None:
    telegram.say("/clear")
    assert "nothing to forget" in (await telegram.next_message())["text"]


async def test_a_new_dialogue_that_failed_is_not_announced(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.problems = [problem("unauthorized", 401)]
    telegram.say("/new")
    assert "not set up" in (await telegram.next_message())["text"]


async def test_a_new_dialogue_waits_for_a_backend_that_is_away(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.problems = [problem("storage-unavailable", 503)] * 5
    telegram.say("/new")
    assert "new dialogue" in (await telegram.next_message())["text"]
    assert not backend.problems


async def test_stop_ends_the_turns_and_runs_of_this_conversation(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    telegram.say("/stop", chat=GROUP, message_thread_id=77, is_topic_message=True)
    assert "nothing to stop" in (await telegram.next_message(CHAT))["text"]
    where = {"bot": "default", "chat_id": str(CHAT), "user_id": "42", "thread_id": "77"}
    assert backend.stops == [where | {"runs": True}]


async def test_stats_and_context_are_those_of_this_topic(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.people.talk(CHAT, ANNA.id, thread_id="77")
    telegram.say("/stats", chat=GROUP)
    assert "nothing to count" in (await telegram.next_message(CHAT))["text"]
    for command, told in (("/stats", "Tokens read       1,234"), ("/context", "100 of 16,000 tokens")):
        telegram.say(command, chat=GROUP, message_thread_id=77, is_topic_message=True)
        assert told in (await telegram.next_message(CHAT))["text"]


async def test_nothing_is_pending(telegram: TelegramSimulator) -> None:
    telegram.say("/pending", person=IVAN)
    assert "Ничего не ждёт" in (await telegram.next_message(IVAN.id))["text"]


async def test_help_is_given_in_the_persons_language(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    telegram.say("/start", person=IVAN)
    greeting = await telegram.next_message(IVAN.id)
    assert "reply_markup" in telegram.calls("sendMessage")[0].arguments
    telegram.say("❓ Помощь", person=IVAN)
    assert "/clear: забыть" in (await telegram.next_message(IVAN.id))["text"]
    telegram.say("✨ Новый диалог", person=IVAN)
    assert "новый диалог" in (await telegram.next_message(IVAN.id))["text"]
    assert greeting["text"].startswith("Здравствуйте")
    assert not backend.keys_in


async def test_the_keyboard_is_not_shown_to_a_group(telegram: TelegramSimulator) -> None:
    telegram.say("/help@test_bot", chat=GROUP)
    assert "To ask me something in a group" in (await telegram.next_message(CHAT))["text"]
    assert "reply_markup" not in telegram.calls("sendMessage")[0].arguments


async def test_the_menus_speak_both_languages_and_differ_in_groups(telegram: TelegramSimulator) -> None:
    calls = await telegram.until_called("setMyCommands", 4)
    menus = {}
    for call in calls:
        scope, commands = call.arguments["scope"]["type"], call.arguments["commands"]
        menus[scope, call.arguments.get("language_code")] = {item["command"]: item["description"] for item in commands}
    assert list(menus["all_private_chats", None]) == ["new", "stop", "pending", "clear", "context", "stats", "help"]
    assert menus["all_private_chats", "ru"]["new"] == "Новый диалог"
    assert menus["all_group_chats", None]["ask"] == "Ask a question"
    assert menus["all_group_chats", "ru"].keys() == menus["all_group_chats", None].keys()


async def test_who_sends_too_many_commands_is_told_so_once(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.tired_of = {str(ANNA.id)}
    for command in ("/help", "/start", "/pending", "/stop", "/new", "/stats", "/context"):
        telegram.say(command)
    telegram.say("hello")
    told = [(await telegram.next_message())["text"] for _ in range(2)]
    assert "12 seconds" in told[0]
    assert told[1] == "echo hello"
    assert len(backend.people.called("reset")) == len(backend.stops) == 1, "what they do is done"


async def test_what_is_closed_can_be_taken_back_however_much_was_said(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    backend.tired_of = {str(ANNA.id)}
    backend.people.talk(ANNA.id, ANNA.id)
    telegram.say("/new")
    assert "inline_keyboard" in (await telegram.next_message())["reply_markup"]
