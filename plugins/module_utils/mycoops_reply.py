"""A refusal carries a code, a sentence and harmless facts, never a value."""

from __future__ import annotations

import typing


class Refusal(Exception):
    """The host declines; `code` is for programs, `message` for people, `facts` are JSON scalars."""

    def __init__(self, code: str, message: str, **facts: typing.Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.facts = facts

    def error(self) -> typing.Dict[str, typing.Any]:
        """Return the `error` part of a reply."""
        return {"code": self.code, "message": self.message, **self.facts}
