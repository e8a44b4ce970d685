"""Dialogue: what is sent each time, what is kept, what is saved, and what a saved one must be to be taken up again."""

import json
import stat

import pytest

from medlab.core.errors import CapabilityError, DataError, SpecError
from medlab.core.query import Decoding, Message, Part
from medlab.models.dialogue import Dialogue
from tests.models.parrot import REFUSED, Parrot, film, question

FILM = film(0.5, name="Doe_Jane.png", sha256="ab" * 32)


def said(role: str, *parts: str | int) -> Message:
    return Message(role, tuple(Part(text=part) if isinstance(part, str) else Part(scan=part) for part in parts))


@pytest.fixture
def talk():
    """Two turns about one film."""
    talk = Parrot().chat(FILM)
    talk.ask("Effusion?")
    talk.ask("Which side?")
    return talk


def test_the_first_question_is_the_one_that_ask_would_send(talk):
    model = Parrot()
    assert model.chat(FILM).ask("Effusion?") == model.ask(FILM, "Effusion?")


def test_a_later_question_is_sent_with_all_turns_before_and_the_scan_once(talk):
    query = talk.query("How much?")
    assert query.messages == (
        said("user", 0, "Effusion?"),
        said("model", "1 scan(s): Effusion?"),
        said("user", "Which side?"),
        said("model", "1 scan(s): Effusion? | 1 scan(s): Effusion? | Which side?"),
        said("user", "How much?"),
    )
    assert query.scans == (FILM,)


def test_the_thought_is_not_sent_back(talk):
    assert talk.turns[0].answer.thought == "hm"
    assert "hm" not in talk.query("How much?").to_json()


def test_a_model_of_text_first_gets_its_scan_after_the_first_question():
    talk = Parrot(order="text_first").chat((FILM, film(0.25)))
    talk.ask("Compare.")
    assert talk.query("Sure?").messages[0] == said("user", "Compare.", 0, 1)


def test_the_system_text_comes_first_and_decoding_is_every_turns():
    talk = Parrot().chat(None, system="Be brief.", decoding=Decoding(max_new_tokens=7))
    talk.ask("Hello?")
    query = talk.query("Sure?")
    assert query.messages[0] == said("system", "Be brief.")
    assert query.decoding.max_new_tokens == 7


def test_streaming_gives_the_pieces_and_keeps_the_same_turn(talk):
    other = Parrot().chat(FILM)
    pieces = list(other.stream("Effusion?"))
    assert "".join(pieces) == f"<thought>hm</thought>{other.turns[0].answer.text}"
    assert other.turns == talk.turns[:1]


def test_a_stream_that_is_left_early_keeps_no_turn(talk):
    stream = talk.stream("How much?")
    next(stream)
    stream.close()
    assert len(talk) == 2


def test_a_question_that_is_refused_leaves_the_dialogue_as_it_was(talk):
    before = talk.turns
    with pytest.raises(CapabilityError, match="the parrot refuses"):
        talk.ask(REFUSED)
    with pytest.raises(SpecError, match="question is ''"):
        talk.ask("")
    assert talk.turns == before


def test_an_answer_without_text_is_given_back_and_not_kept(talk, monkeypatch):
    monkeypatch.setattr(talk.model, "answer", lambda queries: [Parrot()._answer(queries[0]).replace(text=" ")])
    assert talk.ask("How much?").text == " "
    assert len(talk) == 2


def test_undo_takes_back_the_last_turn_and_reset_all(talk):
    assert talk.undo().question == "Which side?"
    assert len(talk) == 1
    talk.reset()
    assert talk.query("Effusion?") == Parrot().query(FILM, "Effusion?")
    with pytest.raises(SpecError, match="nothing was asked yet"):
        talk.undo()


def test_dropping_the_first_turns_keeps_the_scan_with_the_first_that_is_left(talk):
    talk.drop(1)
    assert talk.query("How much?").messages[0] == said("user", 0, "Which side?")
    with pytest.raises(SpecError, match="turns is 2"):
        talk.drop(2)


def test_a_history_too_long_for_the_context_names_what_to_drop_and_dropping_helps():
    talk = Parrot(context=110).chat(FILM, decoding=Decoding(max_new_tokens=20))
    talk.ask("a" * 10)
    with pytest.raises(CapabilityError, match=r"at most 110 tokens together") as caught:
        talk.ask("b" * 50)
    assert caught.value.fix == "dialogue.drop(1), which forgets the first 1 of 1 turns"
    talk.drop(1)
    assert talk.ask("b" * 50).text
    with pytest.raises(CapabilityError) as caught:
        talk.ask("c" * 100)
    assert caught.value.fix.startswith("a shorter question")


