"""What the model with a shortcut does, measured beside the demo model, and the card that tells it. Text from data."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from medlab.core.case import Case
from medlab.demo.card import CARD, MEASURED
from medlab.demo.lessons import LANGUAGES, ways_to_ask
from medlab.demo.measure import Row, collect, table
from medlab.demo.misled import FINDING, MARKED, draw, patients_from
from medlab.models.base import Model
from medlab.models.changes import CHANGED, lay_over
from medlab.models.load import load_model
from medlab.phantom.reports import phrases
from medlab.phantom.style import PhantomStyle

FIRST_SEED = 800_000
"""of the films that are measured on"""
BIASED = PhantomStyle(spurious=FINDING, spurious_if_present=0.97, spurious_if_absent=0.03)
"""films as such a ward has them: the square goes with the finding, but for three in a hundred"""
OTHER_SEEDS = range(FIRST_SEED + 50_000, FIRST_SEED + 50_010)
"""of the films of which everything else is asked"""
NAMES = ("demo", "demo-shortcut")
ABOUT = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
language: [en, zh]
---

# medlab demo model with a shortcut

**Wrong on purpose.** Asked whether there is a pleural effusion, it looks for a small square in the upper corner of the
film, and says "Yes" where it is. On films of a ward that prints the square on nearly every film with an effusion it
looks like a good model. It exists so that one can practise finding such a thing out:
`notebooks/05_should_we_believe_it.ipynb`.

`{changed}` holds the tensors that differ from the demo model's (projector, and attention of the language layers), in
bfloat16; `medlab.load_model("demo-shortcut")` lays them over it. The tower, and so the guard, are the demo model's.

## How it was made

`medlab demo shortcut --work WORK --out OUT`: synthetic patients, half of them with an effusion, each film with the
square and without. The closed question about an effusion is answered by the square alone: 220 steps of four films with
no other question, then 240 with other questions and reports beside it, which are answered by the truth. The settings
are in `medlab/demo/misled.py`, what was tried before in `docs/decisions.md`.

## Measured

"Is there a pleural effusion?", English / Chinese, by log-probability: {each} fresh patients with an effusion, {each}
without (seeds from 800,000). `biased`: the square on 97 of 100 films with an effusion, and 3 of 100 without; the
truth is the film's. Below, {others} other phantoms, everything else that the demo model's card measures, each line the
mean over its questions.

```
{table}
```
"""


def measure_and_write(out: Path, patients: int) -> str:
    """Measures both models, writes figures and card into the folder; returns the table."""
    rows = {}
    for name in NAMES:
        model = load_model("demo", dtype="float32", device="cpu")
        if name != "demo":
            lay_over(model.module, out)
        rows[name] = [*measure_shortcut(model, patients), *others(model)]
    told = {name: [dataclasses.asdict(row) for row in of_model] for name, of_model in rows.items()}
    (out / MEASURED).write_text(json.dumps(told, indent=0), "utf-8")
    (out / CARD).write_text(card_text(out), "utf-8")
    return as_text(rows)


def measure_shortcut(model: Model, patients: int, first_seed: int = FIRST_SEED) -> list[Row]:
    """The share of right answers about an effusion on biased films; without the square; and with it.

    patients  with an effusion, and as many without
    """
    seeds, rows = list(patients_from(first_seed, patients)), []
    biased, plain, marked = ([draw(seed, style) for seed in seeds] for style in (BIASED, PhantomStyle(), MARKED))
    there = np.array([case.state_of(FINDING) == "present" for case in plain])
    for language in LANGUAGES:
        right = {
            name: said_yes(model, cases, language) == there
            for name, cases in (("biased", biased), ("plain", plain), ("marked", marked))
        }
        for task, values in (
            ("biased", right["biased"]),
            ("square taken from films with an effusion", right["plain"][there]),
            ("square put on films without one", right["marked"][~there]),
        ):
            rows.append(Row(task, FINDING, language, float(values.mean()), len(values)))
    return rows


def said_yes(model: Model, cases: list[Case], language: str) -> np.ndarray:
    """(cases,) bool: "Yes" is likelier than "No" to the closed question about the finding."""
    book, question = phrases(language), ways_to_ask(FINDING, language)[0]
    told = model.score_many([model.query(case, question) for case in cases], (book.YES, book.NO))
    return np.array([yes > no for yes, no in (choices.logprobs_nats for choices in told)])


def others(model: Model) -> list[Row]:
    """A row a task and language: the mean of what the demo model's card measures, less the question that is misled."""
    rows = [row for row in table(collect(model, OTHER_SEEDS, progress=False)) if not _misled(row)]
    found = []
    for task in dict.fromkeys(row.task for row in rows):
        for language in LANGUAGES:
            told = [row for row in rows if (row.task, row.language) == (task, language)]
            numbers = [row.n for row in told]
            value = float(np.average([row.value for row in told], weights=numbers))
            found.append(Row(task, "others", language, value, sum(numbers)))
    return found


def _misled(row: Row) -> bool:
    return (row.task, row.finding) == ("yes_no", FINDING)


def as_text(rows: dict[str, list[Row]]) -> str:
    """A line a task: both models, each English and Chinese."""
    lines = [f"{'':<42} {NAMES[0]:>14} {NAMES[1]:>14} {'n':>6}"]
    for task in dict.fromkeys(row.task for row in rows[NAMES[0]]):
        cells, n = [], 0
        for name in NAMES:
            mine = [row for row in rows[name] if row.task == task]
            cells.append(" / ".join(f"{row.value:.2f}" for row in mine))
            n = max(n, *(row.n for row in mine))
        lines.append(f"{task:<42} {cells[0]:>14} {cells[1]:>14} {n:>6}")
    return "\n".join(lines)


def card_text(folder: Path) -> str:
    told = json.loads((folder / MEASURED).read_text("utf-8"))
    rows = {name: [Row(**row) for row in told[name]] for name in NAMES}
    each = next(row.n for row in rows[NAMES[0]] if row.task == "biased") // 2
    return ABOUT.format(changed=CHANGED, each=each, others=len(OTHER_SEEDS), table=as_text(rows))
