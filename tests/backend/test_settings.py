"""What the environment says, as the backend understands it."""

import re

import pytest
from pydantic import SecretStr, ValidationError

from backend.settings import Settings
from tests.conftest import ROOT

KEY, OTHER_KEY = "k" * 32, "o" * 40


def test_there_may_be_several_secret_keys() -> None:
    assert Settings().secret_keys == ()
    assert Settings(secret_key=SecretStr(f" {KEY} ,,{OTHER_KEY}")).secret_keys == (KEY, OTHER_KEY)


@pytest.mark.parametrize("keys", ["short", f"{KEY},short", "k" * 31])
def test_a_secret_key_that_could_be_guessed_is_refused_and_not_shown(
    keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", keys)
    with pytest.raises(ValidationError) as error:
        Settings()
    assert "each key needs at least 32 characters" in str(error.value)
    assert keys not in str(error.value)


def test_every_setting_is_in_the_example() -> None:
    written = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert {name.upper() for name in Settings.model_fields} - set(written) == set()


def test_people_are_listed_with_commas() -> None:
    assert Settings(allowed_user_ids=" 42, 43,,").allowed_people == {"42", "43"}
    assert Settings().allowed_people == frozenset()
