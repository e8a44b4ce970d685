"""A list of named things that are imported only when asked for. It does not know what they are."""

import importlib
from collections.abc import Iterator
from typing import Any

from medlab.core.errors import SpecError, UnknownName


class Registry:
    """Names to "module:attribute" addresses.

    >>> readers = Registry("reader", {"json": "json:loads"})
    >>> readers.get("json")("[1]")
    [1]
    """

    def __init__(self, noun: str, entries: dict[str, str] | None = None, *, fix: str = ""):
        """`fix` is what an error advises where no name is near."""
        self.noun, self._fix = noun, fix
        self._addresses: dict[str, str] = {}
        for name, address in (entries or {}).items():
            self.add(name, address)

    def add(self, name: str, address: str) -> None:
        """Register `name`; a name is given once."""
        module, colon, attribute = address.partition(":")
        if not (module and colon and attribute):
            raise SpecError(f"{self.noun} {name!r} has address {address!r}", accepted='"module:attribute"')
        if name in self._addresses:
            raise SpecError(f"{self.noun} {name!r} is registered already", fix="choose another name")
        self._addresses[name] = address

    def get(self, name: str) -> Any:
        """The named object, imported now. Raises UnknownName with the nearest names."""
        if name not in self._addresses:
            raise UnknownName(self.noun, name, self.names(), fix=self._fix)
        module, _, attribute = self._addresses[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def names(self) -> list[str]:
        return sorted(self._addresses)

    def __contains__(self, name: object) -> bool:
        return name in self._addresses

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __repr__(self) -> str:
        return f"Registry({self.noun}: {', '.join(self.names())})"
