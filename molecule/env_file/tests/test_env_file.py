"""One variable is set, one is added, every other byte stays; what was refused is as it was."""

from __future__ import annotations

APP = "/etc/molecule/app.env"


def test_only_the_named_variables_are_other(host, story, value):
    kept = story["files"]["app.env"].replace("TOKEN=\n", f"TOKEN={value(2)}\n")
    assert host.file(APP).content_string == f"{kept}LOG_LEVEL=info\n"


def test_only_its_owner_reads_it(host):
    file = host.file(APP)
    assert (file.user, file.group, file.mode) == ("mycosoft", "mycosoft", 0o600)


def test_nothing_is_left_beside_it(host):
    assert sorted(host.file("/etc/molecule").listdir()) == ["app.env", "malformed.env"]


def test_the_malformed_file_is_untouched(host, story):
    assert host.file("/etc/molecule/malformed.env").content_string == story["files"]["malformed.env"]
    assert host.file("/etc/molecule/malformed.env").mode == 0o644
