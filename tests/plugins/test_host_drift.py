"""A look at a host tells each thing that differs by name and place, changes nothing, and finds nothing where nothing differs."""

from __future__ import annotations

import copy
import json
import os
import pwd
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deliver
import drift
import pytest
from fake_host import Host, fresh

from mycoops.digests import digested

PATH, OWN = "/etc/api/.env", "/etc/api/tokens.env"
DROP_IN = "/etc/systemd/system/api.service.d/50-mycoops.conf"
Told = list[tuple[str, str, list[str], str]]


class Case:
    """A host that was delivered to: a unit with a file for its environment, one that it rereads, and a container."""

    def __init__(self, host: Host) -> None:
        self.host, self.values = host, {"api": fresh(), "tokens": fresh(), "relay": fresh()}
        self.old, self.account = fresh(), pwd.getpwuid(os.geteuid()).pw_name
        host.put(PATH, "# kept\nLOG=info\nTOKEN=\n").parent.chmod(0o755)
        host.put("/etc/relay/.env", "TZ=UTC\nRELAY=\n")
        self.unit = host.unit("api.service", PATH)
        self.unit.start()
        delivered = deliver.run(self.delivery())
        assert "error" not in delivered

    def file(self, path: str, name: str, reader: str = "systemd", **more: Any) -> dict[str, Any]:
        credential = {"TOKEN": "api", "TOKENS": "tokens", "RELAY": "relay"}[name]
        entry = {"name": name, "credential": credential, "value": self.values[credential]}
        service = "relay" if reader == "podman" else "api"
        owner = {"owner": self.account, "mode": "0600"}
        return {"path": path, "readers": [reader], "entries": [entry], "services": [service], **owner, **more}

    def delivery(self) -> dict[str, Any]:
        """What a deploy brings."""
        holds = [{"file": PATH, "name": "TOKEN"}]
        api = {"name": "api", "unit": "api.service", "holds": holds, "env_file": PATH, "reload_files": [OWN]}
        container = {"name": "relay", "image": "localhost/relay:1", "env_files": ["/etc/relay/.env"]}
        holds = [{"file": "/etc/relay/.env", "name": "RELAY"}]
        relay = {"name": "relay", "container": container, "apply": "recreate", "holds": holds, "env_file": "/etc/relay/.env"}
        return {
            "root": str(self.host.root),
            "token": 7,
            "generations": {"api": 2, "tokens": 1, "relay": 1},
            "files": [self.file(PATH, "TOKEN"), self.file(OWN, "TOKENS"), self.file("/etc/relay/.env", "RELAY", "podman")],
            "drop_ins": [{"unit": "api.service", "env_files": [PATH]}],
            "services": [{**one, "steady_seconds": 0.05, "timeout_seconds": 2} for one in (api, relay)],
        }

    def request(self, **more: Any) -> dict[str, Any]:
        """What a look is asked for, with its values."""
        kept = [
            {"credential": "api", "generation": number, "value": value}
            for number, value in ((1, self.old), (2, self.values["api"]))
        ]
        return {**copy.deepcopy(self.delivery()), "kept": kept, "concerned": {"api": ["api"]}, **more}

    def look(self, **more: Any) -> Told:
        """Look, see that nothing was touched and no value told, and return what was found."""
        before = self.stamps()
        commands, restarts = len(self.host.commands), self.unit.starts
        sent = digested(self.request(**more), secrets.token_bytes(32))
        reply = drift.run(sent)
        text = json.dumps([sent, reply])
        assert not [value for value in (*self.values.values(), self.old) if value in text]
        assert self.stamps() == before
        assert self.unit.starts == restarts
        assert {words[1] for words in self.host.commands[commands:]} <= {"show", "inspect"}
        assert reply["unseen"] == []
        return [(one["what"], one["place"], one["names"], one["detail"]) for one in reply["findings"]]

    def stamps(self) -> dict[str, tuple[int, ...]]:
        """Everything of the host's files that a write would change."""
        found = {str(path): path.lstat() for path in [self.host.root, *self.host.root.rglob("*")]}
        return {path: (one.st_ino, one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for path, one in found.items()}

    def edit(self, path: str, old: str, new: str) -> None:
        place = self.host.at(path)
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new))


