"""An endpoint is asked as a local model is: what is sent, what comes back, in which order."""

import json
import threading
import time

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, EndpointError, SpecError
from medlab.core.query import Decoding, Message, Part, Query
from medlab.models.endpoint.model import EndpointModel
from tests.models.endpoint.conftest import NAME, completion, delta, events, http, raw, says


def test_the_one_model_that_is_served_is_found_by_itself(server):
    model = EndpointModel(server.url)
    assert (model.served, model.name) == (NAME, f"{NAME} at 127.0.0.1")
    assert model.conventions.family == "medgemma-1.5"
    assert model.capabilities.order == "image_first"


def test_several_or_no_models_have_to_be_chosen_from(server):
    server.models = {"data": [{"id": "a-model"}, {"id": "b-model"}]}
    with pytest.raises(SpecError, match="'a-model', 'b-model'"):
        EndpointModel(server.url)
    server.models = {"data": []}
    with pytest.raises(SpecError, match="lists no model"):
        EndpointModel(server.url)
    server.models = None
    server.default = says({"detail": "Not Found"}, "404 Not Found")
    with pytest.raises(SpecError, match="ends in /v1"):
        EndpointModel(server.url)
    assert EndpointModel(server.url, model="b-model").served == "b-model"


def test_what_may_leave_is_checked_before_the_server_is_asked(server):
    server.models = None
    with pytest.raises(SpecError, match="allow is 'everything'"):
        EndpointModel(server.url, allow="everything")


def test_a_scan_is_no_query(server, scan):
    model = EndpointModel(server.url)
    for act in (lambda: model.answer([scan]), lambda: list(model.stream(scan))):
        with pytest.raises(SpecError, match="a Scan where a Query was expected"):
            act()


def test_the_family_is_the_one_given_where_the_name_tells_nothing(server):
    server.models = {"data": [{"id": "tgi"}]}
    assert EndpointModel(server.url).conventions.family == "plain"
    assert EndpointModel(server.url, family="medgemma-4b-it").capabilities.order == "text_first"


def test_what_is_sent_is_the_query_and_nothing_else(server, scan):
    model = EndpointModel(server.url)
    turns = (
        Message("system", (Part(text="Be brief."),)),
        Message("user", (Part(scan=0), Part(text="Effusion?"))),
        Message("model", (Part(text="No."),)),
        Message("user", (Part(text="Sure?"),)),
    )
    model.answer([Query(turns, (scan,), Decoding(max_new_tokens=7, temperature=0.5, top_p=0.9, seed=3))])
    (body,) = server.questions
    picture = body["messages"][1]["content"].pop(0)
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert body == {
        "model": NAME,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Effusion?"}]},
            {"role": "assistant", "content": "No."},
            {"role": "user", "content": "Sure?"},
        ],
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
        "logprobs": True,
    }


def test_greedy_decoding_is_temperature_0_without_top_p(server):
    EndpointModel(server.url).ask(None, "Hello?")
    assert server.questions[0]["temperature"] == 0
    assert "top_p" not in server.questions[0]


def test_an_answer_carries_what_the_server_tells(server, scan):
    payload = completion("No effusion.")
    rows = [{"token": "No", "logprob": -0.25, "bytes": [78, 111]}, {"token": " effusion.", "logprob": -0.5}]
    payload["choices"][0]["logprobs"] = {"content": rows}
    server.default = says(payload)
    model = EndpointModel(server.url)
    assert model.capabilities.logprobs == "none"
    query = model.query(scan, "Effusion?")
    answer = model.answer([query])[0]
    assert [(token.id, token.text) for token in answer.tokens] == [(None, "No"), (None, " effusion.")]
    assert answer.logprob_nats == -0.75
    assert (answer.prompt_tokens, answer.truncated, answer.warnings) == (261, False, ())
    assert (answer.model_fingerprint, answer.query_fingerprint) == (model.fingerprint, query.fingerprint)
    assert model.capabilities.logprobs == "top"


def test_a_server_that_refuses_log_probabilities_is_asked_without(server):
    model = EndpointModel(server.url)
    server.script = [says({"error": {"message": "logprobs is not supported"}}, "400 Bad Request")]
    assert [model.ask(None, "Hello?").text, model.ask(None, "Hello?").text] == ["No effusion."] * 2
    assert ["logprobs" in body for body in server.questions] == [True, False, False]


