"""The demo model's card: what it is, what it can and cannot do, and the table that was measured. Text from data."""

import json
from pathlib import Path

from medlab.demo.measure import Row, as_text

MEASURED = "measured.json"
CARD = "README.md"
ABOUT = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
language: [en, zh]
---

# medlab demo model

A small Gemma 3 vision-language model (`Gemma3ForConditionalGeneration`: SigLIP tower, projector, local and global
attention layers) trained from scratch on **synthetic chest films** drawn by `medlab.Phantom`, and on nothing else. It
exists so that every notebook of medlab runs without a network, a GPU or an account, on a model that really sees what
it is shown.

**Research and teaching only. It has never seen a patient. What it says about a real picture means nothing.**

## What it can do, on synthetic films

Report a frontal film in English or Chinese; answer whether one of nine findings is there, on which side, where, how
large; give boxes in MedGemma 1.5's form, in steps of 10 of 1000; compare two films of one patient; talk over several
turns; say that a film cannot tell what it cannot tell; answer a few text questions about its own little world.

## What it cannot do

- Anything about a real picture. A guard (`guard.safetensors`) measures how far a picture's features are from those of
  synthetic films, and puts a warning on the answer. The warning is right most of the time, not always.
- Tight boxes around what has no sharp edge (consolidation) or is small (nodules): see `box`.
- Findings other than the nine; lateral films; anything but chests; free conversation; other languages.
- Questions in other words than it was taught: it has read templates, not a language.
- Scans after the text: it was taught with the film first.

## How it was made

By the stages of `medlab demo train --work WORK --out OUT`, seed 0, on two CPU cores, one stage at a time. The tower's
first round ran before its loss of boxes was mended, so a fresh run gives other weights; the second round and the
language model ran as the code stands, each in one go. Settings in `medlab/demo/train.py`, what was done and tried in
`docs/decisions.md`. Stored in bfloat16.

## Measured

`medlab demo measure` on {n} fresh phantoms of 224 pixels (seeds from 500,000; training began at 1,000,000). `yes_no`:
balanced accuracy of "Yes" against "No" by log-probability. `report: present`: F1 of the findings that a report names.
`box`: mean overlap (intersection over union) with the true box, 0 where none was given. The others: share that is
right, to the word.

```
{table}
```
"""


def write_card(folder: Path) -> Path:
    """Writes the card beside the weights, from the table that stands there."""
    (folder / CARD).write_text(card_text(folder), "utf-8")
    return folder / CARD


def card_text(folder: Path) -> str:
    rows = tuple(Row(**row) for row in json.loads((folder / MEASURED).read_text("utf-8")))
    n = max(row.n for row in rows if row.task == "yes_no")
    return ABOUT.format(n=n, table=as_text(rows))
