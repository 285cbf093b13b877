"""No form in which a value could appear in a text survives the mask, and ordinary words do."""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import secrets
import shlex
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mycoops.masking import MASK, SHORTEST, Masker, forms
from mycoops.secret import generate

VALUES = st.text(min_size=16, max_size=40).filter(lambda text: len(text.strip()) >= 16)
AWKWARD = "5f0c-\"\\\\ö'&<% q\\n"
"""What is written in another way by each way of escaping."""
ENCODE = {
    "clear": lambda value: value,
    "url": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "json": json.dumps,
    "json, letters kept": lambda value: json.dumps(value, ensure_ascii=False),
    "shell": shlex.quote,
    "repr": repr,
    "bytes": lambda value: repr(value.encode()),
    "HTML": html.escape,
    "HTML of Jinja": lambda value: str(markupsafe.escape(value)),
    "pattern": re.escape,
    "quotes of SQL and YAML": lambda value: value.replace("'", "''"),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
}


@pytest.mark.parametrize("form", ENCODE)
@given(value=VALUES, before=st.text(max_size=5), after=st.text(max_size=5))
@settings(max_examples=25, deadline=None)
def test_every_form_is_found_wherever_it_stands(form: str, value: str, before: str, after: str) -> None:
    masker = Masker([value])
    text = f"{before}{ENCODE[form](value)}{after}"
    assert masker.hit(text)
    assert value not in masker.mask(text)


NESTED = {name: encode for name, encode in ENCODE.items() if name not in ("clear", "hex", "HEX")}


@pytest.mark.parametrize("ways", list(itertools.product(NESTED, repeat=2)), ids=" in ".join)
def test_what_was_escaped_is_escaped_again_and_shown_as_json_in_json(ways: tuple[str, str]) -> None:
    one, other = secrets.token_hex(8), secrets.token_hex(8)
    value = f"{one}{AWKWARD}{other}"
    text = NESTED[ways[1]](f"with a word before it: {NESTED[ways[0]](f'and behind {value} it')}")
    for shown in (text, json.dumps({"msg": text}), json.dumps(json.dumps({"msg": text}))):
        masked = Masker([value]).mask(shown)
        assert MASK in masked
        assert one not in masked
        assert other not in masked


def test_a_value_that_yaml_breaks_over_lines_is_found() -> None:
    value = " ".join(secrets.token_hex(8) for _ in range(9))
    for style in ("", '"'):
        broken = yaml.safe_dump({"a": value}, default_style=style, width=60)
        assert value not in broken
        assert value.split()[-1] not in Masker([value]).mask(broken)


@given(value=VALUES, lead=st.binary(max_size=4), rest=st.binary(max_size=4))
@settings(max_examples=60, deadline=None)
def test_base64_is_found_in_every_alignment_and_alphabet(value: str, lead: bytes, rest: bytes) -> None:
    masker = Masker([value])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert masker.hit(encode(lead + value.encode() + rest).decode())


def test_a_quote_beside_a_letter_beyond_ascii_does_not_hide_it() -> None:
    value = 'p"ä' * 8
    assert Masker([value]).hit(json.dumps({"msg": f"failed with {value}"}, ensure_ascii=False))


def test_the_value_is_replaced_and_the_rest_stays() -> None:
    value = generate("token").reveal()
    assert Masker([value]).mask(f"DB={value} # {value}") == f"DB={MASK} # {MASK}"


def test_other_values_and_other_texts_are_not_hit() -> None:
    masker = Masker([generate("token").reveal()])
    assert not masker.hit(generate("token").reveal())
    assert masker.mask("an ordinary sentence") == "an ordinary sentence"


def test_a_longer_form_is_replaced_before_a_part_of_it() -> None:
    short, long = "abcdefgh12345678", "abcdefgh12345678-and-more"
    assert Masker([short, long]).mask(f"<{long}> <{short}>") == f"<{MASK}> <{MASK}>"


def test_what_is_too_short_is_not_masked_because_it_would_hit_words() -> None:
    assert all(len(form) >= SHORTEST for form in forms("short"))
    assert Masker(["go"]).mask("go on") == "go on"


def test_each_line_of_a_key_is_masked_and_its_frame_is_not() -> None:
    key = generate("ed25519").reveal()
    masker = Masker([key])
    lines = [line for line in key.splitlines() if not line.startswith("-----")]
    assert all(masker.hit(line) for line in lines if len(line) >= 16)
    assert not masker.hit("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_nothing_known_masks_nothing() -> None:
    assert Masker([]).mask("anything") == "anything"
    assert not Masker([""]).hit("anything")


def test_data_of_any_depth_is_scrubbed_keys_included() -> None:
    value = generate("token").reveal()
    data = {value: [value, 5, None, (f"x{value}", {"deep": value})], "b": True}
    scrubbed = Masker([value]).scrub(data)
    assert value not in json.dumps(scrubbed)
    assert scrubbed == {MASK: [MASK, 5, None, [f"x{MASK}", {"deep": MASK}]], "b": True}


def test_a_value_across_two_strings_is_none_and_a_pattern_in_one_of_many_is() -> None:
    value = generate("token").reveal()
    split = [value[:20], value[20:]]
    assert Masker([value]).scrub(split) == split
    assert Masker([value]).scrub([*split, {"url": f"a%2F{value}"}]) == [*split, {"url": f"a%2F{MASK}"}]
