"""The units of both timers are ones that systemd takes, and what they start leaves real metrics, and tells a real target."""

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
from prometheus_client.parser import text_string_to_metric_families

from mycoops import durable

BIN = Path(sys.executable).parent
PLAYBOOK = """
- name: Install a timer
  hosts: all
  gather_facts: false
  tasks:
    - name: Play the role
      ansible.builtin.include_role:
        name: {role}
"""
Samples = dict[tuple[str, ...], float]


def samples(path: Path) -> Samples:
    """The samples of drift in a file, by name and the values of their labels but the fleet's, as Prometheus reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            assert sample.labels["fleet"] == "acme"
            labels = [sample.labels[name] for name in ("host", "what") if name in sample.labels]
            if sample.name.startswith("mycoops_drift_"):
                found[sample.name.removeprefix("mycoops_drift_"), *labels] = sample.value
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
        self.output = self.metrics / "mycoops_acme.prom"

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
        durable.replace(self.state / "acme" / "vault-password", fresh().encode())
        given = self.mycoops("provide", "postgresql_example", "--slot", "a", stdin=fresh())
        assert given.returncode == 0, given.stderr

    def play(self, *words: str, role: str = "drift", **more: Any) -> subprocess.CompletedProcess[str]:
        (self.folder / "play.yml").write_text(PLAYBOOK.format(role=f"{role}_timer"))
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": {"ansible_connection": "local"}}}}))
        given = {
            "name": "acme",
            "fleet": str(self.fleet),
            "command": str(BIN / "mycoops"),
            "state": str(self.state),
            "textfile_directory": "/srv/metrics",
            "root": str(self.root),
        }
        command = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), str(self.folder / "play.yml"), *words]
        variables = json.dumps({f"{role}_timer_{name}": value for name, value in {**given, **more}.items()})
        return run(*command, "-e", variables, home=str(self.folder), ANSIBLE_CONFIG=str(REPOSITORY / "ansible.cfg"))

    def unit(self, kind: str, role: str = "drift") -> Path:
        return self.root / "etc" / "systemd" / "system" / f"mycoops-{role}-acme.{kind}"

    def start(self, role: str = "drift") -> subprocess.CompletedProcess[str]:
        """What systemd would start, and start after it, as the unit says it, under this root; the answer of the first."""
        text = self.unit("service", role).read_text().replace("%%", "%")
        environment = dict(shlex.split(found)[0].split("=", 1) for found in re.findall(r"^Environment=(.*)$", text, re.MULTILINE))
        done = []
        for line in re.findall(r"^Exec(?:Start|StopPost)=(.*)$", text, re.MULTILINE):
            words = [word.replace("/srv/metrics", str(self.metrics)) for word in shlex.split(line)]
            done.append(run(*words, home=str(self.folder), **environment))
        assert [one.stderr for one in done[1:]] == [""]
        return done[0]


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)


@pytest.mark.parametrize("role", ["drift", "reminder"])
def test_the_role_is_played_twice_and_checked_and_systemd_takes_its_units(control: Control, role: str) -> None:
    checked = control.play("--check", role=role)
    assert "failed=0" in checked.stdout, checked.stdout[-2000:]
    assert not control.unit("service", role).exists()
    assert "changed=1 " in control.play(role=role).stdout
    assert "changed=0 " in control.play(role=role).stdout
    units = [str(control.unit(kind, role)) for kind in ("service", "timer")]
    assert [line for line in run("systemd-analyze", "verify", *units).stderr.splitlines() if f"mycoops-{role}" in line] == []
    timer = control.unit("timer", role)
    timer.write_text(re.sub(r"\d\d:00:00", "25:00:00", timer.read_text()))
    refused = run("systemd-analyze", "verify", str(timer))
    assert timer.name in refused.stderr, "the control: a time that there is not is told"


@pytest.mark.parametrize("role", ["drift", "reminder"])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "a b"}, "is not the name of a fleet"),
        ({"textfile_directory": "/srv/nowhere"}, "See that the account can write where the metrics go"),
    ],
)
def test_what_could_not_work_is_refused_before_anything_is_written(
    control: Control, wrong: dict[str, str], told: str, role: str
) -> None:
    refused = control.play(role=role, **wrong)
    assert refused.returncode == 2
    assert told in refused.stdout
    assert not control.unit("timer", role).exists()


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
    assert sorted(path.name for path in control.metrics.iterdir()) == [control.output.name], "nothing is left beside it"


def test_a_run_without_an_answer_leaves_its_status_and_no_finding(control: Control) -> None:
    control.declare()
    control.play()
    control.start()
    assert any("host" in key[0] for key in samples(control.output))
    (control.state / "acme" / "vault-password").unlink()
    assert control.start().returncode == 3
    found = samples(control.output)
    assert found["exit_status",] == 3
    assert [key for key in found if "host" in key[0] or key[0] == "findings"] == []


def test_a_reminder_without_targets_fails_and_still_measures(control: Control) -> None:
    control.declare()
    control.play(role="reminder")
    done = control.start("reminder")
    assert (done.returncode, "no targets of reminders are declared" in done.stderr) == (3, True)
    assert 'mycoops_credential_overdue{credential="postgresql_example"' in control.output.read_text()
    control.play(role="reminder", textfile_directory="")
    assert "ExecStopPost" not in control.unit("service", "reminder").read_text()
