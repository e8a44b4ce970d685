"""Dates as a record writes them: "2019", "2019-05", "2019-05-01", or with a time. Ordered, and never completed."""

import datetime
import re

PRECISIONS = ("year", "month", "day", "time")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


def precision_of(text: str) -> str | None:
    """One of PRECISIONS; None for what is no date, such as "last spring" or 30 February."""
    found = _DATE.fullmatch(text)
    if found is None or _start(found) is None:
        return None
    return PRECISIONS[sum(found[i] is not None for i in (2, 3, 4))]


def seconds_of(text: str) -> float:
    """Seconds from 1970, UTC, to the beginning of a date of known precision: only for ordering.

    A date without a time zone counts as UTC, so that "2019-05-01" may come hours before or after its own local time.
    """
    found = _DATE.fullmatch(text)
    start = _start(found) if found else None
    if start is None:
        raise ValueError(f"{text!r} has no precision: it is no date")
    return start.timestamp()


def whole_years(birth: str, day: str) -> int | None:
    """Full years from a birth date to a day, from the parts that both dates have; None where the result is no age."""
    first, last = ([int(part) for part in text[:10].split("-")] for text in (birth, day))
    shared = min(len(first), len(last))
    years = last[0] - first[0] - (last[1:shared] < first[1:shared])
    return years if 0 <= years <= 130 else None


def _start(found: re.Match) -> datetime.datetime | None:
    year, month, day, hour, minute, second = (int(found[i] or (i in (2, 3))) for i in range(1, 7))
    zone = found[7] or "Z"
    shift = datetime.timedelta(0)
    if zone != "Z":
        shift = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (1 if zone[0] == "+" else -1)
    try:
        # a leap second is written 60; no clock here knows it
        local = datetime.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=datetime.UTC)
        return local - shift if abs(shift) <= datetime.timedelta(hours=14) else None
    except (ValueError, OverflowError):
        return None