@pytest.mark.parametrize(
    "rows",
    [
        [{"token": "No"}],
        [{"token": "No", "logprob": 0.5}],
        [{"token": "No", "logprob": -(10**400)}],
        [{"token": 3, "logprob": -1}],
        [1],
    ],
)
def test_log_probabilities_that_cannot_be_read_do_not_lose_the_answer(server, rows):
    payload = completion("No effusion.")
    payload["choices"][0]["logprobs"] = {"content": rows}
    server.default = says(payload)
    answer = EndpointModel(server.url).ask(None, "Hello?")
    assert (answer.text, answer.tokens) == ("No effusion.", ())
    assert any("log-probabilities cannot be read" in warning for warning in answer.warnings)


def test_an_answer_that_was_cut_off_says_so(server):
    server.default = says(completion("The heart is", "length"))
    answer = EndpointModel(server.url).ask(None, "Hello?")
    assert answer.truncated
    assert any("cut off" in warning for warning in answer.warnings)


def test_a_thought_is_split_off_whoever_marks_it(server):
    model = EndpointModel(server.url)
    server.script = [
        says(completion("<unused94>thought\nLook at the bases.<unused95>No effusion.")),
        says(completion("No effusion.", reasoning_content="Look at the bases.")),
        says(completion(None, "length", reasoning_content="Look at the")),
    ]
    marked, apart, unfinished = (model.ask(None, "Effusion?") for _ in range(3))
    assert (marked.text, marked.thought) == (apart.text, apart.thought) == ("No effusion.", "Look at the bases.")
    assert (unfinished.text, unfinished.thought, unfinished.truncated) == ("", "Look at the", True)


def test_a_refusal_is_an_answer_with_a_warning(server):
    model = EndpointModel(server.url)
    server.script = [says(completion(None, refusal="I cannot read films.")), says(completion("", "content_filter"))]
    refused, filtered = model.ask(None, "Effusion?"), model.ask(None, "Effusion?")
    assert refused.text == "I cannot read films."
    assert any("refused" in warning for warning in refused.warnings)
    assert any("filter" in warning for warning in filtered.warnings)


def test_a_box_comes_back_in_pixels_of_the_scan(server, scan):
    server.default = says(completion('[{"box_2d": [125, 0, 500, 250], "label": "effusion"}]'))
    (box,) = EndpointModel(server.url).ask(scan, "Where?").boxes
    # 30 x 40 pixels are padded by 5 rows above to 40 x 40: rows 125/1000*40-5 = 0 to 500/1000*40-5 = 15
    np.testing.assert_allclose(box.box_px, (0, 0, 15, 10))


