"""Whatever a host's disk refuses, the reply says of each service what it runs on, and a repetition brings all of them there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import deliver
import mycoops_process as process
import mycoops_writer as writer
import pytest
from fake_host import Host, Unit, fresh
from mycoops_fence import locked
from mycoops_reply import Refusal

from mycoops.rotation.replies import UNKNOWN

CALLS = ("open", "write", "fchown", "fchmod", "fsync", "replace", "unlink")
NAMES = ("one", "two")


class Pair:
    """Two services on one host, each with a file of its own, and one credential in both."""

    def __init__(self, host: Host) -> None:
        self.host, self.old, self.new = host, fresh(), fresh()
        self.files = {name: host.put(f"/etc/{name}.env", f"TOKEN={self.old}\n") for name in NAMES}
        self.units: dict[str, Unit] = {name: host.unit(f"{name}.service", f"/etc/{name}.env") for name in NAMES}
        for unit in self.units.values():
            unit.start()

    def request(self, **changes: Any) -> dict[str, Any]:
        """Both to the new value."""
        entry = {"name": "TOKEN", "credential": "api", "value": self.new, "previous": self.old}
        owned = {"owner": "root", "group": "root", "mode": "0600", "readers": ["systemd"]}
        steady = {"apply": "restart", "steady_seconds": 1e-6, "timeout_seconds": 2}
        return {
            "root": str(self.host.root),
            "token": 7,
            "generations": {"api": 2},
            "before": {"api": 1},
            "rollback": [],
            "files": [{**owned, "path": f"/etc/{name}.env", "entries": [entry]} for name in NAMES],
            "services": [
                {"name": name, "unit": f"{name}.service", "holds": [{"file": f"/etc/{name}.env", "name": "TOKEN"}], **steady}
                for name in NAMES
            ],
            **changes,
        }

    def on(self, name: str, value: str) -> bool:
        """Whether a service runs on a value and would start with it."""
        running = self.units[name].process
        held = bool(running) and process.holds(running.pid, {"TOKEN": value})["TOKEN"]
        return held and self.files[name].read_text() == f"TOKEN={value}\n"

    def told(self, reply: dict[str, Any]) -> None:
        """What the reply says is so: new where it says healthy, old where it does not say that nobody knows."""
        error = reply.get("error", {})
        assert self.old not in str(reply)
        assert self.new not in str(reply)
        done = {one["name"] for one in reply.get("services", []) if one["holds"] and one["healthy"]}
        assert all(self.on(name, self.new) for name in done), reply
        concerned = [error["service"]] if error.get("service") else [n for n in NAMES if error.get("path") == f"/etc/{n}.env"]
        for name in {*NAMES} - done:
            if not (error.get("code") in UNKNOWN and name in (concerned or NAMES)):
                assert self.on(name, self.old), reply


@pytest.fixture
def pair(host: Host) -> Pair:
    """Two services that run on the old value."""
    return Pair(host)


class Faulty:
    """The system as the writer sees it: the chosen call fails, once or with all after it."""

    def __init__(self, at: int, number: int, *, lasting: bool) -> None:
        self.count, self.at, self.number, self.lasting = 0, at, number, lasting

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.at or (self.lasting and self.count > self.at and name != "open"):
                raise OSError(self.number, os.strerror(self.number))
            return real(*arguments, **named)

        return call


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Deliver as the loader does: what is refused before anything is touched is a reply too."""
    try:
        return deliver.run(request)
    except Refusal as refusal:
        return {"error": refusal.error()}


