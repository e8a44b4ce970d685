"""EndpointModel: a model behind an address, asked as a local one is.

It knows neither weights nor tokenizer: what the server calls its model is all that tells which one answers, and two
servers may call different weights alike. So its fingerprint stands for address and name, not for weights.
"""

import concurrent.futures
import hashlib
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from medlab.core.answer import Answer
from medlab.core.errors import EndpointError, SpecError, shown
from medlab.core.query import Query
from medlab.core.record import check_choice, check_number, check_whole
from medlab.models.base import Capabilities, Model, check_queries
from medlab.models.conventions.families import conventions_for
from medlab.models.endpoint.address import read_address
from medlab.models.endpoint.gate import LEVELS, Gate
from medlab.models.endpoint.reply import MAX_NAME, Said, is_name, read_models, read_reply
from medlab.models.endpoint.request import body_of, fit_of
from medlab.models.endpoint.secret import find_secret
from medlab.models.endpoint.talk import Talk


class EndpointModel(Model):
    """A server that speaks the OpenAI chat protocol: vLLM, TGI, Ollama, `transformers serve`, hosted ones.

    url          base URL, such as "http://localhost:8000/v1"
    model        what the server calls it, perhaps ""; needed where it serves several, or lists none
    family       whose conventions hold (order, thoughts, boxes); by default told from `model`'s name
    key          the server's key, or a function that gives a fresh one; by default from the environment
                 (medlab.models.endpoint.secret)
    allow        what may leave this machine: "text", "pixels", or None for nothing; see `Gate`
    plain_http   accept http:// to another machine
    timeout_s    for one try, from its first byte to its last
    concurrency  requests at the same time
    retries      more tries after a busy or failing server or a cut connection, with growing pauses, or as long as the
                 server says (Retry-After, up to one or two minutes by version of the openai package)

    Raises SpecError, PrivacyError, EndpointError, MissingDependency.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        family: str | None = None,
        key: str | Callable[[], str] | None = None,
        allow: str | None = None,
        plain_http: bool = False,
        timeout_s: float = 300.0,
        concurrency: int = 4,
        retries: int = 3,
    ):
        if allow is not None:
            check_choice("allow", allow, LEVELS)
        check_number("timeout_s", timeout_s, 0.01, 86_400)
        check_whole("concurrency", concurrency, 1, 256)
        check_whole("retries", retries, 0, 20)
        if model and not is_name(model):
            raise SpecError(f"model is {shown(model)}", accepted=f"printable text of up to {MAX_NAME} letters")
        address = read_address(url, plain_http=plain_http)
        self._talk = Talk(address, find_secret(address, key), timeout_s=timeout_s, retries=retries)
        self.served = self._only_one() if model is None else model
        """what the server calls its model"""
        self.conventions = conventions_for(family or self.served)
        self.gate = Gate(address, self.served, allow)
        """what may leave, and who said so"""
        self.name = f"{self.served or 'the model'} at {address.host}"
        told = f"{address.url}|{self.served}|{self.conventions.fingerprint}"
        self.fingerprint = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
        self._concurrency = concurrency
        self._gives_logprobs: bool | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the family is published for. `logprobs` is "none" until the server has told some."""
        return Capabilities(
            images=self.conventions.max_images,
            logprobs="top" if self._gives_logprobs else "none",
            streams=True,
            order=self.conventions.order,
            languages=self.conventions.languages,
            reply_tokens=self.conventions.reply_tokens,
        )

    def answer(self, queries: Sequence[Query]) -> list[Answer]:
        """One Answer a Query, in order; several are asked at once. Raises PrivacyError before anything is sent.

        The first fault is raised, and no more are sent.
        """
        check_queries(queries)
        self.gate.check(queries)
        pool = concurrent.futures.ThreadPoolExecutor(self._concurrency, "medlab-endpoint")
        try:
            asked = [pool.submit(self._ask, query) for query in queries]
            return [future.result() for future in asked]
        finally:  # after a fault or Ctrl-C nobody waits for those still on their way
            pool.shutdown(wait=False, cancel_futures=True)

    def stream(self, query: Query) -> Generator[str, None, Answer]:
        """The reply in pieces as they come, a thought first; returns the Answer. Raises as `answer`."""
        check_queries([query])
        self.gate.check([query])
        started = time.monotonic()
        text, thought, finish = "", "", ""
        body = body_of(query, self.conventions, served=self.served, logprobs=False)
        for said, thinking, ending in self._talk.stream(body):
            text, thought, finish = text + said, thought + thinking, ending or finish
            if thinking + said:
                yield thinking + said
        if not (text + thought).strip():
            raise EndpointError("the stream ended without a word", fix="model.ask(…) tells more of what is wrong")
        return self._answer_of(query, Said(text, thought or None, finish), time.monotonic() - started)

    def _ask(self, query: Query) -> Answer:
        started = time.monotonic()
        body = body_of(query, self.conventions, served=self.served, logprobs=self._gives_logprobs is not False)
        said = read_reply(self._complete(body))
        if said.tokens:
            self._gives_logprobs = True
        return self._answer_of(query, said, time.monotonic() - started)

    def _complete(self, body: dict[str, Any]) -> Any:
        """The JSON of a reply; a server that refuses to tell log-probabilities is asked without, from then on."""
        try:
            return self._talk.complete(body)
        except EndpointError as error:
            if "logprobs" not in body or error.status not in (400, 422) or "logprob" not in error.given.lower():
                raise
        self._gives_logprobs = False
        return self._talk.complete({name: value for name, value in body.items() if name != "logprobs"})

    def _answer_of(self, query: Query, said: Said, seconds: float) -> Answer:
        reply = self.conventions.read(said.text, said.finish != "length")
        boxes, doubts = self.conventions.boxes_of(query, reply.text, lambda scan: fit_of(scan, self.conventions.fit))
        warnings = [*self.conventions.cautions(query), *said.warnings, *reply.warnings, *doubts]
        if said.refused:
            warnings.append("the server refused to answer; the text is its refusal")
        if said.finish == "content_filter":
            warnings.append("the server's filter cut this answer")
        return Answer(
            text=reply.text,
            tokens=said.tokens,
            boxes=boxes,
            thought="\n".join(thought for thought in (said.thought, reply.thought) if thought) or None,
            truncated=reply.truncated,
            seconds=seconds,
            prompt_tokens=said.prompt_tokens,
            model=self.name,
            model_fingerprint=self.fingerprint,
            query_fingerprint=query.fingerprint,
            warnings=tuple(warnings),
        )

    def _only_one(self) -> str:
        """What the server calls the one model that it serves. Raises SpecError where it lists none or several."""
        try:
            names = read_models(self._talk.models())
        except EndpointError as error:
            if error.status not in (404, 405, 501):
                raise
            names = []
        if len(names) == 1:
            return names[0]
        if not names:
            raise SpecError(
                f"{shown(self._talk.address.url)} lists no model",
                accepted="the name it is served by (and a base URL that ends in /v1, for most servers)",
                fix='EndpointModel(url, model="…")',
            )
        raise SpecError(
            f"{shown(self._talk.address.url)} serves {len(names)} models",
            accepted=", ".join(shown(name, 80) for name in names[:20]),
            fix=f"EndpointModel(url, model={shown(names[0], 80)})",
        )

    def __repr__(self) -> str:
        return f"EndpointModel({shown(self.name)}, {self.conventions.family}, {self.gate!r})"
