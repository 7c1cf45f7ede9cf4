"""Nobody reads a token in the database, and keys can be changed."""

import pytest

from backend.bots import Seal, SecretKeyMissing, SecretKeyWrong, TokenInvalid
from backend.bots.sealing import telegram_id, without_tokens
from tests.backend.bots.tokens import KEY, OTHER_KEY, token


def test_a_sealed_token_is_opened_with_the_same_key_alone() -> None:
    sealed = Seal([KEY]).close(token())
    assert token() not in sealed
    assert Seal([KEY]).open(sealed) == token()
    with pytest.raises(SecretKeyWrong):
        Seal([OTHER_KEY]).open(sealed)


@pytest.mark.parametrize("damaged", ["", "nonsense", "é", "gAAAAA", token()])
def test_what_was_never_sealed_is_not_opened(damaged: str) -> None:
    with pytest.raises(SecretKeyWrong):
        Seal([KEY]).open(damaged)


def test_a_new_key_comes_in_before_the_old_one_goes() -> None:
    old = Seal([KEY]).close(token())
    both = Seal([OTHER_KEY, KEY])
    assert both.open(old) == token()
    assert Seal([OTHER_KEY]).open(both.renew(old)) == token()


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    sealed = Seal([KEY]).close(token())
    with pytest.raises(SecretKeyMissing):
        Seal([]).close(token())
    with pytest.raises(SecretKeyMissing):
        Seal([]).open(sealed)


def test_a_token_begins_with_its_bots_number() -> None:
    assert telegram_id(token(123456789)) == 123456789


@pytest.mark.parametrize(
    "wrong",
    ["", "nonsense", "123456789", "123456789:short", f" {token()}", f"{token()}\n", f"x{token()}", "1:" + "é" * 35],
)
def test_what_is_no_token_is_refused(wrong: str) -> None:
    with pytest.raises(TokenInvalid):
        telegram_id(wrong)


def test_a_token_is_taken_out_of_what_others_say() -> None:
    said = f"Cannot connect to https://api.telegram.org/bot{token(123)}/getMe: is it {token(456)}?"
    assert without_tokens(said) == "Cannot connect to https://api.telegram.org/bot…/getMe: is it …?"
