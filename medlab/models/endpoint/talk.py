"""Talk: one server's three verbs (models, complete, stream), with every fault in the words of `faults`.

The openai package speaks the protocol and tries again; what comes back is read here as bytes, because the package
takes any JSON, and any page, for an answer.
"""

from collections.abc import Iterator
from typing import Any

from medlab.core.errors import EndpointError, shown
from medlab.models.endpoint.address import Address
from medlab.models.endpoint.faults import fault_of
from medlab.models.endpoint.reply import complaint, parse, read_pieces
from medlab.models.endpoint.secret import Secret
from medlab.models.endpoint.wire import ReplyCut, ReplyTooLarge, open_client


class Talk:
    """A conversation with one address. Its threads share one pool of connections."""

    def __init__(self, address: Address, secret: Secret, *, timeout_s: float, retries: int):
        self.address = address
        self._secret = secret
        self._retries = retries
        self._client = open_client(address, secret, timeout_s=timeout_s, retries=retries)

    def models(self) -> Any:
        """The JSON of GET /models."""
        return self._read(lambda: self._client.models.with_raw_response.list())

    def complete(self, body: dict[str, Any]) -> Any:
        """The JSON of POST /chat/completions. Asking twice does no harm, so it is tried again."""
        return self._read(lambda: self._client.chat.completions.with_raw_response.create(**body))

    def stream(self, body: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        """(text, thought, finish_reason) as they come, "" for what an event lacks.

        A stream that broke is not asked again: half of it was shown.

        Raises EndpointError also where the stream ends before the server said that it was done.
        """
        import openai

        fault, finished = None, False
        try:
            with self._client.chat.completions.create(**body, stream=True) as events:
                for event in events:
                    for piece in read_pieces(event.to_dict() if isinstance(event, openai.BaseModel) else None):
                        finished = finished or bool(piece[-1])
                        yield piece
        except (openai.APIError, ReplyCut, ReplyTooLarge) as error:
            fault = fault_of(error, self.address, self._secret, self._retries)
        except (ValueError, RecursionError) as error:  # JSON that is none, or nests for ever
            fault = EndpointError(f"{shown(self.address.url)} streams what is no JSON ({shown(str(error), 80)})")
        if fault is None and not finished:
            fault = EndpointError(
                f"the stream of {shown(self.address.url)} ended before its answer did",
                accepted="a stream that says how it finished",
                fix="model.ask(…), which tries again",
            )
        if fault is not None:
            raise fault

    def _read(self, send) -> Any:
        import openai

        try:
            response = send().http_response
        except (openai.APIError, ReplyCut, ReplyTooLarge) as error:
            fault = fault_of(error, self.address, self._secret, self._retries)
        else:
            payload = parse(response.content, response.headers.get("content-type", ""))
            said = complaint({"error": payload.get("error")}) if isinstance(payload, dict) else ""
            if not said:
                return payload
            fault = EndpointError(f"{shown(self.address.url)} says {shown(self._secret.hide(said), 300)}")
        raise fault
