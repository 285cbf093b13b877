"""A drop-in names env files, never values, and systemd has loaded it before anything restarts."""

from __future__ import annotations

import pathlib
import re
import typing

import mycoops_process as process
import mycoops_writer as writer
from mycoops_delivery_files import under
from mycoops_reply import Refusal

HEADER = "# Written by mycoops; it names files and holds no value.\n[Service]\nLimitCORE=0\n"
UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]+\.(?:service|socket|timer)\Z")


class DropIn(typing.NamedTuple):
    """One planned drop-in."""

    unit: str
    place: str
    raw: bytes
    changed: bool


def plan(spec: typing.Mapping[str, typing.Any], root: str, coming: typing.Collection[str]) -> DropIn:
    """Render a drop-in. Raises Refusal `missing_env_file` for a file that is neither there nor coming."""
    unit = str(spec["unit"])
    if not UNIT.match(unit):
        raise Refusal("invalid_request", "this is not the name of a unit", unit=unit)
    lines = [f"EnvironmentFile={_checked(path, root, coming)}\n" for path in spec.get("env_files") or ()]
    lines += [f"LoadCredential={name}:{_checked(path, root, coming)}\n" for name, path in (spec.get("credentials") or {}).items()]
    place = under(root, f"/etc/systemd/system/{unit}.d/50-mycoops.conf")
    raw = (HEADER + "".join(lines)).encode()
    there = pathlib.Path(place).parent.is_dir() and writer.read(place).raw == raw
    return DropIn(unit, place, raw, not there)


def _checked(path: str, root: str, coming: typing.Collection[str]) -> str:
    if re.search(r"[\s\"'\\]", path):
        raise Refusal("invalid_request", "a path in a unit must have no blank, quote or backslash")
    if path not in coming and not pathlib.Path(under(root, path)).is_file():
        raise Refusal("missing_env_file", f"{path} does not exist: the unit would be stopped and not start", path=path)
    return path.replace("%", "%%")


def install(drop_ins: typing.Iterable[DropIn]) -> None:
    """Write the changed ones and reload systemd, also after a crash between the two."""
    drop_ins = list(drop_ins)
    for one in drop_ins:
        if one.changed:
            with writer.telling(one.place):
                pathlib.Path(one.place).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            writer.write(one.place, one.raw, writer.Owner(0, 0, 0o644))
    stale = any(one.changed for one in drop_ins) or any(process.unit_state(one.unit).needs_reload for one in drop_ins)
    if not stale:
        return
    status, _ = process.command(["systemctl", "daemon-reload"])
    lagging = [one.unit for one in drop_ins if process.unit_state(one.unit).needs_reload]
    if status or lagging:
        raise Refusal("daemon_reload_failed", f"systemd did not load {', '.join(lagging) or 'its units'}")
