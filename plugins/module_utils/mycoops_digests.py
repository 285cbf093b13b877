"""Tells whether a text is one that the control node knows, by a digest under the key of one look; the text itself it never gets."""

from __future__ import annotations

import hmac
import typing

Label = typing.Tuple[str, int]
"""A credential and a generation of it."""


class Digests:
    """The key of this look, and digests of kept values: `[{credential, generation, digest, length}]`, `length` in bytes."""

    def __init__(self, key: str, kept: typing.Iterable[typing.Mapping[str, typing.Any]] = ()) -> None:
        self._key = bytes.fromhex(key)
        self._kept: typing.Dict[int, typing.Dict[str, Label]] = {}
        for one in kept:
            label = (str(one["credential"]), int(one["generation"]))
            self._kept.setdefault(int(one["length"]), {})[str(one["digest"])] = label

    def of(self, raw: bytes) -> str:
        """Return the digest of bytes."""
        return hmac.digest(self._key, raw, "sha256").hex()

    def same(self, text: typing.Optional[str], digest: str) -> bool:
        """Whether a text is the one a digest was made of; what is not there is none."""
        return text is not None and hmac.compare_digest(self.of(text.encode("utf-8", "surrogateescape")), digest)

    def within(self, raw: bytes) -> typing.List[Label]:
        """Return whose values stand somewhere in the bytes, as they are."""
        found: typing.Dict[Label, None] = {}
        for length, known in self._kept.items():
            for at in range(len(raw) - length + 1):
                label = known.get(self.of(raw[at : at + length]))
                if label:
                    found[label] = None
        return list(found)
