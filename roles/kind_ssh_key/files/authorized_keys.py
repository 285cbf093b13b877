"""One line of one account's authorized_keys is added or removed atomically; every other byte of the file stays."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import stat
import typing

from mycoops_reply import Refusal

TYPES = ("ssh-", "ecdsa-", "sk-")
Key = typing.Tuple[str, str]


class File:
    """The file behind an open directory, so that no symbolic link of the account's owner leads root elsewhere."""

    def __init__(self, options: dict) -> None:
        try:
            self.owner = pwd.getpwnam(options["account"])
        except KeyError:
            raise Refusal("unknown_account", f"there is no account {options['account']}") from None
        self.path = options.get("path") or f"{self.owner.pw_dir}/.ssh/authorized_keys"
        directory, self.name = os.path.split(self.path)
        try:
            self.directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise Refusal("unsafe_path", f"{directory} is no directory of its own", path=directory) from None
        if os.fstat(self.directory).st_uid not in (0, self.owner.pw_uid):
            raise Refusal("unsafe_path", f"{directory} belongs to another account", path=directory)
        self.text, self.mode = self._read()
        self.lines = re.findall(r"[^\n]*\n|[^\n]+", self.text)

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.directory)

    def _read(self) -> typing.Tuple[str, typing.Optional[os.stat_result]]:
        try:
            handle = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.directory)
        except FileNotFoundError:
            return "", None
        except OSError:
            raise Refusal("unsafe_path", f"{self.path} is no file of its own", path=self.path) from None
        with os.fdopen(handle, "rb") as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise Refusal("unsafe_path", f"{self.path} is no file of its own", path=self.path)
            return stream.read().decode("utf-8", "surrogateescape"), found

    def write(self, lines: typing.List[str]) -> None:
        """Replace the file in one step: mode 0600, its owner kept. Refuses if somebody else has changed it since it was read."""
        temporary = f".{self.name}.{secrets.token_hex(6)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o600, dir_fd=self.directory)
        try:
            with os.fdopen(handle, "wb") as stream:
                owner = (self.mode.st_uid, self.mode.st_gid) if self.mode else (self.owner.pw_uid, self.owner.pw_gid)
                os.fchown(stream.fileno(), *owner)
                stream.write("".join(lines).encode("utf-8", "surrogateescape"))
                stream.flush()
                os.fsync(stream.fileno())
            if self._read()[0] != self.text:
                raise Refusal("changed_meanwhile", f"{self.path} was changed by somebody else", path=self.path)
            os.rename(temporary, self.name, src_dir_fd=self.directory, dst_dir_fd=self.directory)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self.directory)
            raise
        os.fsync(self.directory)

    def having(self, key: Key) -> typing.List[int]:
        """The numbers of the lines that hold the key."""
        return [number for number, line in enumerate(self.lines) if parse(line)[1] == key]


def parse(line: str) -> typing.Tuple[str, typing.Optional[Key]]:
    """Split a line into its options and its key; a blank line or a comment has no key."""
    text, options = line.strip(), ""
    if not text or text.startswith("#"):
        return "", None
    if not text.startswith(TYPES):
        end = _end_of_options(text)
        options, text = text[:end], text[end:].strip()
    words = text.split()
    return options, (words[0], words[1]) if len(words) > 1 and words[0].startswith(TYPES) else None


def _end_of_options(text: str) -> int:
    quoted = False
    for number, letter in enumerate(text):
        if letter == '"' and text[number - 1 : number] != "\\":
            quoted = not quoted
        elif letter in " \t" and not quoted:
            return number
    return len(text)


def run(request: dict) -> dict:
    """Carry out one entry."""
    with File(request["options"]) as file:
        return ENTRIES[request["entry"]](request, file)


def preflight(request: dict, file: File) -> dict:
    """The file is one that we may replace, and this account logs in with keys at all."""
    keys = sum(parse(line)[1] is not None for line in file.lines)
    return {"done": True, "evidence": {"path": file.path, "keys": str(keys)}}


def mint(request: dict, file: File) -> dict:
    """Add the new key's line, with the restrictions that the old key's line has."""
    new = _key(request["value"])
    if file.having(new):
        return {"done": True, "changed": False, "evidence": {"path": file.path}}
    old = file.having(_key(request["previous_value"])) if request.get("previous_value") else []
    options = parse(file.lines[old[0]])[0] if old else ""
    comment = f"mycoops/{request['credential']}/g{request['generation']}"
    lines = [line if line.endswith("\n") else line + "\n" for line in file.lines]
    lines.append(" ".join(filter(None, (options, *new, comment))) + "\n")
    if not request.get("check"):
        file.write(lines)
    return {"done": True, "changed": True, "evidence": {"path": file.path, "options": "kept" if options else "none"}}


def parity(request: dict, file: File) -> dict:
    """Old and new may do the same if their lines carry the same restrictions."""
    options = []
    for name in ("value", "previous_value"):
        found = file.having(_key(request[name]))
        options.append(parse(file.lines[found[0]])[0] if found else None)
    equal = options[0] is not None and options[1] in (options[0], None)
    return {"done": True, "equal": equal, "evidence": {"path": file.path, "options": "equal" if equal else "different"}}


def revoke(request: dict, file: File) -> dict:
    """Remove the old key's line, never the last one that lets the rotator in."""
    new, old = _key(request["value"]), _key(request["previous_value"])
    if new == old or not file.having(new):
        raise Refusal("new_not_ready", "the new key is not in the file, the old one stays", path=file.path)
    gone = file.having(old)
    if gone and not request.get("check"):
        file.write([line for number, line in enumerate(file.lines) if number not in gone])
    return {"done": True, "changed": bool(gone), "evidence": {"path": file.path, "removed": str(len(gone))}}


def persist(request: dict, file: File) -> dict:
    """sshd reads the file at each login: what it holds is what counts."""
    kept = bool(file.having(_key(request["value"])))
    gone = not request.get("previous_value") or not file.having(_key(request["previous_value"]))
    evidence = {"path": file.path, "new": "present" if kept else "absent", "old": "absent" if gone else "present"}
    return {"done": True, "persisted": kept and gone, "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[dict, File], dict]] = {
    "preflight": preflight,
    "mint": mint,
    "parity": parity,
    "revoke": revoke,
    "persist": persist,
}


def _key(line: str) -> Key:
    key = parse(line)[1]
    if key is None or "\n" in line.strip():
        raise Refusal("no_public_key", "the host takes the public half of a key only")
    return key
