"""What people are asked before something is done: they see all of it, and answer once, by button or command."""

from typing import Any

import pytest

from tests.simulators.backend import BackendSimulator, problem
from tests.simulators.backend_runs import in_minutes
from tests.simulators.telegram import ANNA, GROUP, IVAN, TelegramSimulator
from tests.simulators.telegram_calls import Fault
from tests.telegram_bot.test_runs import labels, shows

pytestmark = pytest.mark.usefixtures("relay")

Json = dict[str, Any]
DIFF = "--- a/notes.txt\n+++ b/notes.txt\n@@ -1 +1 @@\n-old\n+new"
CHAT = GROUP["id"]


async def question(telegram: TelegramSimulator, backend: BackendSimulator, **fields: Any) -> Json:
    """The message that asks."""
    telegram.world.know_chat(GROUP)
    telegram.world.know_chat({"id": ANNA.id, "type": "private", "first_name": "Anna"})
    backend.runs.ask(17, **fields)
    return await telegram.next_message(int(fields.get("chat_id", ANNA.id)))


async def toast(telegram: TelegramSimulator, times: int = 1) -> str:
    """What the newest press was answered with."""
    return str((await telegram.until_called("answerCallbackQuery", times))[-1].arguments["text"])


def code_in(message: Json) -> tuple[str, str | None]:
    """What is shown as code, and its language."""
    [entity] = [entity for entity in message["entities"] if entity["type"] == "pre"]
    text = message["text"].encode("utf-16-le")[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])]
    return text.decode("utf-16-le"), entity.get("language")


