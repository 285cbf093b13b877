"""The account's file holds the new key, no longer the old one, and still the key that the tests come in with."""

from __future__ import annotations

from mycoops.values import public_key

FILE = "/home/deploy/.ssh/authorized_keys"


def test_the_lines_of_the_file(host, value):
    lines = host.file(FILE).content_string.splitlines()
    assert len(lines) == 2
    assert lines[1] == f"{public_key(value(2))} mycoops/kind_ssh_key/g2"
    assert public_key(value(1)) not in "\n".join(lines)


def test_sshd_goes_on_reading_it(host):
    file = host.file(FILE)
    assert (file.user, file.group, file.mode) == ("deploy", "deploy", 0o600)


def test_a_refusal_means_that_keys_are_offered(replies):
    assert "publickey" in replies.of("side_effect", "probe old")["methods"]


def test_parity_and_persistence(replies):
    assert replies.of("converge", "parity new")["equal"] is True
    assert replies.of("side_effect", "persist new")["persisted"] is True
