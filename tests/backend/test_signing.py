"""What we have signed can be told from what others made up."""

import pytest

from backend.signing import Signer, console_signer

OLD, NEW = "an old key that nobody can guess at all", "a new key that nobody can guess either"
SIGNER = Signer([NEW, OLD], "a test")


def test_a_pass_is_read_for_its_purpose_alone() -> None:
    issued = SIGNER.issue("link", 60)
    found = SIGNER.read("link", issued)
    assert found
    assert found.id in issued
    assert SIGNER.read("cookie", issued) is None


def test_a_pass_ends() -> None:
    assert SIGNER.read("link", SIGNER.issue("link", -1)) is None


@pytest.mark.parametrize("made_up", ["", ".", "..", "a.b.c", "x.99999999999.", "\ud800", "é.99999999999.ü"])
def test_nothing_else_is_a_pass(made_up: str) -> None:
    assert SIGNER.read("link", made_up) is None


def test_whoever_changes_a_pass_has_none() -> None:
    id, until, mark = SIGNER.issue("link", 60).split(".")
    assert SIGNER.read("link", f"{id}.{int(until) + 1}.{mark}") is None
    assert SIGNER.read("link", f"{id}.{until}.{mark[:-1]}{'0' if mark[-1] != '0' else '1'}") is None
    assert SIGNER.read("link", f"{id}.{until}") is None


def test_an_old_key_opens_until_it_is_taken_away() -> None:
    issued = Signer([OLD], "a test").issue("link", 60)
    assert SIGNER.read("link", issued)
    assert Signer([NEW], "a test").read("link", issued) is None


def test_another_password_ends_what_was_issued() -> None:
    issued = console_signer([NEW], "sesame").issue("cookie", 60)
    assert console_signer([f" {NEW} ", ""], "sesame").read("cookie", issued)
    assert console_signer([NEW], "changed").read("cookie", issued) is None


def test_without_keys_nobody_else_can_sign() -> None:
    one, other = console_signer([], "sesame"), console_signer([""], "sesame")
    assert one.read("cookie", one.issue("cookie", 60))
    assert one.read("cookie", other.issue("cookie", 60)) is None
