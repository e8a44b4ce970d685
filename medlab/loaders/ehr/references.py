"""References between resources: "Patient/1", a full address, "urn:uuid:…", "#contained". It reads no meaning."""

import re

from medlab.loaders.ehr.elements import word
from medlab.loaders.ehr.source import Item

Key = tuple[str, str]
"""(FHIR type, id); the type is empty where a reference does not tell it"""
_PATH = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,60})/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]*)?$", re.ASCII)
_URN = re.compile(r"urn:(?:uuid|oid):([A-Za-z0-9.\-]{1,64})$", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}", re.ASCII)


def key_of(address: str) -> Key | None:
    """Of a reference or a fullUrl; None for a search ("Patient?identifier=…"), a fragment, and what is none at all."""
    if urn := _URN.match(address):
        return "", urn[1]
    path = _PATH.search(address)
    return (path[1], path[2]) if path else None


def own_key(item: Item) -> Key | None:
    """(type, id) of a resource; the id of its address where it has none that FHIR allows."""
    own = word(item.resource.get("id"))
    if _ID.fullmatch(own):
        return word(item.resource["resourceType"]), own
    addressed = key_of(item.address)
    return (word(item.resource["resourceType"]), addressed[1]) if addressed else None


class Index:
    """Which resource a reference means, among those of one source."""

    def __init__(self):
        self._held: dict[Key, dict] = {}
        self._addressed: dict[str, Key] = {}

    def add(self, item: Item, key: Key) -> None:
        self._held[key] = item.resource
        self._held.setdefault(("", key[1]), item.resource)
        if item.address:
            self._addressed[item.address] = key

    def key(self, address: str) -> Key | None:
        """The (type, id) that a reference means. One by urn:uuid that is not in the source has an empty type."""
        return self._addressed.get(address) or key_of(address)

    def find(self, address: str, holder: dict) -> dict | None:
        """The resource; `holder` is the one that refers, and may contain it. None where it is not in the source."""
        if address.startswith("#"):
            held = holder.get("contained")
            inner = held if isinstance(held, list) else []
            return next((one for one in inner if isinstance(one, dict) and one.get("id") == address[1:]), None)
        key = self.key(address)
        return self._held.get(key) if key else None
