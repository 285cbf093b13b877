"""A host ends on the new values with a healthy service, or on the previous ones with a healthy service, and says which."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import deliver
import mycoops_delivery_services as services
import mycoops_process as process
import pytest
from fake_host import Health, Host, fresh
from mycoops_reply import Refusal

PATH = "/etc/api/api.env"


class Case:
    """One env file, one unit, an old and a new value."""

    def __init__(self, host: Host) -> None:
        self.host, self.old, self.new = host, fresh(), fresh()
        self.file = host.put(PATH, f"# kept\nLOG=info\nTOKEN={self.old}\n")
        self.unit = host.unit("api.service", PATH)
        self.unit.start()

    def request(self, **changes: Any) -> dict[str, Any]:
        entry = {"name": "TOKEN", "credential": "api", "value": self.new, "previous": self.old}
        request = {
            "root": str(self.host.root),
            "token": 7,
            "generations": {"api": 2},
            "rollback": [],
            "files": [{"path": PATH, "owner": "root", "group": "root", "mode": "0600", "readers": ["systemd"], "entries": [entry]}],
            "services": [self.service()],
        }
        return {**request, **changes}

    @staticmethod
    def service(**changes: Any) -> dict[str, Any]:
        spec = {"name": "api", "unit": "api.service", "apply": "restart", "holds": [{"file": PATH, "name": "TOKEN"}]}
        return {**spec, "steady_seconds": 0.05, "timeout_seconds": 2, **changes}

    def fence(self) -> dict[str, Any]:
        path = self.host.at("/var/lib/mycoops/fence.json")
        return json.loads(path.read_text()) if path.exists() else {}


@pytest.fixture
def case(host: Host) -> Case:
    """A host whose service runs on the old value."""
    return Case(host)


def told(case: Case, reply: dict[str, Any]) -> str:
    """The reply as text, after checking that it holds no value."""
    text = json.dumps(reply)
    assert case.old not in text
    assert case.new not in text
    return text


def refused(case: Case, request: dict[str, Any], code: str) -> dict[str, Any]:
    """Deliver, expect a refusal, and check that nothing was touched."""
    before = case.file.read_bytes() if case.file.exists() else None
    verbs = case.host.verbs()
    with pytest.raises(Refusal) as caught:
        deliver.run(request)
    assert caught.value.code == code
    told(case, caught.value.error())
    assert (case.file.read_bytes() if case.file.exists() else None) == before
    assert case.host.verbs() == verbs
    return caught.value.error()


def test_delivers_and_repeats_without_a_restart(case: Case) -> None:
    reply = deliver.run(case.request())
    told(case, reply)
    assert case.file.read_text() == f"# kept\nLOG=info\nTOKEN={case.new}\n"
    assert reply["changed"]
    assert reply["files"] == [{"path": PATH, "changed": True, "names": ["TOKEN"]}]
    service = reply["services"][0]
    assert (service["restarted"], service["holds"], service["healthy"]) == (True, True, True)
    assert process.holds(case.unit.process.pid, {"TOKEN": case.new}) == {"TOKEN": True}
    assert case.host.verbs() == ["reset-failed api.service", "restart api.service"]
    assert case.fence()["generations"] == {"api": 2}

    again = deliver.run(case.request())
    assert not again["changed"]
    assert not again["services"][0]["restarted"]
    assert case.unit.starts == 2


def two_values(case: Case, now: str, following: str, *, before: tuple[str, str], generation: int) -> dict[str, Any]:
    """A delivery to a service that reads a present and a next value; an empty text is no next value."""
    request = case.request(generations={"api": generation}, before={"api": 1})
    request["files"][0]["entries"] = [
        {"name": "TOKEN", "credential": "api", "value": now, "previous": before[0]},
        {"name": "TOKEN_NEXT", "credential": "api", "value": following, "previous": before[1]},
    ]
    request["services"] = [case.service(holds=[{"file": PATH, "name": name} for name in ("TOKEN", "TOKEN_NEXT")])]
    return request


def test_a_next_value_is_given_made_the_present_one_and_seen_to_be_gone(case: Case) -> None:
    both = two_values(case, case.old, case.new, before=(case.old, ""), generation=2)
    alone = two_values(case, case.new, "", before=(case.old, case.new), generation=2)
    for request, text in ((both, f"TOKEN={case.old}\nTOKEN_NEXT={case.new}\n"), (alone, f"TOKEN={case.new}\nTOKEN_NEXT=\n")):
        reply = deliver.run(request)
        told(case, reply)
        assert (reply["services"][0]["restarted"], reply["services"][0]["holds"]) == (True, True)
        assert case.file.read_text() == f"# kept\nLOG=info\n{text}"
        assert not deliver.run(request)["services"][0]["restarted"]
    assert process.holds(case.unit.process.pid, {"TOKEN": case.new, "TOKEN_NEXT": ""}) == {"TOKEN": True, "TOKEN_NEXT": True}


def test_a_service_that_does_not_bear_a_next_value_has_none_afterwards(case: Case) -> None:
    case.unit.rejects = {case.new}
    reply = deliver.run(two_values(case, case.old, case.new, before=(case.old, ""), generation=2))
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert case.file.read_text() == f"# kept\nLOG=info\nTOKEN={case.old}\nTOKEN_NEXT=\n"
    assert process.holds(case.unit.process.pid, {"TOKEN": case.old, "TOKEN_NEXT": ""}) == {"TOKEN": True, "TOKEN_NEXT": True}
    assert case.fence()["generations"] == {"api": 1}


def test_a_switch_that_fails_goes_back_to_both_values(case: Case) -> None:
    deliver.run(two_values(case, case.old, case.new, before=(case.old, ""), generation=2))
    case.host.put(PATH, f"# kept\nLOG=info\nTOKEN={case.new}\nTOKEN_NEXT=\n")  # a run that died here has written it already
    case.unit.rejects = {""}
    reply = deliver.run(two_values(case, case.new, "", before=(case.old, case.new), generation=2))
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert case.file.read_text() == f"# kept\nLOG=info\nTOKEN={case.old}\nTOKEN_NEXT={case.new}\n"


def test_check_mode_tells_and_touches_nothing(case: Case) -> None:
    before = sorted(case.host.root.rglob("*"))
    reply = deliver.run(case.request(check=True))
    assert reply["changed"]
    assert reply["files"][0]["names"] == ["TOKEN"]
    assert reply["services"][0]["restarted"]
    assert sorted(case.host.root.rglob("*")) == before
    assert case.unit.starts == 1


def test_the_process_is_compared_not_the_file(case: Case) -> None:
    """A run that died between writing and restarting is made good by the next one."""
    case.host.put(PATH, f"# kept\nLOG=info\nTOKEN={case.new}\n")
    reply = deliver.run(case.request())
    assert reply["files"][0]["changed"] is False
    assert reply["services"][0]["restarted"]
    assert process.holds(case.unit.process.pid, {"TOKEN": case.new}) == {"TOKEN": True}


def test_rolls_back_when_the_service_does_not_start(case: Case) -> None:
    case.unit.rejects.add(case.new)
    reply = deliver.run(case.request())
    told(case, reply)
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert reply["error"]["service"] == "api"
    assert case.file.read_text() == f"# kept\nLOG=info\nTOKEN={case.old}\n"
    assert process.holds(case.unit.process.pid, {"TOKEN": case.old}) == {"TOKEN": True}
    assert case.host.verbs()[-2:] == ["reset-failed api.service", "restart api.service"]


def test_a_rollback_knows_the_variables_that_the_request_did_not_set(case: Case) -> None:
    case.unit.rejects.add(case.new)
    holds = [{"file": PATH, "name": "TOKEN"}, {"file": PATH, "name": "LOG"}]
    reply = deliver.run(case.request(services=[case.service(holds=holds)]))
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert process.holds(case.unit.process.pid, {"TOKEN": case.old, "LOG": "info"}) == {"TOKEN": True, "LOG": True}


def test_a_rollback_lets_the_previous_generation_in_again(case: Case) -> None:
    deliver.run(case.request(generations={"api": 1}, files=[]))
    case.unit.rejects.add(case.new)
    deliver.run(case.request())
    assert case.fence()["generations"] == {"api": 1}


def test_a_rollback_after_a_run_that_died_lets_the_previous_generation_in_again(case: Case) -> None:
    """The first run wrote and recorded, and its answer was lost: what is recorded is not what is gone back to."""
    deliver.run(case.request())
    case.unit.rejects.add(case.new)
    case.unit.stop()
    assert deliver.run(case.request(before={"api": 1}))["error"]["code"] == "unhealthy_rolled_back"
    assert case.fence()["generations"] == {"api": 1}


def test_a_rollback_counts_the_files_it_has_written_and_no_others(case: Case) -> None:
    """The file of a service that was not come to still holds the previous generation, so it keeps nothing."""
    case.unit.rejects.add(case.new)
    other = "/etc/other/other.env"
    case.host.put(other, f"TOKEN={case.old}\n")
    case.host.unit("other.service", other).start()
    first = case.request()["files"][0]
    spec = case.service(name="other", unit="other.service", holds=[{"file": other, "name": "TOKEN"}])
    deliver.run(case.request(files=[first, {**first, "path": other}], services=[case.service(), spec]))
    assert case.fence()["generations"] == {"api": 0}


def test_a_rerun_after_a_crash_can_still_roll_back(case: Case) -> None:
    """The file holds the new value already, the process is dead: the previous value comes from the request."""
    case.host.put(PATH, f"TOKEN={case.new}\n")
    case.unit.stop()
    case.unit.rejects.add(case.new)
    reply = deliver.run(case.request())
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert case.file.read_text() == f"TOKEN={case.old}\n"


def test_a_blank_or_stale_file_goes_back_to_the_value_that_worked(case: Case) -> None:
    case.host.put(PATH, "TOKEN=\n")
    case.unit.rejects.add(case.new)
    assert deliver.run(case.request())["error"]["code"] == "unhealthy_rolled_back"
    assert case.file.read_text() == f"TOKEN={case.old}\n"


def test_a_rollback_that_fails_says_so(case: Case) -> None:
    case.unit.rejects |= {case.new, case.old}
    reply = deliver.run(case.request())
    told(case, reply)
    assert reply["error"]["code"] == "unhealthy_rollback_failed"
    assert case.file.read_text().endswith(f"TOKEN={case.old}\n")


def test_stops_at_the_first_service_that_fails(case: Case) -> None:
    case.unit.rejects.add(case.new)
    other = case.host.unit("other.service", PATH)
    other.start()
    spec = case.service(name="other", unit="other.service")
    reply = deliver.run(case.request(services=[case.service(), spec]))
    assert [service["name"] for service in reply["services"]] == ["api"]
    assert other.starts == 1


def test_an_unhealthy_answer_rolls_back(case: Case, health: Health) -> None:
    def answer() -> bytes:
        ok = process.holds(case.unit.process.pid, {"TOKEN": case.old})["TOKEN"]
        return json.dumps({"components": [{"name": "db", "status": "ok" if ok else case.new}]}).encode()

    health.body = answer
    spec = {"url": health.url, "status": 200, "json": {"components[name=db].status": "ok"}, "timeout_seconds": 0.5}
    reply = deliver.run(case.request(services=[case.service(health=spec)]))
    told(case, reply)
    assert reply["error"]["code"] == "unhealthy_rolled_back"
    assert "components[name=db].status" in reply["error"]["problem"]


def test_a_constant_200_is_not_believed(case: Case, health: Health) -> None:
    """Negative control: without JSON conditions the same lying endpoint passes."""
    health.says({"components": [{"name": "db", "status": "down"}]})
    lie = {"url": health.url, "status": 200, "timeout_seconds": 0.5}
    assert "error" not in deliver.run(case.request(services=[case.service(health=lie)]))


def test_already_unhealthy_is_left_alone(case: Case, health: Health) -> None:
    case.unit.failed = True
    case.unit.stop()
    refused(case, case.request(), "already_unhealthy")
    case.unit.start()
    health.says({"db": "down"})
    spec = {"url": health.url, "json": {"db": "ok"}, "timeout_seconds": 0.2}
    refused(case, case.request(services=[case.service(health=spec)]), "already_unhealthy")
    assert "generations" not in case.fence()


@pytest.mark.parametrize("active", ["active", "activating"])
def test_a_service_that_keeps_restarting_is_left_alone_although_it_is_well_at_this_instant(
    case: Case, monkeypatch: pytest.MonkeyPatch, active: str
) -> None:
    case.unit.restarts, case.unit.active = 4, active
    error = refused(case, case.request(), "already_unhealthy")
    assert "it keeps restarting: 4 times by itself" in error["message"]
    refused(case, case.request(check=True), "already_unhealthy")
    case.unit.active = ""
    monkeypatch.setattr(services, "CALM_SECONDS", 0.0)
    assert "error" not in deliver.run(case.request())


def test_repair_and_rollback_may_touch_the_unhealthy(case: Case) -> None:
    case.unit.failed = True
    case.unit.stop()
    assert "error" not in deliver.run(case.request(repair=True))
    case.unit.failed = True
    case.unit.stop()
    entry = {"name": "TOKEN", "credential": "api", "value": case.old, "previous": None}
    files = [{**case.request()["files"][0], "entries": [entry]}]
    reply = deliver.run(case.request(files=files, generations={"api": 1}, rollback=["api"]))
    assert "error" not in reply
    assert case.fence()["generations"] == {"api": 1}


def test_an_orphan_of_an_older_run_is_refused(case: Case) -> None:
    deliver.run(case.request())
    old = case.request(token=6)
    refused(case, old, "stale_token")
    error = refused(case, case.request(generations={"api": 1}), "stale_generation")
    assert error["credential"] == "api"


@pytest.mark.parametrize(
    ("raw", "line"), [("LOG=1\nbare-token-line\nTOKEN=x\n", 2), ("LOG='open\nTOKEN=x\n", 1), ("# note \\\nTOKEN=x\n", 1)]
)
def test_a_malformed_file_is_refused_by_line(case: Case, raw: str, line: int) -> None:
    case.host.put(PATH, raw)
    error = refused(case, case.request(), "malformed_env_file")
    assert (error["path"], error["line"]) == (PATH, line)
    assert "bare-token" not in str(error)
    assert str(case.host.root) not in str(error)


def test_one_bad_file_stops_all_files(case: Case) -> None:
    case.host.put("/etc/api/bad.env", "bare\n")
    request = case.request()
    request["files"].append({**request["files"][0], "path": "/etc/api/bad.env"})
    refused(case, request, "malformed_env_file")


def test_a_value_no_reader_can_take_is_refused(case: Case) -> None:
    request = case.request()
    request["files"][0]["entries"][0]["value"] = case.new + "\n" + case.new
    request["files"][0]["readers"] = ["podman"]
    assert refused(case, request, "cannot_encode")["reader"] == "podman"


def test_line_ends_that_a_shell_keeps_are_refused(case: Case) -> None:
    case.host.put(PATH, b"TOKEN=x\r\n")
    request = case.request()
    request["files"][0]["readers"] = ["systemd", "bash"]
    assert refused(case, request, "malformed_env_file")["line"] == 1


def test_duplicates_are_all_updated_and_reported(case: Case) -> None:
    case.host.put(PATH, f"TOKEN={fresh()}\nLOG=1\nTOKEN={case.new}\n")
    reply = deliver.run(case.request())
    assert reply["files"][0]["duplicates"] == {"TOKEN": [1, 3]}
    assert case.file.read_text() == f"TOKEN={case.new}\nLOG=1\nTOKEN={case.new}\n"


def test_a_value_that_already_reads_right_keeps_its_quotes(case: Case) -> None:
    case.host.put(PATH, f'TOKEN="{case.new}"  # mine\n'.replace("  # mine", ""))
    assert deliver.run(case.request())["files"][0]["changed"] is False
    assert case.file.read_text() == f'TOKEN="{case.new}"\n'


def test_a_full_disk_on_the_second_file_restores_the_first(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    import mycoops_delivery_files as files

    request = case.request()
    second = case.host.put("/etc/api/second.env", "")
    request["files"].append({**request["files"][0], "path": "/etc/api/second.env"})
    real = files.writer.write

    def write(path: str, raw: bytes, wanted: Any) -> None:
        if path.endswith("second.env"):
            raise Refusal("write_failed", "second.env: ENOSPC", path=path)
        real(path, raw, wanted)

    monkeypatch.setattr(files.writer, "write", write)
    refused(case, request, "write_failed")
    assert second.read_bytes() == b""
    assert case.unit.starts == 1


def test_drop_ins_hold_paths_and_are_loaded(case: Case) -> None:
    reply = deliver.run(case.request(drop_ins=[{"unit": "api.service", "env_files": [PATH]}]))
    place = case.host.at("/etc/systemd/system/api.service.d/50-mycoops.conf")
    assert place.read_text().splitlines()[1:] == ["[Service]", "LimitCORE=0", f"EnvironmentFile={PATH}"]
    assert place.stat().st_mode & 0o777 == 0o644
    assert reply["changed"]
    assert case.host.commands.count(["systemctl", "daemon-reload"]) == 1
    assert not deliver.run(case.request(drop_ins=[{"unit": "api.service", "env_files": [PATH]}]))["changed"]


def test_a_drop_in_needs_no_service_in_the_request(case: Case) -> None:
    request = case.request(files=[], services=[], drop_ins=[{"unit": "other.service", "env_files": [PATH]}])
    assert deliver.run(request)["changed"]
    assert f"EnvironmentFile={PATH}" in case.host.at("/etc/systemd/system/other.service.d/50-mycoops.conf").read_text()
    assert case.host.commands.count(["systemctl", "daemon-reload"]) == 1
    assert not deliver.run(request)["changed"]


def test_a_missing_env_file_is_refused_before_anything_stops(case: Case) -> None:
    drop_in = {"unit": "api.service", "env_files": ["/etc/api/absent.env"]}
    refused(case, case.request(drop_ins=[drop_in]), "missing_env_file")


def test_someone_elses_unit_change_is_not_activated(case: Case) -> None:
    case.unit.needs_reload = "yes"
    refused(case, case.request(), "needs_daemon_reload")
    assert "error" not in deliver.run(case.request(drop_ins=[{"unit": "api.service", "env_files": [PATH]}]))
    assert case.unit.needs_reload == "no"


LISTED = "/etc/api/tokens.env"


def listed(case: Case, value: str) -> dict[str, Any]:
    """A request in which the same unit has a file it rereads on reload."""
    entry = {"name": "TOKENS", "credential": "api", "value": value, "previous": None}
    request = case.request(services=[case.service(env_file=PATH, reload_files=[LISTED])])
    request["files"].append({"path": LISTED, "readers": ["systemd"], "entries": [entry]})
    return request


def test_reloaded_files_reload_by_state(case: Case) -> None:
    deliver.run(listed(case, fresh()))
    assert (case.unit.starts, case.unit.reloads) == (2, 0)
    value = fresh()
    reply = deliver.run(listed(case, value))
    assert (case.unit.starts, case.unit.reloads) == (2, 1)
    assert reply["services"][0]["reloaded"]
    assert not reply["services"][0]["restarted"]
    assert not deliver.run(listed(case, value))["changed"]
    assert value not in case.host.at("/var/lib/mycoops/fence.json").read_text()
    state = case.fence()
    state["reloads"] = {}
    case.host.at("/var/lib/mycoops/fence.json").write_text(json.dumps(state))
    assert deliver.run(listed(case, value))["services"][0]["reloaded"]


def test_apply_reload_never_restarts_a_running_unit(case: Case) -> None:
    request = case.request(services=[case.service(apply="reload")])
    assert deliver.run(request)["services"][0]["reloaded"]
    assert (case.unit.starts, case.unit.reloads) == (1, 1)


def test_apply_none_only_tells(case: Case) -> None:
    reply = deliver.run(case.request(services=[case.service(apply="none")]))
    assert reply["services"][0]["holds"] is False
    assert case.unit.starts == 1
    assert "error" not in reply


def test_a_stopped_unit_is_started(case: Case) -> None:
    case.unit.stop()
    assert deliver.run(case.request())["services"][0]["restarted"]


def test_a_variable_nobody_delivers_is_read_from_the_file(case: Case) -> None:
    spec = case.service(holds=[{"file": PATH, "name": "TOKEN"}, {"file": PATH, "name": "LOG"}])
    assert deliver.run(case.request(services=[spec]))["services"][0]["holds"]
    spec = case.service(holds=[{"file": PATH, "name": "ABSENT"}])
    refused(case, case.request(services=[spec]), "missing_variable")


def contained(case: Case, **changes: Any) -> dict[str, Any]:
    """A request whose service is a container."""
    container = {
        "name": "relay",
        "engine": "podman",
        "image": "localhost/relay:1",
        "arguments": ["--network", "host"],
        "command": ["serve"],
    }
    spec = case.service(name="relay", unit=None, apply="recreate", env_file=PATH, container={**container, **changes})
    request = case.request(services=[spec])
    request["files"][0]["readers"] = ["podman"]
    return request


def test_containers_are_recreated_never_restarted(case: Case) -> None:
    deliver.run(contained(case))
    assert case.host.commands.count(["podman", "rm", "--force", "relay"]) == 1
    run = next(words for words in case.host.commands if words[1] == "run")
    file = str(case.host.at(PATH))
    assert run[2:] == ["--detach", "--name", "relay", "--env-file", file, "--network", "host", "localhost/relay:1", "serve"]
    assert not deliver.run(contained(case))["changed"]
    assert case.new not in str(case.host.commands)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image": "localhost/absent:1"}, "missing_image"),
        ({"arguments": ["-e", "TOKEN=x"]}, "shadowed"),
        ({"arguments": ["--env=TOKEN"]}, "shadowed"),
        ({"engine": "lxc"}, "unknown_engine"),
    ],
)
def test_containers_are_checked_before_the_old_one_goes(case: Case, changes: dict[str, Any], code: str) -> None:
    refused(case, contained(case, **changes), code)


def test_values_and_foreign_syntax_do_not_reach_a_container(case: Case) -> None:
    refused(case, contained(case, command=["serve", f"--token={case.new}"]), "value_in_arguments")
    request = contained(case)
    request["files"][0]["readers"] = ["systemd"]
    refused(case, request, "wrong_reader")
    request = contained(case)
    request["services"][0]["apply"] = "restart"
    refused(case, request, "plain_restart")


def test_a_killed_run_leaves_a_state_the_next_one_finishes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at every command and every write in turn; a rerun always ends on the new value."""
    import mycoops_writer as writer

    class Killed(BaseException):
        pass

    real_command, real_write = process.command, writer.write
    for at in range(1, 30):
        case.host.put(PATH, f"TOKEN={case.old}\n")
        case.unit.start()
        left = [at]

        def dying(real: Any, left: list[int] = left) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(process, "command", dying(real_command))
            patch.setattr(writer, "write", dying(real_write))
            with contextlib.suppress(Killed):
                deliver.run(case.request())
        reply = deliver.run(case.request())
        assert "error" not in reply
        assert process.holds(case.unit.process.pid, {"TOKEN": case.new}) == {"TOKEN": True}
        assert Path(case.file).read_text() == f"TOKEN={case.new}\n"
        if left[0] > 0:
            return
    pytest.fail("the delivery makes more calls than the test follows")
