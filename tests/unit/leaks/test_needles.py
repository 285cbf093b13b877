"""What is searched for gives a value away in every form, and is in no other value, nor in what of a key is public."""

from __future__ import annotations

import base64

import pytest

from mycoops.leaks.needles import texts
from mycoops.masking import forms
from mycoops.secret import generate
from mycoops.values import public_key


def found(value: str, text: str) -> bool:
    """Whether the text gives the value away."""
    return any(form in text for form in texts(value))


def seed(key: str) -> bytes:
    """The secret bytes of an OpenSSH Ed25519 key: they follow the public half in its private section."""
    raw = base64.b64decode("".join(line for line in key.splitlines() if not line.startswith("-----")))
    return raw[raw.rindex(b"ssh-ed25519") + 11 + 4 + 32 + 4 :][:32]


def test_of_a_token_every_form_is_searched_for() -> None:
    value = generate("token").reveal()
    assert texts(value) == forms(value)
    assert not found(value, generate("token").reveal())


def test_two_keys_have_nothing_in_common_that_is_searched_for() -> None:
    """A key's first line is that of every key: a search for it would call any key on the machine a leak."""
    one, other = generate("ed25519").reveal(), generate("ed25519").reveal()
    assert one.splitlines()[1] == other.splitlines()[1]
    assert not texts(one) & texts(other)
    assert not found(one, other)
    assert found(one, one)


def test_the_public_half_of_a_key_is_no_leak() -> None:
    key = generate("ed25519").reveal()
    assert not found(key, public_key(key))
    assert not found(key, "\n".join(key.splitlines()[:3]))


def test_each_line_that_holds_a_part_of_the_private_half_is_one() -> None:
    for _ in range(20):
        key = generate("ed25519").reveal()
        lines = key.splitlines()
        telling = [line for line in lines if found(key, line)]
        assert telling, key.count("\n")
        without = "".join(line for line in lines if line not in telling and not line.startswith("-"))
        raw = base64.b64decode(without + "=" * (-len(without) % 4))
        assert not any(seed(key)[at : at + 16] in raw for at in range(17)), "half of the secret bytes are in the other lines"


@pytest.mark.parametrize("lead", [0, 1, 2])
def test_the_secret_bytes_alone_are_found_however_they_are_written(lead: int) -> None:
    key = generate("ed25519").reveal()
    for data in (seed(key), key.encode()):
        assert found(key, base64.b64encode(b"x" * lead + data + b"y").decode())
        assert found(key, base64.urlsafe_b64encode(b"x" * lead + data + b"y").decode())
        assert found(key, (b"x" * lead + data).hex())


@pytest.mark.parametrize(
    "value", ["-----BEGIN NONSENSE-----\nneither a key nor short\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"]
)
def test_what_only_looks_like_a_key_is_searched_for_as_text(value: str) -> None:
    assert texts(value) == forms(value)
