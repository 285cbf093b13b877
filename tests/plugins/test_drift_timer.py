"""The units of the timer are ones that systemd takes, and its program turns a real answer into metrics, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_host import REPOSITORY, fresh

ROLE = REPOSITORY / "roles" / "drift_timer"
BIN = Path(sys.executable).parent
SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\} (\S+)')
PLAYBOOK = """
- name: Install the timer
  hosts: all
  gather_facts: false
  tasks:
    - name: Play the role
      ansible.builtin.include_role:
        name: drift_timer
"""
Samples = dict[tuple[str, ...], float]


def samples(path: Path) -> Samples:
    """The samples of a file in Prometheus' text format, by name and the values of their labels but the fleet's."""
    found: Samples = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            parsed = SAMPLE.fullmatch(line)
            assert parsed, line
            labels = dict(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', parsed[2]))
            assert labels.pop("fleet") == "acme"
            found[parsed[1].removeprefix("mycoops_drift_"), *labels.values()] = float(parsed[3])
    return found


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in an environment of the test's own."""
    variables = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": environment.pop("home", "/nonexistent"),
        "LANG": "C.UTF-8",
        **environment,
    }
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=variables)


class Control:
    """A control node in a directory: a fleet of one host, which is this machine, and a root for the role."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.fleet, self.state = folder, folder / "root", folder / "fleet of acme", folder / "state"
        self.metrics = folder / "root" / "srv" / "metrics"
        self.file = self.root / "env" / "api.env"
        for path in (self.metrics, self.root / "etc" / "systemd" / "system", self.file.parent):
            path.mkdir(parents=True)
        self.output = self.metrics / "mycoops_drift_acme.prom"

    def mycoops(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "MYCOOPS_STATE": str(self.state),
            "LANG": "C.UTF-8",
        }
        command = [str(BIN / "mycoops"), *words, "--fleet", str(self.fleet)]
        return subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=False)

    def declare(self) -> None:
        """Make the fleet that `mycoops init` makes, of this machine."""
        assert run(str(BIN / "mycoops"), "init", str(self.fleet), home=str(self.folder)).returncode == 0
        hosts, catalogue = self.fleet / "hosts.yml", self.fleet / "group_vars" / "all" / "catalogue.yml"
        here = hosts.read_text().replace("ansible_host: 192.0.2.10", "ansible_connection: local")
        hosts.write_text(here.replace("ansible_become: true", "ansible_become: false"))
        text = catalogue.read_text().replace("/etc/example/api.env", str(self.file))
        catalogue.write_text(re.sub(r"^  name: .*", "  name: acme", text, count=1, flags=re.MULTILINE))
        (self.state / "acme").mkdir(parents=True)
        (self.state / "acme" / "vault-password").write_text(fresh())
        given = self.mycoops("provide", "postgresql_example", "--slot", "a", stdin=fresh())
        assert given.returncode == 0, given.stderr

    def play(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        (self.folder / "play.yml").write_text(PLAYBOOK)
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": {"ansible_connection": "local"}}}}))
        given = {
            "drift_timer_name": "acme",
            "drift_timer_fleet": str(self.fleet),
            "drift_timer_command": str(BIN / "mycoops"),
            "drift_timer_state": str(self.state),
            "drift_timer_textfile_directory": "/srv/metrics",
            "drift_timer_root": str(self.root),
        }
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(self.folder / "play.yml"), *words]
        variables = json.dumps({**given, **more})
        return run(*command, "-e", variables, home=str(self.folder), ANSIBLE_CONFIG=str(REPOSITORY / "ansible.cfg"))

    def unit(self, kind: str) -> Path:
        return self.root / "etc" / "systemd" / "system" / f"mycoops-drift-acme.{kind}"

    def start(self) -> subprocess.CompletedProcess[str]:
        """What systemd would start, as the unit says it, under this root."""
        text = self.unit("service").read_text().replace("%%", "%")
        (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        environment = dict(shlex.split(found)[0].split("=", 1) for found in re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
        words = [word.replace("/usr/local/lib/mycoops", f"{self.root}/usr/local/lib/mycoops") for word in shlex.split(line)]
        words = [word.replace("/srv/metrics", f"{self.root}/srv/metrics") if word.endswith(".prom") else word for word in words]
        return run(*words, home=str(self.folder), **environment)


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)


def test_the_role_is_played_twice_and_checked_and_systemd_takes_its_units(control: Control) -> None:
    checked = control.play("--check")
    assert "failed=0" in checked.stdout, checked.stdout[-2000:]
    assert not control.unit("service").exists()
    assert re.search(r"changed=[34] ", control.play().stdout)
    assert "changed=0 " in control.play().stdout
    program = control.root / "usr" / "local" / "lib" / "mycoops" / "drift_metrics.py"
    for kind in ("service", "timer"):
        text = control.unit(kind).read_text().replace("/usr/local/lib/mycoops", str(program.parent))
        control.unit(kind).write_text(text)
    verified = run("systemd-analyze", "verify", str(control.unit("service")), str(control.unit("timer")))
    assert [line for line in verified.stderr.splitlines() if "mycoops-drift" in line] == []
    control.unit("timer").write_text(control.unit("timer").read_text().replace("05:00:00", "25:00:00"))
    refused = run("systemd-analyze", "verify", str(control.unit("timer")))
    assert "mycoops-drift-acme.timer" in refused.stderr, "the control: a time that there is not is told"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"drift_timer_name": "a b"}, "drift_timer_name is not the name of a fleet"),
        ({"drift_timer_textfile_directory": "/srv/nowhere"}, "See that the account can write where the metrics go"),
    ],
)
def test_what_could_not_work_is_refused_before_anything_is_written(control: Control, wrong: dict[str, str], told: str) -> None:
    refused = control.play(**wrong)
    assert refused.returncode == 2
    assert told in refused.stdout
    assert not control.unit("timer").exists()


def test_a_real_answer_becomes_metrics_which_go_when_it_is_mended(control: Control) -> None:
    control.declare()
    control.play()
    began = time.time()
    done = control.start()
    found = samples(control.output)
    assert (done.returncode, found["exit_status",]) == (4, 4), (done.stderr, control.mycoops("drift").stdout)
    (host,) = {labels[0] for name, *labels in found if name == "host_asked"}
    assert found["host_asked", host] == 0, "there is no systemd that could be asked of a unit"
    assert found["findings", host, "file-missing"] == 1
    assert found["host_findings", host] == sum(value for key, value in found.items() if key[0] == "findings")
    assert began - 1 <= found["last_run_timestamp_seconds",] <= time.time() + 1
    assert 0 < found["run_duration_seconds",] < 120
    assert control.output.stat().st_mode & 0o777 == 0o644
    control.file.write_text("DATABASE_URL=x\n")
    control.start()
    assert ("findings", host, "file-missing") not in samples(control.output)
    assert samples(control.output)["findings", host, "value-differs"] == 1


def answering(control: Control, text: str, status: int) -> subprocess.CompletedProcess[str]:
    """The program beside a command that says `text`, and ends so."""
    command = ["/bin/sh", "-c", f"printf %s {shlex.quote(text)}; exit {status}"]
    return run(
        sys.executable, str(ROLE / "files" / "drift_metrics.py"), "--name", "acme", "--output", str(control.output), "--", *command
    )


def test_a_fleet_without_drift_has_its_hosts_counted_as_none(control: Control) -> None:
    hosts = [{"host": name, "error": "", "findings": []} for name in ("h1", "h2")]
    assert answering(control, json.dumps(hosts), 0).returncode == 0
    found = samples(control.output)
    assert {key: value for key, value in found.items() if "host" in key[0]} == {
        ("host_findings", "h1"): 0,
        ("host_asked", "h1"): 1,
        ("host_findings", "h2"): 0,
        ("host_asked", "h2"): 1,
    }


def test_findings_are_counted_and_awkward_names_escaped(control: Control) -> None:
    name = 'h"1\\\n'
    findings = [{"what": "copy"}, {"what": "copy"}, {"what": "access"}]
    assert answering(control, json.dumps([{"host": name, "error": "", "findings": findings}]), 8).returncode == 8
    found = samples(control.output)
    told = 'h\\"1\\\\\\n'
    assert (found["findings", told, "copy"], found["findings", told, "access"], found["host_findings", told]) == (2, 1, 3)


@pytest.mark.parametrize(("text", "status"), [("", 7), ("Traceback", 1), ('{"a": 1}', 3)])
def test_a_run_without_an_answer_leaves_its_status_and_no_finding(control: Control, text: str, status: int) -> None:
    control.output.write_text("of yesterday")
    assert answering(control, text, status).returncode == status
    found = samples(control.output)
    assert found["exit_status",] == status
    assert [key for key in found if "host" in key[0] or key[0] == "findings"] == []


def test_a_command_that_is_not_there_is_told_as_by_a_shell(control: Control) -> None:
    argv = [sys.executable, str(ROLE / "files" / "drift_metrics.py"), "--name", "acme", "--output", str(control.output)]
    done = run(*argv, "--", "/nonexistent/mycoops", "drift")
    assert (done.returncode, samples(control.output)["exit_status",]) == (127, 127)
    assert "/nonexistent/mycoops: No such file or directory" in done.stderr
    assert sorted(path.name for path in control.metrics.iterdir()) == [control.output.name], "nothing is left beside it"
