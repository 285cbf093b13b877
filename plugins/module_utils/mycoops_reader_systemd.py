"""What systemd takes an `EnvironmentFile=` to mean: swallowed lines, dropped names and joined quotes included."""

from __future__ import annotations

import re
import typing

Values = typing.Dict[str, str]
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
BLANK, NEWLINE = " \t\n\r", "\n\r"


def is_character(char: str) -> bool:
    """Whether a code point is one that systemd takes for text; no surrogate, none of those that Unicode keeps for nobody."""
    code = ord(char)
    return not (0xD800 <= code < 0xE000 or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)


class Systemd:
    """The state machine of systemd 252's `EnvironmentFile=`."""

    def __init__(self) -> None:
        self.values: Values = {}
        self.state, self.key, self.value, self.kept = "pre_key", "", "", 0
        self.readable = True

    def read(self, text: str) -> Values:
        for char in text:
            getattr(self, self.state)(char)
        if self.state not in ("pre_key", "in_key", "comment", "comment_escape"):
            self.push()
        return self.values if self.readable else {}

    def push(self) -> None:
        if self.state == "in_value":
            self.value = self.value[: self.kept]
        if not all(map(is_character, self.key + self.value)):
            self.readable = False  # the unit would not start
        if NAME.match(self.key.rstrip(BLANK)):
            self.values[self.key.rstrip(BLANK)] = self.value
        self.state, self.key, self.value, self.kept = "pre_key", "", "", 0

    def pre_key(self, char: str) -> None:
        if char in "#;":
            self.state = "comment"
        elif char not in BLANK:
            self.state, self.key = "in_key", char

    def in_key(self, char: str) -> None:
        if char in NEWLINE:
            self.state, self.key = "pre_key", ""
        elif char == "=":
            self.state = "pre_value"
        else:
            self.key += char

    def pre_value(self, char: str) -> None:
        if char in NEWLINE:
            self.push()
        elif char in "'\"\\":
            self.state = {"'": "single", '"': "double", "\\": "value_escape"}[char]
        elif char not in BLANK:
            self.state = "in_value"
            self.add(char)

    def in_value(self, char: str) -> None:
        if char in NEWLINE:
            self.push()
        elif char == "\\":
            self.state, self.kept = "value_escape", len(self.value)
        else:
            self.add(char)

    def value_escape(self, char: str) -> None:
        self.state = "in_value"
        if char not in NEWLINE:
            self.value += char
        self.kept = len(self.value)

    def single(self, char: str) -> None:
        if char == "'":
            self.state = "pre_value"
        else:
            self.value += char

    def double(self, char: str) -> None:
        if char in '"\\':
            self.state = "pre_value" if char == '"' else "double_escape"
        else:
            self.value += char

    def double_escape(self, char: str) -> None:
        self.state = "double"
        if char != "\n":
            self.value += char if char in '"\\`$' else "\\" + char

    def comment(self, char: str) -> None:
        if char == "\\":
            self.state = "comment_escape"
        elif char in NEWLINE:
            self.state = "pre_key"

    def comment_escape(self, char: str) -> None:
        self.state = "comment"

    def add(self, char: str) -> None:
        self.value += char
        if char not in BLANK:
            self.kept = len(self.value)
