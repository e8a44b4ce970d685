"""Address: where a server stands, as far as a URL tells. It opens no connection and resolves no name.

The machine itself is `localhost` or an IP address that is loopback by definition (RFC 1122 3.2.1.3, RFC 4291 2.5.3).
Every other name counts as another machine, also where it happens to resolve to this one: a mistake then costs a
question too many, never a picture.
"""

import ipaddress
import re
import urllib.parse

from medlab.core.errors import PrivacyError, SpecError, shown
from medlab.core.record import Record, record

_EXAMPLE = "http://localhost:8000/v1"


@record
class Address(Record):
    """A server's base URL, and what follows from it."""

    url: str
    """without a slash at its end; "/chat/completions" is put after it"""
    host: str
    """in lower case, without a port"""
    here: bool
    """whether it is this machine by definition"""


def read_address(url: str, *, plain_http: bool = False) -> Address:
    """The Address that `url` means.

    plain_http  accept http:// to another machine: whoever is on the way can read pictures, words and key

    Raises SpecError for what is no base URL (also one with a user name, a password, a query or a fragment: none of
    them belongs into an address, and some are secrets), PrivacyError for http:// to another machine.
    """
    if not isinstance(url, str):
        raise SpecError(f"the address is a {type(url).__name__}", accepted="text", fix=f'"{_EXAMPLE}"')
    told = re.sub(r"//[^/]*@|[?#].*", "…", url, flags=re.DOTALL)  # what may be a password is not repeated
    problem = _problem(url)
    if problem:
        raise SpecError(
            f"the address {shown(told)} {problem}",
            accepted="http:// or https://, a host, perhaps a port and a path; nothing else",
            fix=f'"{_EXAMPLE}"',
        )
    parts = urllib.parse.urlsplit(url)
    address = Address(url.rstrip("/"), parts.hostname, is_here(parts.hostname))
    if parts.scheme == "http" and not address.here and not plain_http:
        raise PrivacyError(
            f"{shown(address.url)} is another machine and http:// is not encrypted: whoever is on the way can read",
            accepted="https://, or a tunnel that begins on this machine (ssh -L 8000:localhost:8000 server)",
            fix=f'EndpointModel("{address.url}", plain_http=True), if the network in between may see it',
        )
    return address


def is_here(host: str) -> bool:
    """Whether `host` is this machine whatever the network says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _problem(url: str) -> str:
    """What makes `url` no base URL; empty where nothing does."""
    if not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        return "holds blanks or other signs that no address has"
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018  reading it is the check
    except ValueError:
        return "cannot be read"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "has no http:// or https:// with a host after it"
    if "@" in parts.netloc:
        return "holds a user name or a password"
    if "?" in url or "#" in url:
        return "holds a query or a fragment"
    return ""
