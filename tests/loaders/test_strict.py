"""The process-wide settings of Pillow and of warnings: changed while anything decodes, and then as they were."""

import threading
import warnings

import pytest
from PIL import ImageFile

from medlab.loaders.strict import strict_pillow


def test_settings_come_back_when_the_last_of_several_threads_is_done(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    filters, show = list(warnings.filters), warnings.showwarning
    inside, leave = threading.Event(), threading.Event()

    def slow():
        with strict_pillow():
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=slow)
    with strict_pillow():
        thread.start()
        assert inside.wait(30)
    # the first came and went; the second still decodes
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    leave.set()
    thread.join()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert warnings.filters == filters
    assert warnings.showwarning is show


def test_each_thread_hears_its_own_warnings_once():
    heard = {}
    barrier = threading.Barrier(3)

    def warn(word):
        with strict_pillow() as warned:
            barrier.wait(30)
            warnings.warn(word, stacklevel=1)
            warnings.warn(word, stacklevel=1)
            barrier.wait(30)
        heard[word] = warned

    threads = [threading.Thread(target=warn, args=(word,)) for word in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"a": ["a"], "b": ["b"], "c": ["c"]}


def test_a_thread_that_decodes_nothing_is_heard_as_ever():
    inside, done = threading.Event(), threading.Event()
    other = threading.Thread(target=_decode_until, args=(inside, done))
    with warnings.catch_warnings(record=True) as heard:
        other.start()
        assert inside.wait(30)
        warnings.warn("mine", stacklevel=1)
        done.set()
        other.join()
    assert [str(warning.message) for warning in heard] == ["mine"]


def _decode_until(inside: threading.Event, done: threading.Event) -> None:
    with strict_pillow():
        inside.set()
        done.wait(30)


def test_an_error_inside_puts_the_settings_back(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(OSError, match="cut"), strict_pillow():
        raise OSError("cut")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
