"""A Secret shows itself to nobody who does not say `reveal`; what is generated is strong and safe in every syntax."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
import traceback

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from mycoops.secret import TOKEN_LENGTH, Secret, fingerprint, generate


def test_nothing_but_reveal_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    secret = generate("token")
    logging.getLogger("any").warning("%s %r", secret, secret)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>80}", f"{secret!r}", str([secret]), str({"a": secret}), caplog.text]
    try:
        raise ValueError(secret)
    except ValueError as error:
        shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert not any(secret.reveal() in text for text in shown)
    assert str(secret) == "Secret(…)"


@pytest.mark.parametrize("export", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_it_does_not_leave_by_a_copy(export: object) -> None:
    with pytest.raises(TypeError) as caught:
        export(Secret("a value nobody shall see"))  # type: ignore[operator]
    assert "a value nobody" not in str(caught.value)


def test_it_has_no_dictionary_to_dump() -> None:
    assert not hasattr(Secret("x"), "__dict__")


def test_equality_is_asked_for_by_name() -> None:
    assert Secret("ä").same_as(Secret("ä"))
    assert not Secret("ä").same_as(Secret("a"))
    assert Secret("same") != Secret("same"), "two objects are not compared by accident"


def test_tokens_need_no_quoting_anywhere() -> None:
    values = [generate("token").reveal() for _ in range(300)]
    assert len(set(values)) == 300
    assert all(re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9_-]{{{TOKEN_LENGTH - 1}}}", value) for value in values)
    assert {letter for value in values for letter in value} >= set("azAZ09-_")


def test_keys_are_openssh_keys() -> None:
    first, second = generate("ed25519").reveal(), generate("ed25519").reveal()
    assert first != second
    load_ssh_private_key(first.encode(), None)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown shape of value: rsa"):
        generate("rsa")


def test_a_fingerprint_depends_on_key_credential_and_value() -> None:
    value = generate("token")
    first = fingerprint(b"k", "db", value)
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert fingerprint(b"k", "db", Secret(value.reveal())) == first
    others = [fingerprint(b"x", "db", value), fingerprint(b"k", "db2", value), fingerprint(b"k", "db", generate("token"))]
    assert first not in others
    assert fingerprint(b"k", "a", Secret("bc")) != fingerprint(b"k", "ab", Secret("c")), "the two parts do not run together"
