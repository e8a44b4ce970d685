"""Faults: what went wrong between here and a server, in words of one error family.

An exception of the openai package holds the request, and with it the key and the picture. It is read here and not
passed on: what is raised is made after it has been let go.
"""

from typing import TYPE_CHECKING

from medlab.core.errors import EndpointError, MedlabError, PrivacyError, shown
from medlab.models.endpoint.address import Address
from medlab.models.endpoint.reply import complaint, parse
from medlab.models.endpoint.secret import VARIABLES, Secret
from medlab.models.endpoint.wire import ReplyCut, ReplyTooLarge

if TYPE_CHECKING:
    import openai

_STATUS = {
    400: ("does not take the request", "", ""),
    401: ("does not take the key", "a key that it knows", "export {variable}=…, or key=…"),
    403: ("does not let this key in", "a key with the right to ask this model", "export {variable}=…, or key=…"),
    404: ("knows no such place or model", "its base URL and a model that it serves", "{url}/models lists the models"),
    413: ("finds the request too large", "", "a smaller picture, or a larger limit of the server"),
    422: ("does not take the request", "", ""),
    429: ("is busy, also after {retries} more tries", "", "fewer at once (concurrency=1), or later"),
}
_FAILED = ("failed, also after {retries} more tries", "", "look at the server's log")


def fault_of(
    error: "openai.APIError | ReplyCut | ReplyTooLarge", address: Address, secret: Secret, retries: int
) -> MedlabError:
    """The error to raise for one of the openai package, or of the wire while a stream was read."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _of_status(error.response, address, secret, retries)
    cause = error.__cause__ or error
    if isinstance(cause, MedlabError):  # of the key, which is made while a request is sent
        return cause
    if isinstance(cause, ReplyTooLarge):
        return EndpointError(f"{shown(address.url)} sent {cause}", accepted="an answer", fix="look at the address")
    if isinstance(cause, ReplyCut):
        return EndpointError(
            f"{shown(address.url)} did not finish its reply ({cause})",
            fix="timeout_s=… for a slow server, else look at its log",
        )
    if isinstance(error, openai.APITimeoutError):
        return EndpointError(
            f"{shown(address.url)} did not answer in time, {retries + 1} times",
            fix="timeout_s=… for a slow server; is it still loading its weights?",
        )
    if isinstance(error, openai.APIConnectionError):
        return EndpointError(
            f"{shown(address.url)} cannot be reached, or hangs up, {retries + 1} times ({type(cause).__name__})",
            accepted="a server that runs",
            fix="start it, or look at host and port",
        )
    return EndpointError(f"{shown(address.url)} reports: {shown(secret.hide(str(error)), 300)}")


def _of_status(response, address: Address, secret: Secret, retries: int) -> MedlabError:
    status = response.status_code
    if 300 <= status < 400:
        place = secret.hide(response.headers.get("location", ""))
        return PrivacyError(
            f"{shown(address.url)} sends on to {shown(place)}, and nothing is sent on",
            accepted="an address that answers itself",
            fix="give the other address yourself, if you know whose it is",
        )
    what, accepted, fix = _STATUS.get(status, _FAILED if status >= 500 else ("refuses the request", "", ""))
    values = {"retries": retries, "url": address.url, "variable": next(iter(VARIABLES))}
    said = shown(secret.hide(_said(response)), 300)
    return EndpointError(
        f"{shown(address.url)} {what.format(**values)} (HTTP {status}); it says {said}",
        accepted=accepted.format(**values),
        fix=fix.format(**values),
        status=status,
    )


def _said(response) -> str:
    try:
        return complaint(parse(response.content, response.headers.get("content-type", ""))) or response.text
    except EndpointError:
        return response.text
