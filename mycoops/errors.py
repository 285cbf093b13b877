"""Every error mycoops raises on purpose, each with an exit status and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses of the command line, documented in README.md."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONFIGURATION = 3
    FAILED_OLD_INTACT = 4
    FAILED_FORWARD_ONLY = 5
    WAITING = 6
    LOCKED = 7
    FINDINGS = 8
    LEAK = 9
    INTERRUPTED = 130


class MycoopsError(Exception):
    """An expected failure: `message` says what and where, `hint` what to do next. Neither ever holds a value."""

    exit_status = Exit.BUG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(MycoopsError):
    """The fleet directory, the catalogue or the vault is wrong; nothing was changed."""

    exit_status = Exit.CONFIGURATION


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a fleet directory: where it is (`file:line`), what it is, what to do."""

    place: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}. {self.fix}"


class Invalid(ConfigurationError):
    """A fleet directory is wrong in the ways that `findings` lists; nothing was changed."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(map(str, self.findings)), hint="Nothing was changed. `mycoops check` shows this again.")


class WrongUsage(ConfigurationError):
    """The command was called with words that do not fit together or name nothing; nothing was changed."""

    exit_status = Exit.USAGE


class VaultError(ConfigurationError):
    """The vault store cannot be read or written; nothing was changed."""


class JournalError(ConfigurationError):
    """A journal cannot be trusted: edited, reordered, or written under another key."""


class NotWritten(ConfigurationError):
    """A file of this control node could not be written; it holds what it held before. `mend` is what to do about it."""

    def __init__(self, message: str, *, mend: str) -> None:
        super().__init__(message, hint=f"{mend}, then run the command again.")
        self.mend = mend


class LabError(MycoopsError):
    """The lab on this machine cannot be built, booted or reached."""

    exit_status = Exit.CONFIGURATION


class StepFailed(MycoopsError):
    """A move failed while every old credential is still valid."""

    exit_status = Exit.FAILED_OLD_INTACT


class ForwardOnly(MycoopsError):
    """A move failed after the point of no return: the only way is `mycoops resume`."""

    exit_status = Exit.FAILED_FORWARD_ONLY


class Leaked(MycoopsError):
    """A value was found where it must not be; whatever else the run did or did not do."""

    exit_status = Exit.LEAK


class WaitingForPerson(MycoopsError):
    """The run stopped where a person has to act."""

    exit_status = Exit.WAITING


class Locked(MycoopsError):
    """Another run holds the lease of this fleet."""

    exit_status = Exit.LOCKED


class Interrupted(MycoopsError):
    """The run was told to stop; the journal says where it stands."""

    exit_status = Exit.INTERRUPTED
