"""Score and Scorecard: a number with its n, its interval and the question it answers."""

from medlab.core.errors import SpecError, UnknownName
from medlab.core.provenance import Provenance
from medlab.core.record import Record, check_choice, check_number, check_text, check_whole, record

DIRECTIONS = ("higher", "lower", "target")


@record
class Score(Record):
    name: str
    value: float
    n: int
    """how many independent units (patients, not sentences) it rests on"""
    ci_low: float
    ci_high: float
    """95 % interval unless `interval` says otherwise"""
    direction: str = "higher"
    """one of DIRECTIONS: which way is better"""
    question: str = ""
    """what the number answers, in words"""
    interval: str = "95 % bootstrap"
    bias: float | None = None
    """mean over the resamples less the value, for a number that resampling shifts (a calibration error, a best
    threshold): only then may the value lie outside its own interval, and the text says so"""

    def __post_init__(self):
        check_text("name", self.name)
        check_whole("n", self.n, 1)
        for field in ("value", "ci_low", "ci_high"):
            check_number(field, getattr(self, field))
        if self.bias is not None:
            check_number("bias", self.bias)
        outside = not self.ci_low <= self.value <= self.ci_high
        if self.ci_low > self.ci_high or (outside and not self.bias):
            raise SpecError(
                f"{self.name} = {self.value:g} outside [{self.ci_low:g}, {self.ci_high:g}]",
                accepted="ci_low <= value <= ci_high",
                fix="an interval corrected for bias, or bias=(mean of the resamples) - value" if outside else "",
            )
        check_choice("direction", self.direction, DIRECTIONS)

    def __str__(self) -> str:
        shift = f", resampling shifts it by {self.bias:+.3f}" if self.bias is not None else ""
        return f"{self.name} {self.value:.3f} [{self.ci_low:.3f}, {self.ci_high:.3f}] (n={self.n}{shift})"


@record
class Scorecard(Record):
    title: str
    scores: tuple[Score, ...]
    provenance: Provenance | None = None
    caveats: tuple[str, ...] = ()
    """what the numbers do not mean"""

    def __post_init__(self):
        check_text("title", self.title)
        names = [score.name for score in self.scores]
        if len(set(names)) != len(names):
            raise SpecError(f"scorecard {self.title!r} names a score twice", accepted="each name once")

    def __getitem__(self, name: str) -> Score:
        found = next((score for score in self.scores if score.name == name), None)
        if found is None:
            raise UnknownName("score", name, [score.name for score in self.scores])
        return found
