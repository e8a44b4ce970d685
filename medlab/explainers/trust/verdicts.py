"""Cards on disk, found again by model and method: what a map's verdict is read from. It runs no test.

Those of the demo model come with medlab (SHIPPED, written by `medlab trust --model demo`); what a study finds here is
kept in medlab's cache. A checkpoint's own folder is not looked into: whoever made it would judge themselves.
"""

import functools
import os
import pathlib
from typing import TYPE_CHECKING

from medlab.core.errors import MedlabError
from medlab.explainers.base import Method
from medlab.explainers.trust.bench import digest_of, trust_folder
from medlab.explainers.trust.card import LANGUAGES, RANDOMISED, TrustCard, TrustTable

if TYPE_CHECKING:
    from medlab.models.base import Model

SHIPPED = pathlib.Path(__file__).parent / "shipped"
"""folder of TrustTables, each the trust.json of one study"""


def key_of(model: "Model") -> str:
    """What a model's cards are kept by: its weights, whatever release of torch computes; empty where not known."""
    return model.weights_fingerprint or model.fingerprint


def verdict_for(model_fingerprint: str, method: Method) -> str | None:
    """One line on how far this method's maps of this model may be believed; None where it was never tested."""
    card = card_for(model_fingerprint, method)
    return None if card is None else card.verdict


def card_for(model_fingerprint: str, method: Method) -> TrustCard | None:
    """The card of a method, with these very options, on a model; None where there is none that can be read.

    Of several, kept here for one language or the other or come with medlab, that which rests on more.
    """
    if not model_fingerprint:
        return None
    wanted = model_fingerprint, method.name, method.settings
    kept = [_kept(_path(*wanted, language)) for language in LANGUAGES]
    found = [one for one in (*kept, _shipped().get(wanted)) if one is not None and _about(one) == wanted]
    return max(found, key=_weight, default=None)


def shipped_cards() -> list[TrustCard]:
    """Those that come with medlab, one for each model, method and options."""
    return list(_shipped().values())


def keep(card: TrustCard) -> None:
    """Keep a card for `card_for`, but not in place of one that rests on more tests, or more films, of the same kind.

    A model without a fingerprint cannot be told from others: nothing is kept. A full disk is no error.
    """
    if not card.model_fingerprint:
        return
    path = _path(*_about(card), card.language)
    part = path.with_suffix(f".{os.getpid()}.part")
    known = _kept(path)
    if known is not None and known.cohort == card.cohort and _weight(known) > _weight(card):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(card.to_json(), "utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)


def _path(model_fingerprint: str, name: str, settings: tuple[tuple[str, str], ...], language: str) -> pathlib.Path:
    asked = "" if language == "en" else f"-{language}"
    return trust_folder() / model_fingerprint / f"{name}-{digest_of(settings)}{asked}.json"


def _about(card: TrustCard) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """The model, method and options that a card says it judges, whatever its file is called."""
    return card.model_fingerprint, card.method, card.settings


def _weight(card: TrustCard) -> tuple[bool, int]:
    return card.score(RANDOMISED) is not None, card.films


def _kept(path: pathlib.Path) -> TrustCard | None:
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, MedlabError, UnicodeDecodeError):
        return None  # none, or none that can be read


@functools.cache
def _shipped() -> dict[tuple[str, str, tuple[tuple[str, str], ...]], TrustCard]:
    """By model, method and options; of two, that which rests on more."""
    tables = [TrustTable.from_json(path.read_text("utf-8")) for path in SHIPPED.glob("*.json")]
    cards = sorted((card for table in tables for card in table.cards), key=_weight)
    return {(card.model_fingerprint, card.method, card.settings): card for card in cards}


@functools.lru_cache(maxsize=256)
def _read(path: pathlib.Path, changed: int) -> TrustCard:
    """The card in a file that was last changed then."""
    return TrustCard.from_json(path.read_text("utf-8"))
