"""What holds for every kind: the control is refused throughout, and the old value once it is revoked."""

from __future__ import annotations


def test_the_probes_tell_the_values_apart(replies, story):
    assert replies.outcomes("converge") == ["refused", "accepted", story["converge"]["old"]]
    assert replies.outcomes("side_effect") == ["refused", "accepted", "refused"]
