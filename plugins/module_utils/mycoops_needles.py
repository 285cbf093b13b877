"""Finds any of many texts in bytes, in one pass whose length does not depend on their number; says which one, never what it is."""

from __future__ import annotations

import sys
import typing

WORD = 8
"""Bytes of a machine word. A text of at least 15 bytes covers a whole word of what it lies in, wherever it begins."""
Label = typing.Tuple[str, int]
"""A credential and a generation of it."""


class Needles:
    """Texts by label: `{("app", 2): [b"…"]}`."""

    def __init__(self, forms: typing.Mapping[Label, typing.Iterable[bytes]]) -> None:
        self._forms = {label: tuple(set(found)) for label, found in forms.items()}
        texts = [text for found in self._forms.values() for text in found]
        self._short = tuple(text for text in texts if len(text) < 2 * WORD - 1)
        self._words = {
            int.from_bytes(text[start : start + WORD], sys.byteorder)
            for text in texts
            if text not in self._short
            for start in range(WORD)
        }

    def labels(self, data: bytes) -> typing.List[Label]:
        """Return the labels whose text is in the data, in the order they were given."""
        if not self._near(data):
            return []
        return [label for label, found in self._forms.items() if any(text in data for text in found)]

    def _near(self, data: bytes) -> bool:
        """Whether the data may hold a text at all: for nearly all data this is the end of the search."""
        words = memoryview(data)[: len(data) - len(data) % WORD].cast("Q")
        return not self._words.isdisjoint(words) or any(text in data for text in self._short)
