"""Writes windows and due dates as iCalendar (RFC 5545): whole days, names that stay, so that a second import moves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event

PRODUCER = "-//mycoops//calendar//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """Whole days in a calendar. `key` names it within its fleet; of two with one key the higher `version` counts."""

    key: str
    first: date
    last: date
    title: str
    text: str
    owner: str
    version: int = 0


def text(fleet: str, entries: Iterable[Entry], now: datetime) -> str:
    """The calendar of a fleet, made at a moment."""
    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", PRODUCER)
    made.add("name", f"Rotations of {fleet}")
    for entry in entries:
        event = Event()
        event.add("uid", f"{entry.key}@{fleet}.mycoops")
        event.add("dtstamp", now)
        event.add("sequence", entry.version)
        event.add("dtstart", entry.first)
        event.add("dtend", entry.last + timedelta(days=1))
        event.add("summary", entry.title)
        event.add("description", entry.text)
        event.add("contact", entry.owner)
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    written: bytes = made.to_ical()
    return written.decode()
