"""Every form in which a value could appear in a text, and their removal from it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from mycoops.escapes import anchor, escaped, pattern

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
    """The text in clear, escaped for URL, JSON, shell, Python, HTML and more, also twice, and `raw_encodings` of it."""
    return escaped(text) | raw_encodings(text.encode())


def raw_encodings(raw: bytes) -> set[str]:
    """Bytes in base64 of every alignment, and in hexadecimal."""
    return _base64_middles(raw) | {raw.hex(), raw.hex().upper()}


def parts(value: str) -> set[str]:
    """The value, and of one of several lines each line that is long enough to be known by."""
    return {part for part in (value, *value.splitlines()) if part == value or (len(part) >= 16 and not part.startswith("-----"))}


def forms(value: str) -> set[str]:
    """Every one of `encodings`; of a value of several lines each line too."""
    return {form for part in parts(value) if part for form in encodings(part) if len(form) >= SHORTEST}


class _Part:
    """One text to be hidden: `near` says quickly of nearly all others that it is not in them."""

    def __init__(self, text: str) -> None:
        wide = pattern(text)
        self._wide = wide if wide != text else ""
        self._anchor = anchor(text) if self._wide else ""
        exact = {text, *raw_encodings(text.encode())} if wide else encodings(text)
        self._exact = sorted((form for form in exact if len(form) >= SHORTEST), key=len, reverse=True)

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Made when something may be hit: that is rare, and for all values of a fleet it takes a tenth of a second."""
        return re.compile("|".join([*map(re.escape, self._exact), *filter(None, [self._wide])]) or "(?!)")

    def near(self, text: str) -> bool:
        """Whether it may be in a text; what it was escaped to always holds its anchor."""
        return bool(self._anchor and self._anchor in text) or any(form in text for form in self._exact)


class Masker:
    """Replaces every known form of the given values, and what they were escaped to however often; knows nothing of others."""

    def __init__(self, values: Iterable[str]) -> None:
        texts = {part for value in values for part in parts(value) if part}
        self._parts = [_Part(text) for text in sorted(texts, key=len, reverse=True)]

    def mask(self, text: str) -> str:
        """Return the text with each form replaced."""
        return _masked(text, self._parts)

    def hit(self, text: str) -> bool:
        """Whether any form of any value is in the text."""
        return len(text) >= SHORTEST and any(part.near(text) and part.expression.search(text) for part in self._parts)

    def scrub(self, data: Any) -> Any:
        """Mask every string inside lists, dicts and tuples; other types pass.

        All of them are looked at as one text first: of an event of sixty strings nearly none holds a value."""
        text = "\0".join(_strings(data))
        near = [part for part in self._parts if part.near(text)]
        return self._scrubbed(data, near)

    def _scrubbed(self, data: Any, near: Sequence[_Part]) -> Any:
        if isinstance(data, str):
            return _masked(data, near)
        if isinstance(data, dict):
            return {self._scrubbed(key, near): self._scrubbed(item, near) for key, item in data.items()}
        if isinstance(data, list | tuple):
            return [self._scrubbed(item, near) for item in data]
        return data


def _masked(text: str, parts: Iterable[_Part]) -> str:
    if len(text) < SHORTEST:
        return text
    for part in parts:
        if part.near(text):
            text = part.expression.sub(MASK, text)
    return text


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, item in data.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _strings(item)