async def test_a_question_shows_exactly_what_will_be_done(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = await question(telegram, backend, detail="rm -r `build` **not bold** <b>")
    assert message["text"].startswith("✋ May I do this?\nRun a program\n")
    assert code_in(message) == ("rm -r `build` **not bold** <b>", None)
    assert message["text"].endswith("⏳ You have 5 minutes to answer. Without an answer, nothing is done.")
    assert labels(message) == ["✅ Confirm", "🚫 Cancel"]


async def test_a_change_of_a_file_is_shown_as_one(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    assert code_in(await question(telegram, backend, detail=DIFF)) == (DIFF, "diff")


async def test_what_hides_in_a_question_is_seen(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = await question(telegram, backend, detail="cat \u202egpj.exe\u200b\x1b[2J", title="Run\u2066 it")
    assert code_in(message)[0] == "cat \\u202egpj.exe\\u200b\\x1b[2J"
    assert "Run\\u2066 it" in message["text"]


async def test_a_long_question_comes_whole_as_a_file_before_it(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    detail = DIFF + "\n".join(f"+line {number}" for number in range(2_000))
    file = await question(telegram, backend, detail=detail)
    assert file["document"]["file_name"] == "confirmation-17.diff"
    assert telegram.world.files[file["document"]["file_id"]].decode() == f"Run a program\n\n{detail}\n"
    asked = await telegram.next_message()
    assert "only the beginning" in asked["text"]
    assert labels(asked) == ["✅ Confirm", "🚫 Cancel"]
    telegram.press(asked, "✅ Confirm")
    assert "only the beginning" not in (await shows(telegram, asked, "✅ Confirmed"))["text"]


async def test_a_change_full_of_tabs_is_no_longer_than_a_message(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    detail = "--- a/main.go\n+++ b/main.go\n" + "+\t\t\t}\n" * 480
    file = await question(telegram, backend, detail=detail)
    assert telegram.world.files[file["document"]["file_id"]].decode() == f"Run a program\n\n{detail}\n"
    asked = await telegram.next_message()
    assert "only the beginning" in asked["text"]
    assert labels(asked) == ["✅ Confirm", "🚫 Cancel"]


async def test_without_the_whole_there_is_no_question(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    refusal = "Bad Request: not enough rights to send documents to the chat"
    telegram.faults = [Fault("sendDocument", code=400, says=refusal)]
    telegram.world.know_chat(GROUP)
    delivery = backend.runs.ask(17, CHAT, detail="x" * 10_000)
    await backend.until_delivered()
    assert (delivery["state"], delivery["problem"]) == ("failed", "not-permitted")
    assert not telegram.calls("sendMessage")


async def test_a_double_tap_confirms_once_and_is_told_so(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = dict(await question(telegram, backend))
    telegram.press(message, "✅ Confirm")
    assert await toast(telegram) == "✅ Confirmed"
    telegram.press(message, "✅ Confirm")
    assert await toast(telegram, 2) == "This was confirmed already."
    assert backend.runs.called("confirm")[0] == {"id": "17", "user_id": "42", "always": False, "via": "button"}
    answered = await shows(telegram, message, "✅ Confirmed")
    assert labels(answered) == []
    assert code_in(answered)[0] == "rm -r build"


async def test_two_taps_at_the_same_moment_are_both_answered(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = dict(await question(telegram, backend))
    for label in ("✅ Confirm", "🚫 Cancel"):
        telegram.press(message, label)
    said = {call.arguments["text"] for call in await telegram.until_called("answerCallbackQuery", 2)}
    assert said in (
        {"✅ Confirmed", "This was confirmed already."},
        {"🚫 Not done then", "This was cancelled already."},
    )


async def test_cancelled_it_is_not_done(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = await question(telegram, backend)
    telegram.press(message, "🚫 Cancel")
    assert await toast(telegram) == "🚫 Not done then"
    await shows(telegram, message, "🚫 Cancelled: not done")
    assert backend.runs.called("cancel") == [{"id": "17", "user_id": "42", "via": "button"}]


async def test_a_kind_of_action_can_be_allowed_where_it_may(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = await question(telegram, backend, grants="shell")
    telegram.press(message, "✅ Always here (24 h)")
    assert "24 hours" in await toast(telegram)
    await shows(telegram, message, "allowed in this chat for 24 hours")
    assert backend.runs.called("confirm")[0]["always"] is True


async def test_what_may_have_happened_is_asked_in_other_words(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = await question(telegram, backend, kind="repeat", grants="shell")
    assert "may have happened already" in message["text"]
    assert labels(message) == ["🔁 Do it again", "🚫 Leave it"]
    telegram.press(message, "🚫 Leave it")
    await shows(telegram, message, "not done again")


@pytest.mark.parametrize(
    ("state", "via", "shown", "said"),
    [
        ("expired", "", "⌛ No answer in time: not done", "Too late"),
        ("cancelled", "run", "not done (the run was stopped)", "cancelled already"),
        ("confirmed", "console", "✅ Confirmed (in the console)", "confirmed already"),
    ],
)
async def test_whatever_became_of_a_question_its_card_and_a_late_tap_say_so(
    telegram: TelegramSimulator, backend: BackendSimulator, state: str, via: str, shown: str, said: str
) -> None:
    message = dict(await question(telegram, backend))
    backend.runs.end(17, state, answered_via=via)
    assert labels(await shows(telegram, message, shown)) == []
    telegram.press(message, "✅ Confirm")
    assert said in await toast(telegram)


async def test_a_question_that_is_over_before_it_arrives_has_no_buttons(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    message = await question(telegram, backend, state="expired")
    assert labels(message) == []
    assert "⌛" in message["text"]


async def test_others_may_not_answer(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = await question(telegram, backend, chat_id=CHAT)
    telegram.press(message, "✅ Confirm", IVAN)
    assert await toast(telegram) == "Это кнопка для другого человека."
    assert not backend.runs.calls
    telegram.say("/confirm_17@test_bot", chat=GROUP, person=IVAN)
    assert "Такого вопроса к вам больше нет" in (await telegram.next_message(CHAT))["text"]
    assert backend.runs.questions[17]["state"] == "waiting"


async def test_in_a_groups_name_administrators_answer(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = dict(await question(telegram, backend, chat_id=CHAT, user_id=CHAT))
    telegram.press(message, "✅ Confirm", IVAN)
    assert "только её администраторы" in await toast(telegram)
    assert not backend.runs.calls
    telegram.world.admins = {IVAN.id}
    telegram.press(message, "✅ Confirm", IVAN)
    assert await toast(telegram, 2) == "✅ Подтверждено"
    assert backend.runs.called("confirm")[0]["user_id"] == str(CHAT)


async def test_a_press_that_fails_leaves_the_buttons(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    message = await question(telegram, backend)
    backend.problems = [problem("storage-unavailable", 503)] * 4
    telegram.press(message, "✅ Confirm")
    assert "memory is not available" in await toast(telegram)
    assert labels(message) == ["✅ Confirm", "🚫 Cancel"]


@pytest.mark.parametrize(
    ("command", "said", "state"),
    [("/confirm_17", "✅ Confirmed", "confirmed"), ("/CANCEL_17", "🚫 Not done then", "cancelled")],
)
async def test_a_command_answers_as_well(
    telegram: TelegramSimulator, backend: BackendSimulator, command: str, said: str, state: str
) -> None:
    await question(telegram, backend)
    telegram.say(command)
    assert (await telegram.next_message())["text"] == said
    assert (backend.runs.questions[17]["state"], backend.runs.questions[17]["answered_via"]) == (state, "command")
    telegram.say(command)
    assert f"This was {state} already." in (await telegram.next_message())["text"]


@pytest.mark.parametrize("command", ["/confirm_18", "/cancel_999999999999999999", "/confirm_17"])
async def test_a_command_about_nothing_is_answered(
    telegram: TelegramSimulator, backend: BackendSimulator, command: str
) -> None:
    await question(telegram, backend, bot="other")
    telegram.say(command)
    assert "no such question" in (await telegram.next_message())["text"]
    assert not backend.runs.calls, "what another bot has asked is nothing to this one"


async def test_what_waits_and_what_is_allowed_is_listed_with_buttons(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    await question(telegram, backend, detail="echo ```")
    grant = {"id": 3, "bot": "default", "user_id": "42", "chat_id": str(CHAT), "kind": "shell"}
    backend.runs.grants = [grant | {"expires_at": in_minutes(60 * 24)}]
    telegram.say("/pending")
    listed = await telegram.next_message()
    assert "Waiting for your decision" in listed["text"]
    assert "echo ```" in listed["text"]
    assert "⏳ 5 minutes left: /confirm_17 or /cancel_17" in listed["text"]
    assert "shell, for another 24 hours (in another chat)" in listed["text"]
    assert labels(listed) == ["✅ Confirm 17", "🚫 Cancel 17", "↩️ Ask again: shell"]
    telegram.press(listed, "✅ Confirm 17")
    assert await toast(telegram) == "✅ Confirmed"
    await telegram.world.until(lambda: labels(listed) == ["↩️ Ask again: shell"], 60)
    telegram.press(dict(listed), "↩️ Ask again: shell")
    assert await toast(telegram, 2) == "From now on I ask again."
    assert backend.runs.called("revoke") == [{"id": "3", "user_id": "42"}]
    await telegram.world.until(lambda: not labels(listed), 60)


async def test_what_is_revoked_already_is_no_failure(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    grant = {"id": 3, "bot": "default", "user_id": "42", "chat_id": "42", "kind": "shell"}
    backend.runs.grants = [grant | {"expires_at": in_minutes(5)}]
    telegram.say("/pending")
    listed = dict(await telegram.next_message())
    for times in (1, 2):
        telegram.press(listed, "↩️ Ask again: shell")
        assert await toast(telegram, times) == "From now on I ask again."


async def test_in_a_group_only_what_belongs_there_is_listed(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    await question(telegram, backend, detail="a secret")
    telegram.say("/pending@test_bot", chat=GROUP)
    assert "Nothing is waiting" in (await telegram.next_message(CHAT))["text"]


async def test_what_is_too_long_to_list_is_answered_where_it_was_asked(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    await question(telegram, backend, detail="x" * 2_000)
    telegram.say("/pending")
    listed = await telegram.next_message()
    assert "too long to repeat" in listed["text"]
    assert "/confirm" not in listed["text"]
    assert labels(listed) == []


async def test_a_relay_that_follows_edits_what_its_forerunner_sent(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    anna = {"id": ANNA.id, "type": "private", "first_name": "Anna"}
    telegram.world.know_chat(anna)
    message = telegram.world.add_message(anna, telegram.world.me, text="May I?")
    delivery = backend.runs.ask(17)
    delivery |= {"state": "sent", "message_id": str(message["message_id"])}
    backend.wake()
    assert labels(await shows(telegram, message, "May I do this?")) == ["✅ Confirm", "🚫 Cancel"]
    await backend.until(lambda: delivery["shown"] == 1)
    assert not telegram.calls("sendMessage")
