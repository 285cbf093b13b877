"""Rehearses the protocol where nothing can be harmed: the real engine over a scripted world that asserts the invariants."""