def test_answers_come_in_the_order_of_their_questions_though_asked_at_once(server):
    model = EndpointModel(server.url, concurrency=4)
    together = threading.Barrier(4)  # breaks, and the test fails, unless four are open at the same time

    def echo(connection):
        question = json.loads(server.now_serving.request.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
        time.sleep(0.02 * (3 - together.wait(timeout=30)))
        says(completion(question))(connection)

    server.default = echo
    queries = [model.query(None, f"question {i}") for i in range(8)]
    assert [answer.text for answer in model.answer(queries)] == [f"question {i}" for i in range(8)]
    assert server.most_open == 4


def test_a_stream_comes_in_pieces_and_returns_its_answer(server, scan):
    model = EndpointModel(server.url)
    usage = {"choices": [], "usage": {"prompt_tokens": 3}}
    server.default = events(
        delta(None, role="assistant"), delta("No "), delta("effusion."), delta(None, "length"), usage
    )
    pieces = []
    stream = model.stream(model.query(scan, "Effusion?"))
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            answer = end.value
            break
    assert pieces == ["No ", "effusion."]
    assert (answer.text, answer.truncated) == ("No effusion.", True)
    assert server.questions[0]["stream"] is True


def test_a_thought_that_is_streamed_apart_is_no_part_of_the_answer(server, scan):
    model = EndpointModel(server.url)
    draft = 'Look: [{"box_2d": [1, 2, 300, 400], "label": "draft"}] '
    server.default = events(
        delta(None, reasoning_content=draft, reasoning=draft), delta("No "), delta("effusion."), delta(None, "stop")
    )
    talk, pieces = model.chat(scan), []
    stream = talk.stream("Effusion?")
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            answer = end.value
            break
    assert pieces == [draft, "No ", "effusion."]
    assert (answer.text, answer.thought, answer.boxes) == ("No effusion.", draft, ())
    assert talk.query("Sure?").messages[1].parts[0].text == "No effusion."


def test_pieces_are_given_out_before_the_stream_has_ended(server):
    model = EndpointModel(server.url)
    go_on = threading.Event()

    def act(connection):
        events(delta("No "), done=False)(connection)
        go_on.wait(30)
        for payload in (b'{"choices": [{"delta": {"content": "effusion."}, "finish_reason": "stop"}]}', b"[DONE]"):
            connection.sendall(b"data: " + payload + b"\n\n")

    server.default = act
    stream = model.stream(model.query(None, "Effusion?"))
    assert next(stream) == "No "
    go_on.set()
    assert list(stream) == ["effusion."]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (events(delta("No "), done=False), "ended before its answer did"),
        (events(delta("No ")), "ended before its answer did"),
        (events(delta("No "), b"{bad"), "no JSON"),
        (
            events(b"[1]", b'"x"', b'{"choices": null}', b'{"choices": [{"delta": null}]}'),
            "ended before its answer did",
        ),
        (events(delta("No "), {"error": {"message": "CUDA out of memory"}}), "CUDA out of memory"),
        (events(delta(None, "stop")), "without a word"),
        (raw(http(b"<html></html>", "200 OK", "text/html")), "ended before its answer did"),
        (raw(http(b'data: {"choices": []}\n\n', "200 OK", "text/event-stream")[:-9]), "did not finish its reply"),
        (says({"error": {"message": "no"}}, "400 Bad Request"), "does not take the request"),
    ],
)
def test_a_stream_that_breaks_is_an_error(server, fault, words):
    model = EndpointModel(server.url)
    server.default = fault
    with pytest.raises(EndpointError, match=words):
        list(model.stream(model.query(None, "Effusion?")))
    assert len(server.questions) == 1


def test_a_slow_stream_is_given_up_when_the_time_is_over(server):
    model = EndpointModel(server.url, timeout_s=0.5, retries=0)
    server.default = events(*[delta("No ")] * 60, pause_s=0.05)
    with pytest.raises(EndpointError, match="the time was up"):
        list(model.stream(model.query(None, "Effusion?")))


def test_scoring_given_continuations_is_refused_before_anything_is_sent(server, scan):
    model = EndpointModel(server.url)
    with pytest.raises(CapabilityError, match="no given continuation"):
        model.score(model.query(scan, "Effusion?"), ["yes", "no"])
    assert server.questions == []


def test_the_fingerprint_tells_address_name_and_family_apart(server):
    model = EndpointModel(server.url)
    assert model.fingerprint == EndpointModel(server.url, key="sk-any", timeout_s=5).fingerprint
    others = {EndpointModel(server.url, model="b").fingerprint, EndpointModel(server.url, family="plain").fingerprint}
    assert len({model.fingerprint} | others) == 3


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"concurrency": 0}, {"retries": -1}])
def test_a_setting_out_of_range_is_refused(server, wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        EndpointModel(server.url, **wrong)


@pytest.mark.parametrize("name", ["evil\x1b[2J", "two\nlines", "x" * 201])
def test_what_a_terminal_would_obey_is_no_name_of_a_model(server, name):
    server.models = {"data": [{"id": name}, {"id": "sound"}]}
    assert EndpointModel(server.url).served == "sound"
    with pytest.raises(SpecError, match="printable"):
        EndpointModel(server.url, model=name)


def test_half_a_letter_becomes_the_sign_for_what_cannot_be_read(server):
    server.default = says(completion("bad \ud800", reasoning="\udc00"))
    answer = EndpointModel(server.url).ask(None, "Hello?")
    assert (answer.text, answer.thought) == ("bad \ufffd", "\ufffd")
    server.default = events(delta("bad \ud800"), delta(None, "stop"))
    model = EndpointModel(server.url)
    assert list(model.stream(model.query(None, "Hello?"))) == ["bad \ufffd"]


def test_an_event_that_nests_for_ever_is_an_error(server):
    server.default = events(b"[" * 200_000)
    model = EndpointModel(server.url)
    with pytest.raises(EndpointError, match="no JSON"):
        list(model.stream(model.query(None, "Hello?")))
