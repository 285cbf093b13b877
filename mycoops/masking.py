"""Every form in which a value could appear in a text, and their removal from it."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "«masked»"
SHORTEST = 8
"""Characters: a shorter text is not masked, it would hit ordinary words."""


def _base64_middles(raw: bytes) -> set[str]:
    """The characters of base64 that depend on `raw` alone, for the three alignments and both alphabets."""
    found: set[str] = set()
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * lead + raw).decode().rstrip("=")
            start = -(-lead * 8 // 6)
            tail = (lead + len(raw)) * 8 // 6
            found.add(text[start:tail])
    return found


def encodings(text: str) -> set[str]:
    """The text in clear, URL-, JSON-, shell- and repr-escaped, and `raw_encodings` of it."""
    found = {
        text,
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        shlex.quote(text),
        repr(text)[1:-1],
    }
    return found | raw_encodings(text.encode())


def raw_encodings(raw: bytes) -> set[str]:
    """Bytes in base64 of every alignment, and in hexadecimal."""
    return _base64_middles(raw) | {raw.hex(), raw.hex().upper()}


def forms(value: str) -> set[str]:
    """Clear, URL-, JSON-, shell- and repr-escaped, hex, base64 in three alignments; of a value of several lines each line too."""
    parts = {value, *(line for line in value.splitlines() if len(line) >= 16 and not line.startswith("-----"))}
    return {form for part in parts if part for form in encodings(part) if len(form) >= SHORTEST}


class Masker:
    """Replaces every known form of the given values; knows nothing of others."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = sorted({form for value in values for form in forms(value)}, key=len, reverse=True)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Made when something is hit at all: that is rare, and the pattern of a fleet's values takes a tenth of a second."""
        return re.compile("|".join(map(re.escape, self._forms)))

    def mask(self, text: str) -> str:
        """Return the text with each form replaced."""
        return self._pattern.sub(MASK, text) if self.hit(text) else text

    def hit(self, text: str) -> bool:
        """Whether any form of any value is in the text."""
        return len(text) >= SHORTEST and any(form in text for form in self._forms)

    def scrub(self, data: Any) -> Any:
        """Mask every string inside lists, dicts and tuples; other types pass."""
        if isinstance(data, str):
            return self.mask(data)
        if isinstance(data, dict):
            return {self.scrub(key): self.scrub(item) for key, item in data.items()}
        if isinstance(data, list | tuple):
            return [self.scrub(item) for item in data]
        return data
