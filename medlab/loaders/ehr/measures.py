"""Observations into Measures: values of every type, panels, and whether somebody called the value abnormal.

Nothing is judged here: a value is high where the laboratory says so, or where it lies beyond the one range given.
"""

from collections import Counter
from typing import Any

from medlab.loaders.ehr.elements import (
    code_of,
    codes_of,
    concept,
    listed,
    number,
    number_text,
    period,
    quantity_text,
    word,
)
from medlab.loaders.ehr.entry import Measure

# http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation
_INTERPRETED = {
    "N": "normal",
    "A": "abnormal",
    "AA": "abnormal",
    "L": "low",
    "H": "high",
    "LU": "low",
    "HU": "high",
    "LL": "critically low",
    "HH": "critically high",
    "LX": "critically low",
    "HX": "critically high",
    "POS": "abnormal",
}
UNREAD = "a value that cannot be read"
_EMPTY = (None, "", [], {})
_PLAIN = ("valueString", "valueDateTime", "valueTime")


def measures_of(observation: dict, told: Counter) -> tuple[Measure, ...]:
    """The value of an Observation, then those of its components; empty where it holds neither.

    told  counts the values that cannot be read, for the record's doubts
    """
    own = _measure(observation, None)
    parts = (_measure(part, concept(part.get("code"))) for part in listed(observation.get("component")))
    found = tuple(measure for measure in (own, *parts) if measure is not None)
    unread = sum(measure.said == UNREAD for measure in found)
    if unread:
        told["values that cannot be read"] += unread
    return found


def _measure(holder: dict, name: Any) -> Measure | None:
    said = _said(holder)
    if not said:
        return None
    quantity = holder.get("valueQuantity")
    quantity = quantity if isinstance(quantity, dict) else {}
    value = number(quantity.get("value", holder.get("valueInteger")))
    unit = word(quantity.get("unit")) or word(quantity.get("code"))
    comparator = word(quantity.get("comparator")) or None
    low, high, range_text = _range(holder, unit)
    return Measure(
        said=said,
        name=name.text if name else None,
        system=name.system if name else None,
        code=name.code if name else None,
        value=value,
        comparator=comparator,
        unit=unit or None,
        standing=_interpreted(holder) or _compared(value, comparator, low, high),
        reference=range_text or None,
    )


def _said(holder: dict) -> str:
    """The value in words, whatever its type; why there is none where the source says that."""
    if amount := quantity_text(holder.get("valueQuantity")):
        return amount
    if named := concept(holder.get("valueCodeableConcept")):
        return named.text
    if isinstance(truth := holder.get("valueBoolean"), bool):
        return "yes" if truth else "no"
    if (whole := number(holder.get("valueInteger"))) is not None:
        return number_text(whole)
    for field in _PLAIN:
        if text := word(holder.get(field)):
            return text
    if isinstance(ratio := holder.get("valueRatio"), dict):
        parts = [quantity_text(ratio.get("numerator")), quantity_text(ratio.get("denominator"))]
        return " / ".join(parts) if all(parts) else ""
    if bounds := _bounds(holder.get("valueRange")):
        return bounds
    if any(span := period(holder.get("valuePeriod"))):
        return f"{span[0] or '…'} to {span[1] or '…'}"
    if isinstance(holder.get("valueSampledData"), dict):
        return "a waveform, not read"
    if any(_is_given(value) for element, value in holder.items() if element.startswith("value")):
        return UNREAD
    reason = concept(holder.get("dataAbsentReason"))
    return f"no value ({reason.text})" if reason else ""


def _is_given(value: Any) -> bool:
    """Whether it holds more than a unit without a number."""
    if isinstance(value, dict):
        return any(part not in _EMPTY for name, part in value.items() if name not in ("unit", "code", "system"))
    return value not in _EMPTY


def _bounds(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    low, high = quantity_text(value.get("low")), quantity_text(value.get("high"))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def _range(holder: dict, unit: str) -> tuple[float | None, float | None, str]:
    """(low, high, in words) of the one reference range given; no numbers where it is for some people only."""
    ranges = list(listed(holder.get("referenceRange")))
    if len(ranges) != 1:
        return None, None, ""
    one = ranges[0]
    text = _bounds(one) or word(one.get("text"))
    narrowed = any(key in one for key in ("appliesTo", "age")) or code_of(one.get("type")) not in ("", "normal")
    limits = []
    for side in ("low", "high"):
        limit = one.get(side) if isinstance(one.get(side), dict) else {}
        limit_unit = word(limit.get("unit")) or word(limit.get("code"))
        comparable = not narrowed and limit_unit in ("", unit)
        limits.append(number(limit.get("value")) if comparable else None)
    return limits[0], limits[1], text


def _interpreted(holder: dict) -> str | None:
    codes = [code.upper() for one in listed(holder.get("interpretation")) for code in codes_of(one)]
    return next((_INTERPRETED[code] for code in codes if code in _INTERPRETED), None)


def _compared(value: float | None, comparator: str | None, low: float | None, high: float | None) -> str | None:
    """Beside its range; None where either is missing, or the value is only a bound."""
    if value is None or comparator or (low is None and high is None):
        return None
    if low is not None and value < low:
        return "low"
    if high is not None and value > high:
        return "high"
    return "normal" if low is not None and high is not None else None
