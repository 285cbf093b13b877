"""The aclfile and a client of our own say the same as the role's probes, also after a restart."""

from __future__ import annotations

from hashlib import sha256

import pytest
import redis


def whoami(password):
    with redis.Redis(port=24379, username="mas", password=password, socket_timeout=5) as client:
        return client.acl_whoami()


def test_the_aclfile_holds_the_new_hash_alone(host, value):
    (line,) = [one for one in host.file("/etc/redis/users.acl").content_string.splitlines() if one.startswith("user mas ")]
    assert [word for word in line.split() if word.startswith("#")] == [f"#{sha256(value(2).encode()).hexdigest()}"]


def test_it_is_so_after_a_restart(host, value):
    assert host.run("systemctl restart redis-server.service").rc == 0
    assert whoami(value(2)) == "mas"
    with pytest.raises(redis.AuthenticationError, match="invalid username-password"):
        whoami(value(1))


def test_parity_and_persistence(replies):
    assert replies.of("converge", "parity new")["equal"] is True
    assert replies.of("side_effect", "persist new")["persisted"] is True
