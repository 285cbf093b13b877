"""A reference becomes a value in memory, in the form it asks for, and a wrong one names itself without showing anything."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import unquote, urlsplit

import bcrypt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from mycoops.errors import ConfigurationError, VaultError
from mycoops.secret import Secret, generate
from mycoops.values import DERIVE, form_error, public_key, render, resolve, scram_verifier


class Kept:
    """Generations of one credential."""

    def __init__(self, *values: str) -> None:
        self.all = dict(enumerate(values, 1))

    def secret(self, credential: str, generation: int) -> Secret:
        """As Store.secret."""
        if generation not in self.all:
            raise VaultError(f"{credential}: generation {generation} is kept nowhere")
        return Secret(self.all[generation])


def reference(form: str, **more: Any) -> dict[str, Any]:
    """A reference to generation 1."""
    return {"$form": form, "credential": "db", "generation": 1, **more}


AWKWARD = "p@ss:w/ör d\"'%#?&=+\\"


def test_a_value_is_put_where_the_form_says() -> None:
    assert render(reference("x<value>y"), Kept("v")) == "xvy"
    assert render(reference("<principal>:<value>", principal="app_b"), Kept("v")) == "app_b:v"


def test_a_url_reads_back_as_the_value() -> None:
    url = render(reference("postgresql://<principal>:<value|url>@db:5432/x", principal="app"), Kept(AWKWARD))
    assert unquote(urlsplit(url).password or "") == AWKWARD
    assert urlsplit(url).hostname == "db"


def test_a_value_inside_a_header_or_a_list_reads_back() -> None:
    header = render(reference('{"Authorization": "Bearer <value|in_json>", "keys": ["fixed", "<value|in_json>"]}'), Kept(AWKWARD))
    assert json.loads(header) == {"Authorization": f"Bearer {AWKWARD}", "keys": ["fixed", AWKWARD]}
    for awkward in (AWKWARD, "one,two", 'a "quoted", one', "plain"):
        (row,) = csv.reader([render(reference("first,<value|csv>,last"), Kept(awkward))])
        assert row == ["first", awkward, "last"]
    with pytest.raises(ValueError, match=r"delimiter|property|Expecting"):
        json.loads(render(reference('{"Authorization": "Bearer <value>"}'), Kept(AWKWARD)))


def test_each_derived_form_is_what_its_reader_expects() -> None:
    kept = Kept(AWKWARD)
    assert json.loads(render(reference("<value|json>"), kept)) == AWKWARD
    assert base64.b64decode(render(reference("<value|base64>"), kept)).decode() == AWKWARD
    assert render(reference("<value|sha256>"), kept) == hashlib.sha256(AWKWARD.encode()).hexdigest()
    assert bcrypt.checkpw(AWKWARD.encode(), render(reference("<value|crypt>"), kept).encode())


def test_lists_hold_every_generation_in_order() -> None:
    kept = Kept('with,"quote', "second")
    ids = {"$form": "<accepted|json>", "credential": "db", "generations": [1, 2]}
    assert json.loads(render(ids, kept)) == ['with,"quote', "second"]
    assert next(csv.reader([render({**ids, "$form": "<accepted|csv>"}, kept)])) == ['with,"quote', "second"]
    assert json.loads(render({**ids, "generations": [2]}, kept)) == ["second"]


def test_the_verifier_is_postgresqls_and_the_same_at_every_retry() -> None:
    value = generate("token").reveal()
    verifier = scram_verifier(value)
    assert scram_verifier(value) == verifier
    head, iterations_salt, keys = verifier.split("$")
    iterations, salt = iterations_salt.split(":")
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    salted = hashlib.pbkdf2_hmac("sha256", value.encode(), base64.b64decode(salt), int(iterations))
    assert head == "SCRAM-SHA-256"
    assert stored == hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert server == hmac.digest(salted, b"Server Key", "sha256")
    assert value not in verifier
    assert scram_verifier(generate("token").reveal()).split("$")[1] != iterations_salt, "each value has a salt of its own"


def test_a_private_key_gives_its_public_line() -> None:
    private = generate("ed25519").reveal()
    wanted = load_ssh_private_key(private.encode(), None).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert DERIVE["public_key"](private) == public_key(private) == wanted.decode()
    with pytest.raises(ConfigurationError, match="not an OpenSSH private key") as caught:
        public_key("no key at all")
    assert "no key at all" not in caught.value.message


def test_the_control_is_random_and_of_the_same_shape() -> None:
    first, second = (render(reference("<value>", random=True, shape="token"), Kept("v")) for _ in range(2))
    assert len({first, second, "v"}) == 3
    assert len(first) == 43
    assert render(reference("<value|public_key>", random=True, shape="ed25519"), Kept("v")).startswith("ssh-ed25519 ")


def test_a_control_needs_no_kept_value() -> None:
    assert render(reference("<value>", random=True, generation=9), Kept())


def test_references_are_found_at_any_depth_and_nothing_else_changes() -> None:
    request = {"a": [reference("<value>"), 5, None, "<value>"], "b": {"c": (reference("<value|sha256>"), True)}}
    resolved = resolve(request, Kept("v"))
    assert resolved == {"a": ["v", 5, None, "<value>"], "b": {"c": [hashlib.sha256(b"v").hexdigest(), True]}}
    assert request["a"][0] == reference("<value>"), "the request itself holds no value afterwards"


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("plain", "no placeholder"),
        ("<value|rot13>", "unknown placeholder <value|rot13>"),
        ("<accepted>", "unknown placeholder <accepted>"),
        ("<accepted|url>", "unknown placeholder <accepted|url>"),
        ("<principal|url>", "unknown placeholder <principal|url>"),
        ("postgresql://<principal>:<valu>@h/db", "unknown placeholder <valu>"),
        ("<value> and <value", "a placeholder is not closed"),
        ("", "no placeholder"),
    ],
)
def test_a_wrong_form_says_what_is_wrong(form: str, problem: str) -> None:
    assert problem in form_error(form)
    with pytest.raises(ConfigurationError, match="db: "):
        render(reference(form), Kept("v"))


@pytest.mark.parametrize("form", ["<value>", "a<principal>b", "<accepted|csv>", "x<value|url>y<value|json>"])
def test_a_right_form_has_no_error(form: str) -> None:
    assert form_error(form) == ""


def test_a_generation_that_is_not_kept_is_named() -> None:
    with pytest.raises(VaultError, match="generation 7 is kept nowhere"):
        resolve([reference("<value>", generation=7)], Kept("v"))


def test_a_value_that_looks_like_a_placeholder_is_not_filled_in() -> None:
    assert render(reference("<principal>:<value>", principal="<value>"), Kept("<principal>")) == "<value>:<principal>"
