"""Experiment, Trial, Run: a grid of questions, one cell of it, and all cells with where they came from."""

from collections.abc import Iterator

from medlab.core.answer import Answer
from medlab.core.errors import SpecError
from medlab.core.provenance import Provenance
from medlab.core.query import Decoding
from medlab.core.record import Record, check_text, record


@record
class Experiment(Record):
    """Cases x prompts x models x seeds, before anything is run."""

    name: str
    case_ids: tuple[str, ...]
    prompts: tuple[str, ...]
    """prompt names"""
    models: tuple[str, ...]
    """catalog names"""
    seeds: tuple[int, ...] = (0,)
    decoding: Decoding = Decoding()
    """how every answer is drawn; the seed of a cell stands in for its own"""
    cohort_fingerprint: str = ""

    def __post_init__(self):
        check_text("name", self.name)
        for field in ("case_ids", "prompts", "models", "seeds"):
            values = getattr(self, field)
            if not values or len(set(values)) != len(values):
                raise SpecError(
                    f"{field} has {len(values)} entries, {len(set(values))} different",
                    accepted="at least one, none twice",
                )

    def cells(self) -> Iterator[tuple[str, str, str, int]]:
        """(model, case_id, prompt, seed): models outermost, so that each is loaded once."""
        for model in self.models:
            for case_id in self.case_ids:
                for prompt in self.prompts:
                    for seed in self.seeds:
                        yield model, case_id, prompt, seed

    def __len__(self) -> int:
        return len(self.models) * len(self.case_ids) * len(self.prompts) * len(self.seeds)


@record
class Trial(Record):
    """One cell, run: an answer, or the reason why there is none."""

    model: str
    case_id: str
    prompt: str
    seed: int
    answer: Answer | None = None
    error: str | None = None

    def __post_init__(self):
        if (self.answer is None) == (self.error is None):
            raise SpecError("a Trial has one of answer and error", accepted="Trial(..., answer=…) or (..., error=…)")

    @property
    def cell(self) -> tuple[str, str, str, int]:
        return self.model, self.case_id, self.prompt, self.seed


@record
class Run(Record):
    """All cells that were run, with their provenance."""

    experiment: Experiment
    trials: tuple[Trial, ...]
    provenance: Provenance

    def __post_init__(self):
        cells = [trial.cell for trial in self.trials]
        strangers = set(cells) - set(self.experiment.cells())
        if strangers or len(set(cells)) != len(cells):
            raise SpecError(
                f"{len(strangers)} trial(s) outside the grid, {len(cells) - len(set(cells))} repeated",
                accepted="each cell of the experiment at most once",
            )

    def missing(self) -> tuple[tuple[str, str, str, int], ...]:
        """Cells still to run, in order: what a resumed run asks."""
        done = {trial.cell for trial in self.trials}
        return tuple(cell for cell in self.experiment.cells() if cell not in done)
