"""What every spec and record shares: checks at birth, a fingerprint, and a JSON form that needs no pickle.

A record is a frozen dataclass whose fields are numbers, text, tuples, numpy arrays or other records (never a dict:
dicts can be changed afterwards and have no agreed order). Arrays become zlib + base64 with dtype and shape, so a
record read back is equal to the one written.
"""

import base64
import dataclasses
import functools
import hashlib
import json
import math
import types
import typing
import zlib
from typing import Any, Self, TypeVar

import numpy as np

from medlab.core.errors import DataError, SpecError, near_names, shown
from medlab.core.kinds import test_of, words_for

T = TypeVar("T")
MAX_ARRAY_BYTES = 1 << 31
DTYPES = frozenset(
    np.dtype(kind).newbyteorder(order).str
    for kind in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
    for order in "<>"
)
"""of arrays that are read: numpy makes of a dtype's text whatever it spells"""
_GREATEST = 2**63


class Record:
    """Mixin of every frozen spec and record."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; arrays as {"dtype", "shape", "zlib64"}."""
        return {f.name: _encode(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def to_json(self, **options: Any) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, **options)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Rebuild from `to_dict`; an unknown or missing field raises DataError naming it."""
        return _decode(cls, data, cls.__name__)

    @classmethod
    def from_json(cls, text: str) -> Self:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError("schema", f"{cls.__name__}: not JSON ({shown(str(error))})") from error
        return cls.from_dict(data)

    @functools.cached_property
    def fingerprint(self) -> str:
        """32 hex digits over every field; equal records have equal fingerprints, on any machine."""
        digest = hashlib.blake2b(digest_size=16)
        _feed_fields(digest, self)
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return int(self.fingerprint[:15], 16)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickled and deep-copied arrays are read-only again."""
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
        self.__dict__.update(state)


@typing.dataclass_transform(frozen_default=True, eq_default=False)
def record(cls: type[T]) -> type[T]:
    """Class decorator: a frozen dataclass, equal by fingerprint, whose fields are of their types from birth on.

    The types are looked at before the class's own `__post_init__` runs.
    """
    own_checks = getattr(cls, "__post_init__", None)

    def __post_init__(self):
        _check_kinds(self)
        if own_checks is not None:
            own_checks(self)

    cls.__post_init__ = __post_init__
    return dataclasses.dataclass(frozen=True, eq=False)(cls)


@functools.cache
def _kinds(cls: type) -> tuple[tuple[str, Any, Any], ...]:
    """(field, its type, test of its type) for each field."""
    hints = typing.get_type_hints(cls)
    return tuple((field.name, hints[field.name], test_of(hints[field.name])) for field in dataclasses.fields(cls))


def _check_kinds(made: Record) -> None:
    for name, kind, test in _kinds(type(made)):
        value = getattr(made, name)
        if not test(value):
            secret = not type(made).__dataclass_fields__[name].repr
            told = f"a {type(value).__name__}" if secret else shown(value)
            raise SpecError(f"{type(made).__name__}.{name} is {told}", accepted=words_for(kind))


def _encode(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        data = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes(), 1)).decode("ascii")
        return {"dtype": value.dtype.str, "shape": list(value.shape), "zlib64": data}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _decode(kind: Any, data: Any, where: str) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if data is None and type(None) in args:
            return None
        return _decode(next(a for a in args if a is not type(None)), data, where)
    if isinstance(kind, type) and issubclass(kind, Record):
        return _decode_record(kind, data, where)
    if kind is np.ndarray:
        return _decode_array(data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise DataError("schema", f"{where}: expected a list, got {shown(data)}")
        kinds = [args[0]] * len(data) if args[-1] is Ellipsis else list(args)
        if len(kinds) != len(data):
            raise DataError("schema", f"{where}: expected {len(kinds)} values, got {len(data)}")
        return tuple(_decode(k, d, f"{where}[{i}]") for i, (k, d) in enumerate(zip(kinds, data, strict=True)))
    return data


def _decode_record(cls: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise DataError("schema", f"{where}: expected an object with fields, got {shown(data)}")
    kinds = {name: kind for name, kind, _ in _kinds(cls)}
    unknown = sorted(set(data) - set(kinds))
    if unknown:
        raise DataError("schema", f"{where}: unknown field {shown(unknown[0])}", accepted=", ".join(kinds))
    values = {name: _decode(kinds[name], data[name], f"{where}.{name}") for name in kinds if name in data}
    try:
        return cls(**values)
    except TypeError as error:
        raise DataError("schema", f"{where}: {error}", accepted=", ".join(kinds)) from error


def _decode_array(data: Any, where: str) -> np.ndarray:
    try:
        if data["dtype"] not in DTYPES:
            raise ValueError(f"dtype {shown(data['dtype'], 40)}, not one of real numbers")
        dtype, shape = np.dtype(data["dtype"]), tuple(int(n) for n in data["shape"])
        if min(shape, default=0) < 0:
            raise ValueError("a negative shape")
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if size > MAX_ARRAY_BYTES:
            raise ValueError(f"{size} bytes, more than {MAX_ARRAY_BYTES}")
        raw = zlib.decompressobj().decompress(base64.b64decode(data["zlib64"], validate=True), size + 1)
        return np.frombuffer(raw, dtype).reshape(shape)
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise DataError("decode", f"{where}: not an array of medlab ({shown(str(error))})") from error


def _feed_fields(digest: "hashlib._Hash", value: Record) -> None:
    digest.update(f"<{type(value).__name__}".encode())
    for field in dataclasses.fields(value):
        digest.update(f"|{field.name}=".encode())
        _feed(digest, getattr(value, field.name))
    digest.update(b">")


def _feed(digest: "hashlib._Hash", value: Any) -> None:
    if isinstance(value, Record):
        if any(kind is np.ndarray for _, kind, _ in _kinds(type(value))):
            # by its own fingerprint, which is kept: a hundred questions about one scan read its pixels once
            digest.update(f"<{type(value).__name__}#{value.fingerprint}>".encode())
        else:
            _feed_fields(digest, value)
    elif isinstance(value, np.ndarray):
        digest.update(f"array{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, tuple):
        digest.update(f"({len(value)}".encode())
        for item in value:
            _feed(digest, item)
            digest.update(b",")
    elif isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        digest.update(f"s{len(raw)}:".encode() + raw)
    else:
        digest.update(repr(_plain(value)).encode())


def _plain(value: Any) -> Any:
    """The number itself, so that 1, 1.0 and numpy's 1 are one value, as they are when compared; the rest as it is."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


# checks that records make at birth


def check_choice(where: str, value: object, choices: typing.Collection[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        near = near_names(value, choices)
        raise SpecError(
            f"{where} is {shown(value)}", accepted=", ".join(choices), fix=f"{where}={near[0]!r}" if near else ""
        )


def check_text(where: str, value: object, *, empty: bool = False) -> None:
    if not isinstance(value, str) or (not empty and not value.strip()):
        raise SpecError(f"{where} is {shown(value)}", accepted="text" if empty else "text that is not empty")


def check_number(where: str, value: object, low: float = -np.inf, high: float = np.inf) -> None:
    plain = value.item() if isinstance(value, np.generic) else value
    ok = isinstance(plain, (int, float)) and not isinstance(plain, bool)
    # compared, not isfinite(): a whole number may be larger than any float
    if not ok or not -math.inf < plain < math.inf or not low <= plain <= high:
        raise SpecError(f"{where} is {shown(value)}", accepted=f"a finite number from {low:g} to {high:g}")


def check_whole(where: str, value: object, low: int = 0, high: int = _GREATEST) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not low <= value <= high:
        reach = f"from {low} to {high}" if high < _GREATEST else f"of at least {low}"
        raise SpecError(f"{where} is {shown(value)}", accepted=f"a whole number {reach}")


def check_tuple(where: str, value: object, kind: type | tuple[type, ...]) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, kind) for item in value):
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise SpecError(f"{where} is {shown(value)}", accepted=f"a tuple of {names}")


def frozen_array(where: str, value: object, dtype: type, ndims: tuple[int, ...]) -> np.ndarray:
    """A read-only view of `value` as `dtype`; copies only when the dtype differs. Finite, not empty."""
    if not isinstance(value, np.ndarray):
        raise SpecError(f"{where} is a {type(value).__name__}", accepted="a numpy array", fix=f"np.asarray({where})")
    if isinstance(value, np.ma.MaskedArray):
        raise SpecError(f"{where} is a masked array", accepted="a plain numpy array", fix=f"{where}.filled(0)")
    if value.ndim not in ndims or value.size == 0:
        raise SpecError(
            f"{where} has shape {value.shape}", accepted=f"{' or '.join(map(str, ndims))} axes, none empty"
        )
    if np.dtype(dtype) == bool and value.dtype != bool:
        raise SpecError(f"{where} has dtype {value.dtype}", accepted="bool", fix=f"{where} > 0")
    if value.dtype.kind not in "biuf":
        raise SpecError(f"{where} has dtype {value.dtype}", accepted="real numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows becomes infinite, and is refused
        array = np.asarray(value).astype(dtype, copy=False).view()
        finite = array.dtype.kind != "f" or np.isfinite(array.sum(dtype=np.float64))
    if not finite:
        raise SpecError(f"{where} holds NaN or infinity", accepted="finite numbers", fix=f"np.nan_to_num({where})")
    array.flags.writeable = False
    return array
