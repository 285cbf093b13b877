"""systemd has loaded a drop-in that names the file and holds no value; the refused one never came to be."""

from __future__ import annotations

UNIT = "website@blue.service"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/50-mycoops.conf"


def test_systemd_has_loaded_it(host):
    loaded = host.service(UNIT).systemd_properties
    assert loaded["NeedDaemonReload"] == "no"
    assert loaded["DropInPaths"] == DROP_IN
    assert loaded["EnvironmentFiles"].startswith("/etc/molecule/website.env ")
    assert "website-token:/etc/molecule/website.env" in host.file(DROP_IN).content_string
    assert loaded["LimitCORE"] == "0"


def test_it_holds_no_value(host, masker):
    file = host.file(DROP_IN)
    assert (file.user, file.mode) == ("root", 0o644)
    assert not masker.hit(file.content_string)
    assert masker.hit(host.file("/etc/molecule/website.env").content_string)


def test_the_role_starts_nothing(host):
    assert not host.service(UNIT).is_running
