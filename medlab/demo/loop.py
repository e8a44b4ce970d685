"""One loop that trains anything here: several processes of one thread each, a cosine of learning rates, a checkpoint.

Interrupted, it goes on from its last checkpoint; batches are drawn from (seed, step, process), so that it goes on with
what it would have seen. It does not know what is being learned.
"""

import abc
import dataclasses
import datetime
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

WARM_UP = 60
"""steps in which the learning rate rises"""
SAVE_EVERY = 100
"""steps between checkpoints and lines of the curve"""


class Task(abc.ABC):
    """What a process trains. Built anew in each process."""

    module: "torch.nn.Module"
    """whose forward takes what `batch` gives and returns the loss of each part"""
    shares: dict[str, float]
    """of each part in the loss"""

    @abc.abstractmethod
    def batch(self, rng: np.random.Generator) -> dict:
        """The arguments of one forward."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long and how fast."""

    steps: int
    learning_rate: float
    weight_decay: float
    workers: int = 2
    seed: int = 0
    muon: bool = False
    """the matrices of layers are moved by Muon, the rest by AdamW as always"""


def train(build: Callable[..., Task], arguments: tuple, plan: Plan, folder: Path) -> Path:
    """Trains `build(*arguments)` and returns the file of its final weights; done already, it only returns it.

    `build` and `arguments` go to other processes, so they must pickle. Writes `curve.jsonl` beside the weights.
    """
    final = folder / "weights.pt"
    if final.exists():
        return final
    folder.mkdir(parents=True, exist_ok=True)
    meeting = folder / "meeting"
    meeting.unlink(missing_ok=True)
    if plan.workers == 1:
        _work(0, build, arguments, plan, folder)
    else:
        from torch import multiprocessing

        multiprocessing.start_processes(
            _work, (build, arguments, plan, folder), nprocs=plan.workers, start_method="spawn"
        )
    return final


def _work(rank: int, build: Callable[..., Task], arguments: tuple, plan: Plan, folder: Path) -> None:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    task = build(*arguments)
    module = task.module.train()
    forward = module
    if plan.workers > 1:
        distributed.init_process_group(
            "gloo", init_method=f"file://{(folder / 'meeting').resolve()}", rank=rank, world_size=plan.workers,
            timeout=datetime.timedelta(minutes=30),
        )  # fmt: skip
        forward = torch.nn.parallel.DistributedDataParallel(module)
    adam, muon = make_optimizers(module, plan, rank)
    checkpoint, done = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        module.load_state_dict(state["module"])
        adam.load_state_dict(state["adam"])
        muon.load_state_dict(state["muon"])
        done = state["step"]
    torch.manual_seed(plan.seed + 1 + rank + 1000 * done)
    losses, started = [], time.monotonic()
    for step in range(done, plan.steps):
        rate = plan.learning_rate * pace(step, plan.steps)
        for group in adam.param_groups:
            group["lr"] = rate
        parts = forward(**task.batch(np.random.default_rng([plan.seed, step, rank])))
        loss = sum(task.shares[name] * part for name, part in parts.items())
        module.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        adam.step()
        muon.step(rate)
        losses.append({name: part.item() for name, part in parts.items()})
        if rank == 0 and ((step + 1) % SAVE_EVERY == 0 or step + 1 == plan.steps):
            _note(folder / "curve.jsonl", step + 1, losses, time.monotonic() - started)
            losses = []
            reached = {"adam": adam.state_dict(), "muon": muon.state_dict(), "step": step + 1}
            _save({"module": module.state_dict(), **reached}, checkpoint)
    if rank == 0:
        _save(module.state_dict(), folder / "weights.pt")
    if plan.workers > 1:
        distributed.barrier()
        distributed.destroy_process_group()


def make_optimizers(module, plan: Plan, rank: int = 0):
    """(AdamW, Muon); vectors (norms, biases) do not decay, and Muon has nothing to do unless the plan wants it."""
    import torch

    from medlab.demo.muon import Muon

    learnt = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    inner = {name: p for name, p in learnt.items() if plan.muon and p.ndim == 2 and ".layers." in name}
    outer = [parameter for name, parameter in learnt.items() if name not in inner]
    adam = torch.optim.AdamW(
        [
            {"params": [p for p in outer if p.ndim > 1], "weight_decay": plan.weight_decay},
            {"params": [p for p in outer if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=plan.learning_rate,
        betas=(0.9, 0.98),
    )
    return adam, Muon(list(inner.values()), plan.weight_decay, rank, plan.workers)


def pace(step: int, steps: int) -> float:
    """The share of the learning rate at a step: a short rise, then half a cosine down to a fiftieth."""
    return min(1.0, (step + 1) / WARM_UP) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))


def _note(file: Path, step: int, losses: list[dict[str, float]], seconds: float) -> None:
    line = {name: round(float(np.mean([loss[name] for loss in losses])), 4) for name in losses[0]}
    with file.open("a", encoding="utf-8") as curve:
        curve.write(json.dumps({"step": step, "seconds": round(seconds), **line}) + "\n")


def _save(state: dict, file: Path) -> None:
    import torch

    unfinished = file.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.replace(file)