@pytest.mark.parametrize(
    ("number", "lasting"), [(errno.ENOSPC, False), (errno.EIO, False), (errno.ENOSPC, True), (errno.EROFS, True)]
)
def test_a_disk_that_fails_anywhere_is_told_service_by_service(host: Host, number: int, lasting: bool) -> None:
    seen = set()
    for at in range(1, 120):
        pair = Pair(host)
        with pytest.MonkeyPatch.context() as patch:
            faulty = Faulty(at, number, lasting=lasting)
            patch.setattr(writer, "os", faulty)
            reply = run(pair.request())
        pair.told(reply)
        seen.add(reply.get("error", {}).get("code", ""))
        again = run(pair.request())
        assert "error" not in again
        assert all(pair.on(name, pair.new) for name in NAMES)
        for unit in pair.units.values():
            unit.stop()
        for left in host.root.rglob("fence.json"):
            left.unlink()
        if faulty.count < at:
            assert at > 30
            assert {"", "write_failed"} <= seen
            assert ("half_written" in seen) is lasting
            return
    pytest.fail("the delivery makes more calls than the test follows")


def test_a_service_served_before_the_disk_failed_is_not_called_untouched(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writer.write

    def full(path: str, raw: bytes, wanted: writer.Owner) -> None:
        if path.endswith("two.env"):
            raise Refusal("write_failed", f"{path} cannot be written", path=path)
        real(path, raw, wanted)

    monkeypatch.setattr(writer, "write", full)
    reply = run(pair.request())
    assert [(one["name"], one["holds"], one["healthy"]) for one in reply["services"]] == [("one", True, True)]
    assert reply["error"]["code"] == "write_failed"
    pair.told(reply)


def test_a_fence_that_cannot_be_written_takes_the_file_back(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the service would start with the new value while the engine believes it on the old one."""
    real = writer.write

    def full(path: str, raw: bytes, wanted: writer.Owner) -> None:
        if path.endswith("fence.json") and b'"api": 2' in raw:
            raise Refusal("write_failed", f"{path} cannot be written", path=path)
        real(path, raw, wanted)

    monkeypatch.setattr(writer, "write", full)
    reply = run(pair.request())
    assert reply["error"]["code"] == "write_failed"
    assert all(pair.on(name, pair.old) for name in NAMES)


def test_a_restart_that_hangs_is_gone_back_from(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    real, hangs = pair.host.command, ["restart"]

    def command(argv: list[str], seconds: float = 0) -> tuple[int, str]:
        if argv[1] in hangs:
            hangs.clear()
            raise Refusal("hangs", f"{argv[0]} {argv[1]} did not end")
        return real(argv, seconds)

    monkeypatch.setattr(process, "command", command)
    reply = run(pair.request())
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert "did not end" in reply["error"]["message"]
    assert all(pair.on(name, pair.old) for name in NAMES)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("limits", "cause"),
    [
        ({"f_bfree": 0}, "No space left on device (ENOSPC)"),
        ({"f_ffree": 0}, "No space left on device (ENOSPC)"),
        ({"f_flag": os.ST_RDONLY}, "Read-only file system (EROFS)"),
    ],
)
def test_a_file_system_without_room_is_noticed_before_anything_is_touched(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], cause: str, check: bool
) -> None:
    sound = {"f_blocks": 100, "f_bfree": 50, "f_frsize": 4096, "f_files": 100, "f_ffree": 50, "f_flag": 0}
    full = {"place": "one.env"}

    def numbers(path: Path) -> SimpleNamespace:
        return SimpleNamespace(**{**sound, **(limits if Path(path, full["place"]).exists() else {})})

    monkeypatch.setattr(writer.os, "statvfs", numbers)
    before = sorted(pair.host.at("/etc").rglob("*"))
    reply = run(pair.request(check=check))
    assert reply["error"]["code"] == "write_failed"
    assert reply["error"]["message"].endswith(f"/etc/one.env cannot be written: {cause}")
    assert sorted(pair.host.at("/etc").rglob("*")) == before
    assert all(pair.on(name, pair.old) for name in NAMES)
    full["place"] = "nowhere"
    assert "error" not in run(pair.request(check=check))


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where a directory has to be")
    with pytest.raises(Refusal, match="write_failed") as caught, locked(str(tmp_path / "var" / "mycoops")):
        pass
    assert "var/mycoops/lock cannot be written: Not a directory" in caught.value.message
