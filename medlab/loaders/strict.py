"""Pillow without leniency and without noise, in as many threads as there are. It decodes nothing itself.

Whether a cut file is filled with grey, and where warnings go, are settings of the whole process in Pillow and Python.
They are changed when the first decoding begins and put back when the last ends; meanwhile each thread hears its own
warnings, and a thread that decodes nothing is heard as ever.
"""

import contextlib
import threading
import warnings
from collections.abc import Iterator

_lock = threading.Lock()
_mine = threading.local()
_running = 0
_changes = contextlib.ExitStack()


@contextlib.contextmanager
def strict_pillow() -> Iterator[list[str]]:
    """Inside, a truncated picture is an error whatever the person set; yields this thread's warnings, each once."""
    heard: list[str] = []
    _begin()
    _mine.heard = heard
    try:
        yield heard
    finally:
        _mine.heard = None
        _end()


def _begin() -> None:
    global _running
    with _lock:
        if _running == 0:
            _change()
        _running += 1


def _end() -> None:
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            _changes.close()


def _change() -> None:
    from PIL import ImageFile

    _changes.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    show = warnings.showwarning
    _changes.enter_context(warnings.catch_warnings())
    warnings.simplefilter("always")

    def hear(message, category, filename, lineno, file=None, line=None):
        heard = getattr(_mine, "heard", None)
        if heard is None:
            show(message, category, filename, lineno, file, line)
        elif str(message) not in heard:
            heard.append(str(message))

    warnings.showwarning = hear
