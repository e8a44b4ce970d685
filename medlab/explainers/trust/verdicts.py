"""Cards on disk, found again by model and method: what a map's verdict is read from. It runs no test."""

import functools
import os
import pathlib

from medlab.core.errors import MedlabError
from medlab.explainers.base import Method
from medlab.explainers.trust.bench import digest_of, trust_folder
from medlab.explainers.trust.card import RANDOMISED, TrustCard


def verdict_for(model_fingerprint: str, method: Method) -> str | None:
    """One line on how far this method's maps of this model may be believed; None where it was never tested."""
    card = card_for(model_fingerprint, method)
    return None if card is None else card.verdict


def card_for(model_fingerprint: str, method: Method) -> TrustCard | None:
    """The kept card of a method, with these very options, on a model; None where there is none that can be read."""
    if not model_fingerprint:
        return None
    path = _path(model_fingerprint, method.name, method.settings)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, MedlabError, UnicodeDecodeError):
        return None


def keep(card: TrustCard) -> None:
    """Keep a card for `card_for`, but not in place of one that rests on more tests, or more films, of the same kind.

    A model without a fingerprint cannot be told from others: nothing is kept. A full disk is no error.
    """
    if not card.model_fingerprint:
        return
    path = _path(card.model_fingerprint, card.method, card.settings)
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        known = _read(path, path.stat().st_mtime_ns)
        if known.cohort == card.cohort and _weight(known) > _weight(card):
            return
    except (OSError, MedlabError, UnicodeDecodeError):
        pass  # none, or none that can be read
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(card.to_json(), "utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)


def _path(model_fingerprint: str, name: str, settings: tuple[tuple[str, str], ...]) -> pathlib.Path:
    return trust_folder() / model_fingerprint / f"{name}-{digest_of(settings)}.json"


def _weight(card: TrustCard) -> tuple[bool, int]:
    return card.score(RANDOMISED) is not None, card.films


@functools.lru_cache(maxsize=256)
def _read(path: pathlib.Path, changed: int) -> TrustCard:
    """The card in a file that was last changed then."""
    return TrustCard.from_json(path.read_text("utf-8"))
