"""TrustCard: what the tests of trust found of one method on one model, and the one line that each of its maps carries.

The burden of proof is the method's: what was not tested, or on too few films, was not shown. It judges numbers that
`study` has gathered and runs nothing.
"""

from medlab.core.attribution import NOT_TRUSTED
from medlab.core.errors import SpecError, UnknownName
from medlab.core.record import Record, check_choice, check_text, check_whole, record
from medlab.core.score import Score, Scorecard
from medlab.explainers.trust.controls import CONTROLS

LANGUAGES = {"en": "English", "zh": "Chinese"}
ENOUGH = 30
"""films below which no method is ranked or believed"""
ENOUGH_TESTED = 10
"""films below which a test of sanity says nothing"""
MOSTLY = 0.5
"""what a map must do more often than not: hit, and point at each of two findings; and not, with shuffled weights"""
ALIKE = 0.5
"""rank correlation from which two maps of different things are called the same map"""
CAVEATS = (
    "Where the model is right, and on the films that were shown: another model or another kind of film is untested.",
    "That a map points at the lesion does not show that the model's answer rests on it.",
    "Deletion and insertion put tokens before the model that it has never seen.",
)


@record
class TrustCard(Record):
    """How far one method has earned trust on one model."""

    method: str
    settings: tuple[tuple[str, str], ...]
    """(option, value): with the name, which method it is"""
    model: str
    model_fingerprint: str
    """of weights, processor and settings; the releases that computed stand in the scorecard's provenance"""
    cohort: str
    """where the films came from, such as "phantom" """
    films: int
    """that gave at least one map to judge"""
    scorecard: Scorecard
    faults: tuple[str, ...] = ()
    """why its maps were not shown to be trustworthy, in a few words each; () where they were"""
    language: str = "en"
    """of the questions, one of LANGUAGES"""

    def __post_init__(self):
        check_choice("language", self.language, tuple(LANGUAGES))
        check_text("method", self.method)
        check_whole("films", self.films)

    @property
    def trustworthy(self) -> bool:
        """Whether it passed every test that a verdict needs."""
        return not self.faults

    @property
    def verdict(self) -> str:
        """One line: where it points, beside chance and edges; whether it survives shuffled weights, and tells findings
        apart; on what; and the judgement.

        Surviving is bad: the map then does not show what the model knows.
        """
        hit, told = self.score("hit"), "localises: not tested"
        if hit is not None:
            beside = [f"{name} {one.value:.2f}" for name in CONTROLS if (one := self.score(f"hit of {name}"))]
            told = f"localises {hit.value:.2f} [{hit.ci_low:.2f}, {hit.ci_high:.2f}]"
            told += f"{self._worst} vs {', '.join(beside)}"
        told += f"; survives randomisation: {_survives(self.score(RANDOMISED), self.score(STILL_HITS))}"
        told += f"; tells two findings apart: {_told_apart(self.score(APART))}"
        told += f" ({self.films} films, {self.cohort}; yes/no questions in {LANGUAGES[self.language]} answered right)"
        return told if self.trustworthy else f"{NOT_TRUSTED} ({'; '.join(self.faults)}): {told}"

    def score(self, name: str) -> Score | None:
        """A score by name, or None where it was not to be had."""
        return next((score for score in self.scorecard.scores if score.name == name), None)

    @property
    def _worst(self) -> str:
        """The finding that is hit least often: the mean hides it."""
        of = "hit: "
        told = [one for one in self.scorecard.scores if one.name.startswith(of) and one.n >= ENOUGH_TESTED]
        least = min(told, key=lambda one: one.value, default=None)
        return "" if least is None else f", {least.value:.2f} for {least.name.removeprefix(of).replace('_', ' ')},"

    def __repr__(self) -> str:
        return f"TrustCard({self.method} on {self.model}: {self.verdict})"


RANDOMISED = "alike with all weights shuffled"
FINDING = "alike for another finding"
APART = "points at each of two findings"
STILL_HITS = "hit with all weights shuffled"
NO, YES, IN_DOUBT, NOT_TESTED = "no", "yes", "not ruled out", "not tested"