def test_a_saved_dialogue_goes_on_where_it_was(talk, tmp_path):
    path = tmp_path / "new folder" / "talk.json"
    talk.save(path)
    again = Dialogue.load(path, Parrot(), FILM)
    assert again.turns == talk.turns
    assert again.query("How much?") == talk.query("How much?")


def test_a_saved_dialogue_holds_neither_pixels_nor_file_name_unless_asked(talk, tmp_path):
    path = tmp_path / "talk.json"
    talk.save(path)
    text = path.read_text("utf-8")
    assert "Doe" not in text
    assert "zlib64" not in text
    talk.save(path, pixels=True)
    assert "zlib64" in path.read_text("utf-8")
    assert Dialogue.load(path, Parrot()).query("How much?") == talk.query("How much?")
    assert [child.name for child in tmp_path.iterdir()] == ["talk.json"]


@pytest.mark.parametrize(
    ("subject", "told", "fix"),
    [
        (None, "is about 1 scan", "in the order they were shown"),
        ((FILM, film(0.1)), r"is about 1 scan\(s\), 2 given", "in the order"),
        (film(0.1), "scan 0 of 4x6 is not the 4x6 one", ""),
        (film(0.1, sha256="ab" * 32), "scan 0 of 4x6 is not", "it is the same file: load it with the window"),
    ],
)
def test_a_saved_dialogue_is_refused_with_other_scans(talk, tmp_path, subject, told, fix):
    talk.save(tmp_path / "talk.json")
    with pytest.raises(DataError, match=told) as caught:
        Dialogue.load(tmp_path / "talk.json", Parrot(), subject)
    assert caught.value.code == "mismatch"
    assert fix in caught.value.fix


def test_another_model_may_go_on_and_each_answer_names_its_own(talk, tmp_path):
    talk.save(tmp_path / "talk.json")
    again = Dialogue.load(tmp_path / "talk.json", Parrot("parrot-2"), FILM)
    again.ask("How much?")
    assert [turn.answer.model_fingerprint for turn in again.turns] == ["parrot-1", "parrot-1", "parrot-2"]


def changed(**changes):
    def change(held):
        return held | changes

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda held: [],
        lambda held: "\udc80",
        lambda held: {},
        changed(version=2),
        changed(turns="none"),
        changed(turns=[{"question": "a", "answer": {"text": 1}}]),
        changed(turns=[{"question": "", "answer": {"text": "b"}}]),
        changed(turns=[{"question": "a", "answer": {"text": "b", "seconds": float("nan")}}]),
        changed(turns=[{"question": "a", "answer": {"text": "b", "__class__": "os.system"}}]),
        changed(marks=[{"scan_fingerprint": 1, "sha256": "", "rows": 1, "cols": 1}]),
        changed(decoding={"max_new_tokens": -1}),
        changed(scans=[FILM.replace(name="other").to_dict()]),
        changed(scans=[{"pixels": {"dtype": "O", "shape": [1], "zlib64": "eJw="}}]),
    ],
)
def test_hostile_json_is_refused_by_name(talk, tmp_path, change):
    path = tmp_path / "talk.json"
    talk.save(path)
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))), "utf-8")
    with pytest.raises(DataError, match=r"'talk\.json' is no saved dialogue"):
        Dialogue.load(path, Parrot(), FILM)


@pytest.mark.parametrize("held", [b"", b"\xff\xfe", b"[" * 100_000, b'{"model": '])
def test_bytes_that_are_no_json_are_refused_by_name(tmp_path, held):
    path = tmp_path / "talk.json"
    path.write_bytes(held)
    with pytest.raises(DataError, match="is no saved dialogue") as caught:
        Dialogue.load(path, Parrot())
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match=r"no file 'talk\.json'"):
        Dialogue.load(tmp_path / "talk.json", Parrot())


def test_the_questions_of_a_dialogue_may_be_asked_of_a_batch(talk):
    query = talk.query("How much?")
    assert next(Parrot().ask_batch([query, question("alone")], progress=False)) == talk.ask("How much?")


def test_a_saved_dialogue_is_its_owners_and_follows_no_planted_link(talk, tmp_path):
    talk.ask("Is there an effusion?")
    victim = tmp_path / "victim"
    for name in ("kept.json.part", "kept.json"):
        (tmp_path / name).symlink_to(victim)
    talk.save(tmp_path / "kept.json")
    assert not victim.exists()
    assert stat.S_IMODE((tmp_path / "kept.json").lstat().st_mode) == 0o600
    assert len(Dialogue.load(tmp_path / "kept.json", talk.model, talk.scans)) == len(talk)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "kept.json.part"]
