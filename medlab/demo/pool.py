"""The films that the demo model learns from: drawn once, kept on disk in shards, and read back as arrays.

A shard is written whole or not at all, so an interrupted drawing goes on where it stopped. It knows nothing of models.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np

from medlab.core.case import Box, Case, Finding
from medlab.core.errors import DataError
from medlab.phantom.chance import stream
from medlab.phantom.style import PREVALENCE, PhantomStyle
from medlab.phantom.worker import VIEWS, Phantom

SIZE = 224
SHARD = 250
"""cases in a shard; a pair of visits counts as two"""
FIRST_SEED = 1_000_000
"""of the single films; tests and benchmarks draw below it"""
FIRST_VISIT_SEED = 2_000_000
STYLE = PhantomStyle(normal_fraction=0.12, prevalence=tuple((n, 0.45 if n == "nodule" else p) for n, p in PREVALENCE))
"""more nodules than usual: they are the hardest to see"""


@dataclasses.dataclass
class Pool:
    """Films with their truth. Films of one pair of visits stand side by side."""

    films: np.ndarray
    """(n, 224, 224) uint8"""
    findings: list[tuple[Finding, ...]]
    boxes: list[tuple[Box, ...]]
    bits: np.ndarray
    """(m, 224, 28) uint8: the masks of all present findings, packed along the columns"""
    owner: np.ndarray
    """(m, 2) int: the film, and which of its findings, each mask belongs to"""
    paired: np.ndarray
    """(n,) bool: the first of two visits"""

    def __len__(self) -> int:
        return len(self.films)


def draw_shard(folder: Path, index: int, *, visits: bool) -> Path:
    """Draws shard `index` of single films or of pairs of visits, unless it is there already."""
    path = folder / f"{'visits' if visits else 'films'}-{index:04d}.npz"
    if path.exists():
        return path
    phantom, cases = Phantom(SIZE, STYLE), []
    for number in range(index * SHARD, (index + 1) * SHARD, 2 if visits else 1):
        seed = (FIRST_VISIT_SEED if visits else FIRST_SEED) + number
        view = str(stream(seed, "pool view").choice(VIEWS))
        cases += phantom.visits(seed, view) if visits else (phantom.draw(seed, view=view),)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, **_arrays(cases))
    unfinished.replace(path)
    return path


def read_pool(folder: Path, *, films: int, visits: int) -> Pool:
    """The first `films` shards of single films and `visits` shards of pairs. Raises DataError where one is missing."""
    names = [f"films-{i:04d}.npz" for i in range(films)] + [f"visits-{i:04d}.npz" for i in range(visits)]
    shards = []
    for name in names:
        if not (folder / name).exists():
            raise DataError(
                "missing_file", f"{name} in the pool of films", accepted="a pool that was drawn to the end"
            )
        with np.load(folder / name) as shard:
            shards.append({key: shard[key] for key in shard.files})
    starts = np.cumsum([0, *(len(shard["films"]) for shard in shards)])
    labels = [json.loads(str(text)) for shard in shards for text in shard["labels"]]
    return Pool(
        films=np.concatenate([shard["films"] for shard in shards]),
        findings=[tuple(Finding.from_dict(f) for f in label["findings"]) for label in labels],
        boxes=[tuple(Box.from_dict(b) for b in label["boxes"]) for label in labels],
        bits=np.concatenate([shard["bits"] for shard in shards]),
        owner=np.concatenate([shard["owner"] + [start, 0] for shard, start in zip(shards, starts, strict=False)]),
        paired=np.concatenate([
            (np.arange(len(shard["films"])) % 2 == 0) & name.startswith("visits")
            for shard, name in zip(shards, names, strict=True)
        ]),
    )  # fmt: skip


def film_of(case: Case) -> np.ndarray:
    """The case's only scan as (224, 224) uint8, as an 8-bit file would hold it."""
    return np.round(case.scans[0].pixels * 255).astype(np.uint8)


def _arrays(cases: list[Case]) -> dict[str, np.ndarray]:
    labels, bits, owner = [], [], []
    for number, case in enumerate(cases):
        present = [finding for finding in case.findings if finding.state == "present"]
        for index in range(len(present)):
            # The worker lists the findings' masks first, in their order.
            bits.append(np.packbits(case.masks[index].pixels, axis=1))
            owner.append((number, index))
        labels.append(json.dumps({
            "findings": [finding.to_dict() for finding in present], "boxes": [box.to_dict() for box in case.boxes],
        }))  # fmt: skip
    return {
        "films": np.stack([film_of(case) for case in cases]),
        "bits": np.stack(bits) if bits else np.zeros((0, SIZE, SIZE // 8), np.uint8),
        "owner": np.asarray(owner, np.int32).reshape(-1, 2),
        "labels": np.asarray(labels),
    }