def faults_of(scores: dict[str, Score], method: str) -> tuple[str, ...]:
    """Why a method with these scores has not earned trust."""
    hit = scores.get("hit")
    if hit is None:
        return ("no film on which it could be judged",)
    if hit.n < ENOUGH:
        return (f"{hit.n} films of the {ENOUGH} that a verdict needs",)
    faults = []
    if hit.ci_low <= MOSTLY:
        faults.append(
            "not shown to hit more often than it misses" if hit.value > MOSTLY else "misses more often than it hits"
        )
    if method in CONTROLS:
        faults.append("a control, which knows nothing of the model")
    for control in CONTROLS:
        above = scores.get(f"hit above {control}")
        if control != method and (above is None or above.ci_low <= 0):
            faults.append(f"points no better than {control}")
    still = scores.get(STILL_HITS)
    for name, told, wanted, fault, doubt in (
        (RANDOMISED, _alike(scores.get(RANDOMISED)), NO, "survives shuffled weights",
         "not shown to fall with the weights"),
        (STILL_HITS, NO if still is None else _mostly(still), NO, "still hits with shuffled weights",
         "not shown to miss with shuffled weights"),
        (APART, _mostly(scores.get(APART)), YES, "does not tell findings apart", "not shown to tell findings apart"),
    ):  # fmt: skip
        if told == NOT_TESTED:
            faults.append(f'"{name}" not tested')
        elif told != wanted:
            faults.append(doubt if told == IN_DOUBT else fault)
    return tuple(faults)


def _mostly(score: Score | None) -> str:
    """Whether a share is above one half: YES and NO where the whole interval says so, else IN_DOUBT; or NOT_TESTED."""
    if score is None or score.n < ENOUGH_TESTED:
        return NOT_TESTED
    return YES if score.ci_low > MOSTLY else NO if score.ci_high < MOSTLY else IN_DOUBT


def _alike(score: Score | None) -> str:
    """Whether two maps are the same: NO and YES where the whole interval says so, else IN_DOUBT; or NOT_TESTED."""
    if score is None or score.n < ENOUGH_TESTED:
        return NOT_TESTED
    return NO if score.ci_high < ALIKE else YES if score.ci_low >= ALIKE else IN_DOUBT


def _survives(alike: Score | None, still: Score | None) -> str:
    """Whether shuffled weights leave the map, or its hits, as they were: the worse of the two."""
    answers = (_alike(alike), NO if still is None else _mostly(still))
    told = next(answer for answer in (NOT_TESTED, YES, IN_DOUBT, NO) if answer in answers)
    hits = "" if still is None else f", hits {still.value:.2f}"
    return told if told == NOT_TESTED else f"{told} (rank correlation {alike.value:.2f}{hits})"


def _told_apart(score: Score | None) -> str:
    told = _mostly(score)
    return told if told == NOT_TESTED else f"{'not shown' if told == IN_DOUBT else told} ({score.value:.2f})"


@record
class TrustTable(Record):
    """The cards of one study: the methods, and the controls beside them."""

    cards: tuple[TrustCard, ...]
    shown: int
    """films that were put before the model"""
    asked: int
    """questions about findings that are there"""
    right: int
    """of which the model answered so many right; only these are judged"""
    left_out: tuple[str, ...] = ()
    """methods that cannot work on this model, with the reason"""

    def __getitem__(self, method: str) -> TrustCard:
        """The card of a method; of several with other settings, the first."""
        for card in self.cards:
            if card.method == method:
                return card
        raise UnknownName("card", method, [card.method for card in self.cards])

    def ranked(self) -> tuple[TrustCard, ...]:
        """The trustworthy first, then by hits, controls last. Raises SpecError on fewer films than ENOUGH."""
        fewest = min((card.films for card in self.cards), default=0)
        if fewest < ENOUGH:
            raise SpecError(
                f"a ranking on {fewest} film(s)",
                accepted=f"at least {ENOUGH} with a right answer",
                fix="trust(..., n=200): what was found so far is kept",
            )
        return tuple(
            sorted(
                self.cards,
                key=lambda card: (card.method in CONTROLS, not card.trustworthy, -card.scorecard["hit"].value),
            )
        )

    def text(self) -> str:
        """A line a method: hits, of which findings fewest, energy, areas, likeness; then its verdict."""
        names = ("hit", APART, "elsewhere", "lift", "iou best", "auroc", "deletion mean", "insertion mean")
        alike = {RANDOMISED: "shuffled", FINDING: "finding", "alike for an absent finding": "absent"}
        alike |= {"alike for another word": "word", "change under noise": "noise"}
        few = any(card.films < ENOUGH for card in self.cards)
        cards = self.cards if few else self.ranked()
        heading = ["method", "films", *(("apart" if n == APART else n) for n in names), *alike.values()]
        rows = [[_label(card), str(card.films), *(_cell(card.score(n)) for n in (*names, *alike))] for card in cards]
        widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in [heading, *rows]]
        lines += [f"not ranked: fewer than {ENOUGH} films"] if few else []
        lines += ["", *(f"{_label(card)}: {card.verdict}" for card in cards)]
        lines += [f"left out: {one}" for one in self.left_out]
        lines += ["", f"{self.shown} films, {self.asked} questions about what is there, {self.right} answered right"]
        return "\n".join(line.rstrip() for line in lines)


def _cell(score: Score | None) -> str:
    return "-" if score is None else f"{score.value:.2f}"


def _label(card: TrustCard) -> str:
    return " ".join((card.method, *(f"{option}={value}" for option, value in card.settings)))
