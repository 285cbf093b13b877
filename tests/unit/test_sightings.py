"""What was told once is kept, of the retirement it was told of; a file that cannot be read is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mycoops import sightings
from mycoops.errors import ConfigurationError
from mycoops.retired import Retired
from mycoops.sightings import MOST, Sighting

ONE = Retired("db", 2, "app_b", "f2", "2031-01-01T00:00:00Z")
WEB = Sighting("192.0.2.7", "web", "2031-01-02T00:00:00Z", "2031-01-03T00:00:00Z", 3)
NOW = "2031-01-04T00:00:00Z"


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    assert sightings.load(tmp_path) == {}
    seen = sightings.add({}, ONE, [WEB], NOW)
    sightings.save(tmp_path, [seen])
    assert sightings.load(tmp_path) == {"db": seen}
    assert sightings.of(sightings.load(tmp_path), ONE) == seen
    assert sightings.path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_of_an_earlier_retirement_nothing_is_told() -> None:
    known = {"db": sightings.add({}, ONE, [WEB], NOW)}
    later = replace(ONE, generation=4)
    assert sightings.of(known, later) is None
    assert sightings.add(known, later, [], NOW).sightings == ()
    assert sightings.of(known, replace(ONE, principal="app_a")) is None


def test_an_authority_that_forgets_does_not_make_it_unseen() -> None:
    known = {"db": sightings.add({}, ONE, [WEB], NOW)}
    assert sightings.add(known, ONE, [], NOW).sightings == (WEB,)
    less = replace(WEB, host="", first="2031-01-05T00:00:00Z", last="2031-01-06T00:00:00Z", count=1)
    assert sightings.add(known, ONE, [less], NOW).sightings == (replace(WEB, last=less.last),)
    more = replace(WEB, first="2031-01-01T12:00:00Z", count=9)
    assert sightings.add(known, ONE, [more], NOW).sightings == (replace(WEB, first=more.first, count=9),)


def test_the_addresses_seen_last_come_first_and_are_not_without_end() -> None:
    many = [replace(WEB, address=f"2001:db8::{n:x}", last=f"2031-02-01T00:{n // 60:02d}:{n % 60:02d}Z") for n in range(MOST + 50)]
    seen = sightings.add({}, ONE, many, NOW).sightings
    assert len(seen) == MOST
    assert [one.address for one in seen[:2]] == [f"2001:db8::{MOST + 49:x}", f"2001:db8::{MOST + 48:x}"]


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"credential": "db"}]', "[1]", '[{"credential": "db", "sightings": [{}]}]'])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    sightings.path(tmp_path).write_text(content)
    if content == "{}":
        assert sightings.load(tmp_path) == {}
        return
    with pytest.raises(ConfigurationError, match=r"sightings\.json cannot be read") as caught:
        sightings.load(tmp_path)
    assert "mycoops status --ask" in caught.value.hint


def test_a_time_is_utc() -> None:
    assert sightings.instant(0) == "1970-01-01T00:00:00Z"
