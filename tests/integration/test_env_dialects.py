"""systemd itself, the first process of a host, gives a unit exactly the values that were written for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.codec import corpus, systemd_reader, trial
from tests.integration.hosts import Host
from tests.integration.lab import Lab

UNIT = """[Service]
Type=oneshot
EnvironmentFile=/run/dialects.env
ExecStart=/usr/bin/env -0
StandardOutput=truncate:/run/dialects.out
"""
VALUES = [value for value in corpus.corpus() if len(value) < 100]
"""All of them go to one process, whose environment is bounded."""


def given(host: Host, raw: bytes) -> dict[str, str]:
    """What the process of a unit finds in its environment, of the names that are ours."""
    host.put("/run/dialects.env", raw, mode="0600")
    host.put("/run/systemd/system/dialects.service", UNIT.encode())
    host.systemctl("daemon-reload")
    host.systemctl("start", "dialects.service")
    pairs = (pair.split("=", 1) for pair in host.read("/run/dialects.out").decode().split("\0")[:-1])
    return {name: value for name, value in pairs if name.startswith("PROBE_")}


def file_of(written: Mapping[int, bytes]) -> bytes:
    return b"".join(b"PROBE_%d=%s\n" % pair for pair in written.items())


def test_systemd_reads_every_value_that_is_written_for_it(lab: Lab) -> None:
    written = {number: raw for number, value in enumerate(VALUES) if (raw := trial.attempt(value, ["systemd"])) is not None}
    assert len(written) > 1300
    assert given(lab.hosts["mas"], file_of(written)) == {f"PROBE_{number}": VALUES[number] for number in written}


def test_a_naive_writer_is_caught_and_the_library_reads_as_systemd_does(lab: Lab, tmp_path: Path) -> None:
    """The control; and what the tests without a lab ask, the library, is seen to be the parser of the manager."""
    people = dict(enumerate(corpus.secrets_of_people()))
    raw = file_of({number: value.encode() for number, value in people.items()})
    found = given(lab.hosts["mas"], raw)
    assert sum(found.get(f"PROBE_{number}") != value for number, value in people.items()) > len(people) * 0.15
    (tmp_path / "0.env").write_bytes(raw)
    argv = [sys.executable, "-I", systemd_reader.__file__, str(tmp_path), "1"]
    told = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    assert json.loads(told)[0] == found
