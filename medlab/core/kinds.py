"""Does a value have the type that a record's field declares? Built once per field, asked at every birth.

It knows the types that records are made of: numbers, text, truth values, tuples, other records, and "or None". Ranges,
shapes and choices are the record's own business, and arrays are `frozen_array`'s.
"""

import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np

Test = Callable[[object], bool]


def test_of(kind: Any) -> Test:
    """The question "is this value a `kind`?" as a function. A kind that is not known here is never refused."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        tests = [test_of(argument) for argument in arguments]
        return lambda value: any(test(value) for test in tests)
    if origin is tuple:
        return _tuple_test(arguments)
    if kind is float:
        return lambda value: isinstance(value, (float, int, np.floating, np.integer)) and not isinstance(value, bool)
    if kind is int:
        return lambda value: isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if kind is bool:
        return lambda value: isinstance(value, (bool, np.bool_))
    if isinstance(kind, type) and kind is not np.ndarray:
        return lambda value: isinstance(value, kind)
    return lambda value: True


def _tuple_test(arguments: tuple) -> Test:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        each = test_of(arguments[0])
        return lambda value: isinstance(value, tuple) and all(each(item) for item in value)
    tests = [test_of(argument) for argument in arguments]
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(tests)
        and all(test(item) for test, item in zip(tests, value, strict=True))
    )


def words_for(kind: Any) -> str:
    """The type as a person would say it: "text or None", "a tuple of Note"."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(words_for(argument) for argument in arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return f"a tuple of {words_for(arguments[0])}"
    if origin is tuple:
        return f"({', '.join(words_for(argument) for argument in arguments)})"
    plain = {str: "text", int: "a whole number", float: "a number", bool: "True or False", type(None): "None"}
    return plain.get(kind) or getattr(kind, "__name__", str(kind))
