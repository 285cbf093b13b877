"""Refused logins of a retired slot, read from the server's log by the prefix that the server itself says its lines have."""

from __future__ import annotations

import datetime
import pathlib
import re
import typing
import zoneinfo

from mycoops_postgresql import answer
from mycoops_reply import Refusal
from mycoops_sightings import Sightings

SETTINGS = """
SELECT json_build_object('prefix', current_setting('log_line_prefix'), 'zone', current_setting('log_timezone'),
  'destination', current_setting('log_destination'), 'messages', current_setting('lc_messages'),
  'data', current_setting('data_directory'), 'cluster', current_setting('cluster_name'),
  'collected', pg_current_logfile('stderr'));"""
LARGEST = 64 << 20
"""How much of the log is read, its end."""
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
PARTS = {
    "m": rf"(?P<time>{STAMP}\.\d+) (?P<zone>\S+)",
    "t": rf"(?P<time>{STAMP}) (?P<zone>\S+)",
    "n": r"(?P<epoch>\d+\.\d+)",
    "h": r"(?P<address>\S+)",
    "r": r"(?P<address>[^\s(]+)(?:\(\d+\))?",
    "e": r"(?P<state>[0-9A-Z]{5})",
    "p": r"(?P<pid>\d+)",
    "P": r"\d*",
    "l": r"\d+",
    "c": r"[0-9a-f]+\.[0-9a-f]+",
    "s": rf"{STAMP} \S+",
    "q": "",
    "%": "%",
}
"""What the escapes of log_line_prefix turn into; any other one is a text of any length."""
ESCAPE = re.compile(r"%(-?\d+)?([A-Za-z%])")
REFUSED = re.compile(
    r"FATAL:\s+(?:password authentication failed for user|role \".*\" (?:is not permitted to log in|does not exist)"
    r"|\w+ authentication failed for user|no pg_hba\.conf entry for|pg_hba\.conf rejects)"
)
STATES = ("28P01", "28000")
ENGLISH = re.compile(r"(?:C|POSIX|en)(?:[._@].*)?\Z|\Z")


def run(request: dict) -> dict:
    """Carry out `sightings` on the authority's host; nothing is changed."""
    found = Sightings(request)
    settings = answer(request, SETTINGS)
    pattern = line_pattern(settings, request["previous_principal"])
    zone = _zone(settings["zone"])
    files, read = _files(request, settings, found.since), 0
    for path in files:
        if read >= LARGEST:
            break
        read += _read(path, LARGEST - read, pattern, zone, found)
    return {"done": True, "sightings": found.told(), "evidence": {"path": str(files[0]), "read": str(read)}}


def line_pattern(settings: dict, principal: str) -> typing.Pattern[str]:
    """What a line about a refused login of this principal looks like. Raises Refusal where that cannot be told."""
    prefix = settings["prefix"]
    named = [escape for _, escape in ESCAPE.findall(prefix)]
    if not {"h", "r"} & set(named) or not {"m", "t", "n"} & set(named) or "u" not in named:
        raise Refusal("log_line_prefix", "log_line_prefix names not all of time (%m), user (%u) and client (%h)", prefix=prefix)
    if "e" not in named and not ENGLISH.match(settings["messages"]):
        raise Refusal("log_language", "lc_messages is not English: add %e to log_line_prefix", messages=settings["messages"])
    return re.compile(_prefix(prefix, {**PARTS, "u": re.escape(principal)}) + r"(?P<rest>.*)")


def _prefix(prefix: str, parts: typing.Mapping[str, str]) -> str:
    built, end = "", 0
    used: typing.Set[str] = set()
    for found in ESCAPE.finditer(prefix):
        part = parts.get(found[2], ".*?")
        # A group is named once: the first of two times is as good as the second.
        for name in re.findall(r"\?P<(\w+)>", part):
            part = part.replace(f"?P<{name}>", "?:") if name in used else part
            used.add(name)
        padding = " *" if found[1] else ""
        built += re.escape(prefix[end : found.start()]) + padding + part + padding
        end = found.end()
    return built + re.escape(prefix[end:])


def _zone(name: str) -> datetime.tzinfo:
    if name.rpartition("/")[2] in ("UTC", "UCT", "GMT", "Universal", "Zulu"):
        return datetime.timezone.utc
    try:
        return zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise Refusal("log_timezone", f"this host does not know the log's time zone {name}", zone=name) from None


def _files(request: dict, settings: dict, since: float) -> typing.List[pathlib.Path]:
    """The log and what it was before it was rotated, newest first. Raises Refusal where there is none to read."""
    named, collected = request["options"].get("log_file"), settings["collected"]
    if collected and not named:
        current = pathlib.Path(settings["data"], collected)
        beside = [path for path in current.parent.iterdir() if path.suffix == current.suffix and path != current]
    else:
        current = pathlib.Path(named or f"/var/log/postgresql/postgresql-{settings['cluster'].replace('/', '-')}.log")
        beside = [path for path in (current.with_name(f"{current.name}.1"),) if path.exists()]
    if not current.is_file() or "stderr" not in settings["destination"]:
        why = f"the server writes no log of lines to {current}: name the option log_file, with stderr in log_destination"
        raise Refusal("no_log_file", why, path=str(current), destination=settings["destination"])
    return [current, *sorted((path for path in beside if _newer(path, since)), key=lambda path: -path.stat().st_mtime)]


def _newer(path: pathlib.Path, since: float) -> bool:
    return path.is_file() and path.stat().st_mtime >= since


def _read(path: pathlib.Path, most: int, pattern: typing.Pattern[str], zone: datetime.tzinfo, found: Sightings) -> int:
    """Look through the end of one file; returns how much of it was read."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - most))
        last: object = None
        for line in stream:
            text = pattern.match(line.decode("utf-8", "replace").rstrip("\n"))
            parts = text.groupdict() if text else {}
            # With a state in the prefix the DETAIL of a refusal carries it as well; time and process are those of the refusal.
            key = (parts.get("time") or parts.get("epoch"), parts.get("pid"), parts.get("address"))
            when = _when(parts, zone) if text and _is_refusal(text) and key != last else None
            if text and when is not None:
                found.add(text["address"], when)
                last = key if parts.get("state") else None
    return min(size, most)


def _is_refusal(line: typing.Match[str]) -> bool:
    state = line.groupdict().get("state")
    return state in STATES if state else bool(REFUSED.match(line["rest"]))


def _when(line: typing.Mapping[str, typing.Any], zone: datetime.tzinfo) -> typing.Optional[float]:
    """The time of a line. Where a clock was put back, its zone says which of the two hours it is; a line that was written while the
    log had another time zone has none that can be told."""
    if line.get("epoch"):
        return float(line["epoch"])
    local = datetime.datetime.fromisoformat(str(line["time"]))
    choices = [local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1), local.replace(tzinfo=datetime.timezone.utc)]
    names = {line["zone"], "UTC"} if line["zone"] in ("GMT", "UCT") else {line["zone"]}
    return next((one.timestamp() for one in choices if one.tzname() in names), None)
