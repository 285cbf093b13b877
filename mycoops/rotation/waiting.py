"""Records what a person has to do, before anybody is shown it: the step, its page, who answers for it and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mycoops.rotation.context import Context


def wait(context: Context, credential: str, step: str, page: str, following: str) -> None:
    """Let a rotation wait for a person, whose command is `following`; it stays where it is, and no other waits for it.

    The deadline counts from the first time this was asked for: to ask again gives nobody more time."""
    catalogue = context.catalogue
    asked = context.standing(credential).deadlines.get(following)
    deadline = asked or _in_days(catalogue.person_days(credential))
    owner = catalogue.owner(credential)
    context.record("waiting", credential=credential, step=step, page=page, owner=owner, deadline=deadline, next=following)


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds").replace("+00:00", "Z")