@pytest.fixture
def case(host: Host) -> Case:
    return Case(host)


def test_a_host_as_it_was_delivered_has_no_drift(case: Case) -> None:
    assert case.look() == []


def line(case: Case) -> str:
    return f"TOKEN={case.values['api']}"


Change = Callable[[Case], None]
HELD = "holds generation 1 of api"
NOT_READ = "not seen to have read it since it changed"
CHANGES: dict[str, tuple[Change, Told]] = {
    "another value": (
        lambda case: case.edit(PATH, line(case), f"TOKEN={fresh()}"),
        [("value-differs", PATH, ["TOKEN"], ""), ("process", "api.service", ["TOKEN"], "it holds what is intended")],
    ),
    "no line": (
        lambda case: case.edit(PATH, line(case), "# gone"),
        [("value-missing", PATH, ["TOKEN"], ""), ("process", "api.service", ["TOKEN"], "it holds what is intended")],
    ),
    "an empty value": (
        lambda case: case.edit(PATH, line(case), "TOKEN="),
        [("value-differs", PATH, ["TOKEN"], ""), ("process", "api.service", ["TOKEN"], "it holds what is intended")],
    ),
    "a second, other line before it": (
        lambda case: case.edit(PATH, line(case), f"TOKEN={fresh()}\n{line(case)}"),
        [("value-differs", PATH, ["TOKEN"], "")],
    ),
    "the same line twice": (lambda case: case.edit(PATH, line(case), f"{line(case)}\n{line(case)}"), []),
    "the same value, quoted": (lambda case: case.edit(PATH, line(case), f"TOKEN='{case.values['api']}'"), []),
    "a line of the host's own": (lambda case: case.edit(PATH, "LOG=info", "LOG=debug"), []),
    "what nobody understands": (
        lambda case: case.edit(PATH, "LOG=info", "bare"),
        [("file-unreadable", PATH, [], "line 2: neither an assignment nor a comment")],
    ),
    "no file": (lambda case: case.host.at(PATH).unlink(), [("file-missing", PATH, ["TOKEN"], "")]),
    "no directory": (
        lambda case: case.host.at("/etc/relay").rename(case.host.at("/etc/elsewhere")),
        [("file-missing", "/etc/relay/.env", ["RELAY"], "/etc/relay is not a directory")],
    ),
    "a link in its place": (
        lambda case: (case.host.at(PATH).rename(case.host.at("/etc/moved")), case.host.at(PATH).symlink_to("/etc/moved")),
        [("file-unreadable", PATH, [], f"{PATH} is a symbolic link")],
    ),
    "a wider mode": (lambda case: case.host.at(PATH).chmod(0o644), [("access", PATH, [], "ME 0644 instead of ME 0600")]),
    "a narrower mode": (lambda case: case.host.at(PATH).chmod(0o400), [("access", PATH, [], "ME 0400 instead of ME 0600")]),
    "a directory for everybody": (
        lambda case: case.host.at("/etc/relay").chmod(0o777),
        [("directory", "/etc/relay", [], "others may write to it")],
    ),
    "a reread file changed": (
        lambda case: case.edit(OWN, case.values["tokens"], fresh()),
        [("value-differs", OWN, ["TOKENS"], ""), ("process", "api.service", ["TOKENS"], NOT_READ)],
    ),
    "no drop-in": (lambda case: case.host.at(DROP_IN).unlink(), [("drop-in", DROP_IN, [], "missing")]),
    "another drop-in": (
        lambda case: case.edit(DROP_IN, "LimitCORE=0", "LimitCORE=infinity"),
        [("drop-in", DROP_IN, [], "changed")],
    ),
    "no daemon-reload": (
        lambda case: setattr(case.unit, "needs_reload", "yes"),
        [("daemon-reload", "api.service", [], "systemd runs on an older version of its unit")],
    ),
    "a stopped unit": (lambda case: case.unit.stop(), [("stopped", "api.service", [], "it does not run")]),
    "no unit": (lambda case: case.host.units.clear(), [("stopped", "api.service", [], "the host does not know it")]),
    "no container": (
        lambda case: case.host.containers.pop("relay").stop(),
        [("stopped", "container relay", [], "the host does not know it")],
    ),
    "an old value in a comment": (
        lambda case: case.edit(PATH, "# kept", f"# was postgresql://api:{case.old}@db/api"),
        [("alias", PATH, [], f"line 1 {HELD}")],
    ),
    "an old value under a name of no one's": (
        lambda case: case.edit(PATH, "LOG=info", f"LOG=info\nexport LEGACY_URL='amqp://{case.old}'"),
        [("alias", PATH, ["LEGACY_URL"], HELD)],
    ),
    "the present value under another name": (
        lambda case: case.edit(PATH, "LOG=info", f"LOG=info\nLEGACY={case.values['api']}"),
        [("alias", PATH, ["LEGACY"], "holds generation 2 of api")],
    ),
    "a value in the file of another service": (
        lambda case: case.edit("/etc/relay/.env", "TZ=UTC", f"TZ=UTC\nTOKEN={case.old}"),
        [("alias", "/etc/relay/.env", ["TOKEN"], HELD)],
    ),
    "a value that nobody knows": (lambda case: case.edit(PATH, "LOG=info", f"LOG=info\nLEGACY={fresh()}"), []),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_change_is_told_by_name_and_place(case: Case, what: str) -> None:
    change, expected = CHANGES[what]
    change(case)
    me = f"{case.account}:{case.host.at('/etc').group()}"
    assert case.look() == [(*one[:3], one[3].replace("ME", me)) for one in expected]


def test_a_deploy_ends_what_it_can_end(case: Case) -> None:
    case.edit(PATH, line(case), f"TOKEN={fresh()}")
    case.edit(OWN, case.values["tokens"], fresh())
    case.host.at(PATH).chmod(0o644)
    case.host.at(DROP_IN).unlink()
    case.host.containers["relay"].stop()
    assert {what for what, *_ in case.look()} == {"value-differs", "access", "drop-in", "process", "stopped"}
    deliver.run(case.delivery())
    assert case.look() == []


def test_a_process_on_other_values_than_its_file_is_told_though_the_file_is_right(case: Case) -> None:
    right = case.host.at(PATH).read_text()
    case.edit(PATH, line(case), f"TOKEN={fresh()}")
    case.unit.start()
    case.host.at(PATH).write_text(right)
    assert case.look() == [("process", "api.service", ["TOKEN"], "")]


def test_a_container_on_other_values_is_told(case: Case) -> None:
    right = case.host.at("/etc/relay/.env").read_text()
    case.edit("/etc/relay/.env", case.values["relay"], fresh())
    case.host.containers["relay"].start()
    case.host.at("/etc/relay/.env").write_text(right)
    assert case.look() == [("process", "container relay", ["RELAY"], "")]


def test_a_host_without_the_key_of_its_digests_gets_none_made(case: Case) -> None:
    case.host.at("/var/lib/mycoops/digest.key").unlink()
    assert case.look() == [("process", "api.service", ["TOKENS"], NOT_READ)]


def test_a_host_that_was_never_delivered_to_gets_no_state(case: Case, host: Host) -> None:
    for path in sorted(host.at("/var").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    whats = [(what, place) for what, place, *_ in case.look()]
    behind = [("fence-behind", name) for name in ("api", "tokens", "relay")]
    assert whats == [("process", "api.service"), *behind]


@pytest.mark.parametrize(
    ("generation", "what"), [(1, "fence-ahead"), (3, "fence-behind")], ids=["older than the host", "newer than the host"]
)
def test_the_fence_is_held_against_the_store(case: Case, generation: int, what: str) -> None:
    told = f"the host has generation 2, the store {generation}"
    assert case.look(generations={"api": generation, "tokens": 1, "relay": 1}) == [(what, "api", [], told)]


def test_a_lease_that_this_control_node_never_gave_is_told(case: Case) -> None:
    assert case.look(token=6) == [("fence-ahead", "the lease", [], "the host has seen lease 7, this control node gave 6")]
    assert case.look(token=8) == []


LEFTOVERS = (".env.bak", ".env~", ".env.old", ".env.orig", ".env.save", ".env.2024-11-03", ".env.bak.2", ".#.env~", "#.env#")
LEFTOVERS += (".env.dpkg-old", ".env-backup", "..env.swp", ".env.BAK")


@pytest.mark.parametrize("name", LEFTOVERS)
def test_a_copy_is_known_by_its_name_and_what_it_sets(case: Case, name: str) -> None:
    """Its value may be of a generation that nobody keeps any more."""
    place = str(Path(PATH).with_name(name))
    case.host.put(place, f"LOG=info\nTOKEN={fresh()}\n")
    if name.startswith(".#"):
        assert case.look() == [], "the lock of an editor is named after the file of another one"
        return
    assert case.look() == [("copy", place, ["TOKEN"], "")]
    case.host.put(place, "LOG=info\nTOKEN=\n")
    assert case.look() == []


@pytest.mark.parametrize("name", ["..env.mycoops-new", ".env.mycoops-new"])
def test_the_residue_of_a_writer_is_told_whatever_is_in_it(case: Case, name: str) -> None:
    place = str(Path(PATH).with_name(name))
    case.host.put(place, "")
    assert case.look() == [("copy", place, [], "")]


@pytest.mark.parametrize("name", [".env.example", ".env.local", ".env.production", "my.env"])
def test_what_may_be_there_is_a_copy_only_if_it_holds_a_value(case: Case, name: str) -> None:
    place = str(Path(PATH).with_name(name))
    case.host.put(place, f"TOKEN={fresh()}\n")
    assert case.look() == []
    case.host.put(place, f"TOKEN=x{case.old}\n")
    assert case.look() == [("copy", place, ["TOKEN"], HELD)]


def test_links_and_large_files_are_no_trap(case: Case) -> None:
    case.host.at("/etc/api/.env.bak").symlink_to(case.host.at(PATH))
    os.mkfifo(case.host.at("/etc/api/.env.old"))
    case.host.put("/etc/api/.env.orig", b"x" * (1 << 20))
    assert case.look() == [("copy", "/etc/api/.env.orig", [], f"{1 << 20} bytes, not looked into")]


def test_a_variable_in_the_other_file_of_its_service_is_surplus(case: Case) -> None:
    case.edit(PATH, "LOG=info", f"LOG=info\nTOKENS={fresh()}")
    request = case.request()
    request["files"][0]["elsewhere"] = {"TOKENS": OWN}
    assert case.look(files=request["files"]) == [("value-surplus", PATH, ["TOKENS"], f"it belongs into {OWN}")]


def test_another_name_of_a_credential_is_an_alias_unless_it_is_empty(case: Case) -> None:
    request = case.request()
    request["files"][0]["others"] = {"API_TOKEN": "api"}
    assert case.look(files=request["files"]) == []
    case.edit(PATH, "LOG=info", "LOG=info\nAPI_TOKEN=")
    assert case.look(files=request["files"]) == []
    case.edit(PATH, "API_TOKEN=", f"API_TOKEN={fresh()}")
    assert case.look(files=request["files"]) == [("alias", PATH, ["API_TOKEN"], "another name of api, with another value")]


def test_what_cannot_be_looked_at_is_told_apart_and_the_rest_is_looked_at(case: Case) -> None:
    case.edit(PATH, line(case), f"TOKEN={fresh()}")
    request = digested(case.request(), secrets.token_bytes(32))
    request["services"][1]["container"]["engine"] = "other"
    reply = drift.run(request)
    assert reply["unseen"] == ["relay: other is not one of podman, docker"]
    assert [one["what"] for one in reply["findings"]] == ["value-differs", "process"]


def test_a_digest_of_another_run_tells_nothing() -> None:
    value = fresh()
    request = {
        "files": [{"entries": [{"name": "A", "value": value}]}],
        "kept": [{"credential": "a", "generation": 1, "value": value}],
    }
    one, other = (digested(request, secrets.token_bytes(32)) for _ in range(2))
    assert one["files"][0]["entries"][0]["digest"] != other["files"][0]["entries"][0]["digest"]
    assert one["kept"][0]["digest"] != other["kept"][0]["digest"]
    assert digested(request, bytes.fromhex(one["key"])) == one
