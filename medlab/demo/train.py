"""Makes the demo model from a seed, stage by stage: films, tokenizer, tower, features, language model, guard, folder.

Each stage leaves its result in the work folder; started again, finished stages are not done again. It needs only a
CPU. The weights that medlab carries were made by these stages, the first with an older loss: docs/decisions.md.
"""

import dataclasses
import shutil
from pathlib import Path

import numpy as np

from medlab.core.errors import SpecError
from medlab.demo.language import Shape, build_model, features_of
from medlab.demo.loop import Plan, train
from medlab.demo.pool import draw_shard, read_pool
from medlab.models.guard import FILE

VISION = Plan(steps=7000, learning_rate=1.2e-3, weight_decay=0.05)
AGAIN = Plan(steps=2600, learning_rate=7e-4, weight_decay=0.05)
LANGUAGE = Plan(steps=3000, learning_rate=2e-3, weight_decay=0.02, muon=True)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that the result depends on."""

    shape: Shape = dataclasses.field(default_factory=Shape)
    film_shards: int = 92
    visit_shards: int = 10
    films: int = 8
    """in a batch of one process, while the tower learns"""
    rows: int = 3
    """in a batch of one process, while the language model learns"""
    vision: Plan = VISION
    again: Plan = AGAIN
    language: Plan = LANGUAGE
    cases_of_text: int = 1200
    """patients whose reports the tokenizer is made from"""

    @property
    def shards(self) -> dict[str, int]:
        """Shards that are learned from."""
        return {"films": self.film_shards, "visits": self.visit_shards}


def train_demo(work: Path, out: Path, settings: Settings | None = None, *, say=print) -> Path:
    """Trains the demo model; returns `out`, a folder that `medlab.load_model` reads.

    work  holds the films (1.6 GB) and what each stage has reached; an interrupted run goes on from there
    say   is told of each stage as it begins
    """
    from medlab.demo.tasks import Seeing, SeeingAgain, Speaking

    settings = settings or Settings()
    if out.exists() and any(out.iterdir()):
        raise SpecError(f"{out} is not empty", accepted="a new folder", fix=f"rm -r {out}")
    work.mkdir(parents=True, exist_ok=True)
    pool = work / "pool"
    say("drawing films")
    draw_pool(pool, settings)
    say("tokenizer")
    tokenizer = make_tokenizer(work / "tokenizer", settings)
    say("tower: patches to findings")
    films = (pool, settings.shards, settings.shape, settings.films)
    first = train(Seeing, films, settings.vision, work / "vision")
    tower = train(SeeingAgain, (*films, first), settings.again, work / "vision-again")
    say("features")
    features = make_features(work / "features.npy", pool, tower, settings)
    say("language model: features to words")
    arguments = (pool, settings.shards, settings.shape, features, tokenizer, settings.rows)
    language = train(Speaking, arguments, settings.language, work / "language")
    say("guard")
    guard = make_guard(work / "guard", tower, settings)
    say("folder")
    assemble(out, work / "tokenizer", tower, language, guard, settings)
    return out


def draw_pool(folder: Path, settings: Settings) -> None:
    """Draws every shard that is missing, in as many processes as the vision stage uses."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    jobs = [(i, False) for i in range(settings.film_shards)] + [(i, True) for i in range(settings.visit_shards)]
    with ProcessPoolExecutor(settings.vision.workers, mp_context=get_context("spawn")) as workers:
        waiting = [workers.submit(draw_shard, folder, index, visits=visits) for index, visits in jobs]
        for job in waiting:
            job.result()


def make_tokenizer(folder: Path, settings: Settings) -> Path:
    from medlab.demo.tokens import build_tokenizer, corpus

    if not folder.exists():
        unfinished = folder.with_suffix(".part")
        build_tokenizer(corpus(settings.cases_of_text)).save_pretrained(unfinished)
        unfinished.rename(folder)
    return folder


def load_tower(weights: Path, settings: Settings):
    """The tower of a finished vision stage, without the heads that taught it."""
    import torch

    from medlab.demo.tasks import new_tower

    tower = new_tower(settings.shape)
    state = torch.load(weights, weights_only=True)
    tower.load_state_dict({n.removeprefix("tower."): v for n, v in state.items() if n.startswith("tower.")})
    return tower.eval()


def make_features(file: Path, pool: Path, tower: Path, settings: Settings) -> Path:
    if not file.exists():
        films = read_pool(pool, **settings.shards).films
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, features_of(load_tower(tower, settings), films))
        unfinished.rename(file)
    return file


def make_guard(folder: Path, tower: Path, settings: Settings) -> Path:
    """The guard of the weights as they will be stored, from films that nothing was trained on."""
    import torch

    from medlab.demo.guarding import fit_guard

    if not (folder / FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        fit_guard(load_tower(tower, settings).to(torch.bfloat16).float()).save(folder)
    return folder / FILE


def assemble(out: Path, tokenizer: Path, tower: Path, language: Path, guard: Path, settings: Settings) -> None:
    """The checkpoint folder: bfloat16 safetensors, tokenizer, processor, guard."""
    import torch
    from transformers import AutoTokenizer, Gemma3ImageProcessorPil, Gemma3Processor

    words = AutoTokenizer.from_pretrained(tokenizer)
    eye = load_tower(tower, settings)
    model = build_model(settings.shape, words, eye)
    state = torch.load(language, weights_only=True)
    model.model.multi_modal_projector.load_state_dict(_under(state, "projector."))
    model.model.language_model.load_state_dict(_under(state, "language."))
    unfinished = out.with_name(out.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(unfinished)
    side = settings.shape.size
    images = Gemma3ImageProcessorPil(
        size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_convert_rgb=True
    )
    Gemma3Processor(
        images, words, chat_template=words.chat_template, image_seq_length=settings.shape.tokens
    ).save_pretrained(unfinished)
    shutil.copy(guard, unfinished / FILE)
    if out.exists():
        out.rmdir()
    unfinished.rename(out)


def _under(state: dict, prefix: str) -> dict:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
