"""References between resources: "Patient/1", a full address, "urn:uuid:…", "#contained". It reads no meaning.

One id on two servers means two things: a key carries the server's address where the source tells it.
"""

import re
from typing import NamedTuple

from medlab.loaders.ehr.elements import word
from medlab.loaders.ehr.source import Item

_PATH = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,60})/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]*)?$", re.ASCII)
_URN = re.compile(r"urn:(?:uuid|oid):([A-Za-z0-9.\-]{1,64})$", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}", re.ASCII)


class Key(NamedTuple):
    """Which resource."""

    kind: str
    """the FHIR type; empty where a reference does not tell it"""
    id: str
    base: str = ""
    """the server, such as "example.org/fhir", without http or https; empty where nothing tells it"""

    @property
    def name(self) -> str:
        """ "Patient/1" """
        return f"{self.kind}/{self.id}"


def key_of(address: str) -> Key | None:
    """Of a reference or a fullUrl; None for a search ("Patient?identifier=…"), a fragment, and what is none at all."""
    if "?" in address:
        return None
    if urn := _URN.match(address):
        return Key("", urn[1])
    path = _PATH.search(address)
    return Key(path[1], path[2], _base(address[: path.start()])) if path else None


def own_key(item: Item) -> Key | None:
    """Of a resource, with the id of its address where it has none that FHIR allows."""
    kind, own = word(item.resource["resourceType"]), word(item.resource.get("id"))
    addressed = key_of(item.address)
    if _ID.fullmatch(own):
        return Key(kind, own, addressed.base if addressed else "")
    return addressed._replace(kind=kind) if addressed else None


def _base(text: str) -> str:
    host, slash, path = text.rpartition("://")[2].strip("/").partition("/")
    return f"{host.lower()}{slash}{path}"


class Index:
    """Which resource a reference means, among those of one source."""

    def __init__(self):
        self._held: dict[tuple[str, str], dict[str, dict]] = {}
        self._addressed: dict[str, Key] = {}

    def add(self, item: Item, key: Key) -> None:
        self._held.setdefault((key.kind, key.id), {})[key.base] = item.resource
        self._held.setdefault(("", key.id), {}).setdefault(key.base, item.resource)
        if item.address:
            self._addressed[item.address] = key

    def key(self, address: str, base: str = "") -> Key | None:
        """What a reference means; `base` is that of the resource that refers: "Patient/1" is on the same server.

        One by urn:uuid that is not in the source has an empty type.
        """
        key = self._addressed.get(address) or key_of(address)
        return key._replace(base=base) if key and key.kind and not key.base else key

    def find(self, address: str, holder: dict, base: str = "") -> dict | None:
        """The resource; `holder` is the one that refers, and may contain it. None where it is not in the source."""
        if address.startswith("#"):
            held = holder.get("contained")
            inner = held if isinstance(held, list) else []
            return next((one for one in inner if isinstance(one, dict) and one.get("id") == address[1:]), None)
        key = self.key(address, base)
        held = self._held.get((key.kind, key.id), {}) if key else {}
        only = next(iter(held.values())) if key and not key.base and len(held) == 1 else None
        return held.get(key.base) or held.get("") or only if key else None
