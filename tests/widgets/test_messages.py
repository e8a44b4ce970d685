"""What a page may send: whatever is of the wrong kind is told in words, and changes nothing."""

import math

import pytest

from medlab.core.errors import SpecError
from medlab.widgets.messages import act

LOOK = {"first": 0, "last": 0, "method": "instant", "against": "", "layer": "", "head": "", "beside": False}


class Untouched:
    """A panel on which nothing may be called."""

    def __getattr__(self, name):
        return lambda *given, **named: pytest.fail(f"{name} was reached")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("look", {}),
        *(("look", LOOK | {"first": value}) for value in (None, "0", 0.7, True, math.nan, -1, [])),
        *(("look", LOOK | {"against": value}) for value in (None, 5, {"a": 1}, "no" * 200)),
        *(("look", LOOK | {"method": value}) for value in (None, ["a"], "x" * 1000)),
        *(("brush", {"box": value}) for value in (None, "1234", [1, 2, 3], [math.nan] * 4, [math.inf] * 4, ["1"] * 4)),
        *(("ask", {"question": value, "language": "en"}) for value in (None, 5, "x" * 2001)),
        ("beside", {"question": None}),
        *(("scan", {"number": value}) for value in (None, "0", 1e400, True)),
        ("nonsense", {}),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused_with_what_is_accepted(kind, content):
    with pytest.raises(SpecError) as error:
        act(Untouched(), kind, content)
    assert error.value.accepted
