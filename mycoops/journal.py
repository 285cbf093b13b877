"""The append-only, fsynced, chained record of a run: what resume reads and `log verify` checks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mycoops import durable
from mycoops.errors import JournalError, NotWritten

Record = dict[str, Any]
START = "0" * 64
STAMP = "%Y%m%dT%H%M%S%f"
"""How the name of a journal begins: names sort in the order in which journals were opened."""


def _mac(key: bytes, previous: str, record: Record) -> str:
    body = json.dumps({name: value for name, value in record.items() if name != "mac"}, sort_keys=True, ensure_ascii=False)
    return hmac.new(key, previous.encode() + body.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a journal's chain says: `intact`, `torn` (a write was cut off; resume may go on), `tampered` (at `line`) or `foreign`
    (written under another key).

    Held against a rendered log that names its head, it may also be `shortened` (the head is not in it) or `missing`, and against
    the name it was opened under, `copied`."""

    path: Path
    state: str
    records: int
    line: int = 0


def read(path: Path, key: bytes) -> tuple[list[Record], Verdict]:
    """Read a journal as far as its chain holds."""
    records: list[Record] = []
    previous = START
    content = path.read_bytes()
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        last = number == len(lines)
        if last and not line:
            break
        record = _parse(line)
        complete = not last
        if record is None or record.get("mac") != _mac(key, previous, record):
            state = _broken(key, number, record) if complete else "torn"
            return records, Verdict(path, state, len(records), number)
        if not complete:
            return records, Verdict(path, "torn", len(records), number)
        previous = str(record["mac"])
        records.append(record)
    return records, Verdict(path, "intact", len(records))


def _key_id(key: bytes) -> str:
    """Names a key in the first record of a journal, and tells nothing of it."""
    return hmac.new(key, b"the key of this journal", hashlib.sha256).hexdigest()[:16]


def _broken(key: bytes, number: int, record: Record | None) -> str:
    """A first record that names another key is `foreign`, unless it names ours as soon as that name is put back."""
    if number > 1 or record is None or record.get("key") in (None, own := _key_id(key)):
        return "tampered"
    return "tampered" if record.get("mac") == _mac(key, START, {**record, "key": own}) else "foreign"


def _text(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def _parse(line: bytes) -> Record | None:
    """A record, if the line is exactly what was written of it: other white space or a name given twice is a change too."""
    try:
        record = json.loads(line)
        return record if isinstance(record, dict) and _text(record) == line else None
    except ValueError:
        return None


class Journal:
    """One run's journal, open for appending; every record is durable when `write` returns.

    After a record that could not be written nothing more is: what followed would not be chained to what is there."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key
        self.records: list[Record] = []
        self._previous = START
        self._failed: NotWritten | None = None
        if path.exists():
            self.records, verdict = read(path, key)
            if verdict.state in ("tampered", "foreign"):
                what = "this record was changed" if verdict.state == "tampered" else "written under another install key"
                raise JournalError(
                    f"{path}:{verdict.line}: {what}",
                    hint="Compare it with version control; mycoops does not resume from a journal it cannot trust.",
                )
            if verdict.state == "torn":
                self._cut(verdict.line)
            self._previous = str(self.records[-1]["mac"]) if self.records else START

    def _cut(self, line: int) -> None:
        lines = self.path.read_bytes().split(b"\n")[: line - 1]
        durable.replace(self.path, b"".join(part + b"\n" for part in lines))

    def write(self, event: str, **facts: Any) -> Record:
        """Append one record and make it durable. Facts are names, numbers and fingerprints, never values.

        Raises NotWritten, the same one again for whatever comes after it."""
        if self._failed:
            raise self._failed
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record: Record = {"seq": len(self.records) + 1, "time": now, "event": event, **facts}
        if not self.records:
            record["key"] = _key_id(self._key)
        record["mac"] = _mac(self._key, self._previous, record)
        try:
            durable.append(self.path, _text(record) + b"\n")
        except NotWritten as error:
            self._failed = error
            raise
        self._previous = str(record["mac"])
        self.records.append(record)
        return record


def new_path(directory: Path, digest: str) -> Path:
    """Where a journal that is opened now lies: after every other one, also when the clock was set back since."""
    now = datetime.now(UTC).strftime(STAMP)
    newest = max((path.name.partition("-")[0] for path in paths(directory)), default="")
    if now <= newest:
        now = (datetime.strptime(newest, STAMP) + timedelta(microseconds=1)).strftime(STAMP)
    return directory / f"{now}-{digest}.jsonl"


def paths(directory: Path) -> Iterator[Path]:
    """The journals of a fleet, oldest first."""
    yield from sorted(directory.glob("*.jsonl"))
