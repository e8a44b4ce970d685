"""The whole way of the demo model, very small: films, tokenizer, tower, features, language, guard, a folder."""

import json
from typing import ClassVar

import numpy as np
import pytest

from medlab.core.errors import DataError, SpecError
from medlab.demo import guarding, pool
from medlab.demo.language import Shape
from medlab.demo.loop import Plan, Task, pace, train
from medlab.demo.train import Settings, train_demo
from medlab.models.guard import Guard

SMALL = Settings(
    shape=Shape(patch=56, vision_hidden=32, vision_inner=32, vision_layers=1, hidden=32, inner=32, layers=2, heads=1),
    film_shards=1, visit_shards=1, films=2, rows=1, cases_of_text=4,
    vision=Plan(steps=2, learning_rate=1e-3, weight_decay=0.0, workers=1),
    again=Plan(steps=1, learning_rate=1e-3, weight_decay=0.0, workers=1),
    language=Plan(steps=2, learning_rate=1e-3, weight_decay=0.0, workers=1),
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder, work, what was said)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "SHARD", 4)
        patch.setattr(guarding, "FITTED", 6)
        patch.setattr(guarding, "HELD_OUT", 3)
        # The films are drawn here: a process started anew would not know of the small shards.
        work = tmp_path_factory.mktemp("work")
        for visits in (False, True):
            pool.draw_shard(work / "pool", 0, visits=visits)
        said: list[str] = []
        folder = train_demo(work, tmp_path_factory.mktemp("out") / "demo", SMALL, say=said.append)
        yield folder, work, said


def test_the_folder_holds_a_gemma_3_in_half_precision(trained):
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder, _, said = trained
    model = AutoModelForImageTextToText.from_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    assert type(model).__name__ == "Gemma3ForConditionalGeneration"
    assert model.dtype == torch.bfloat16
    assert model.config.mm_tokens_per_image == 16 == processor.image_seq_length
    assert {"sliding_attention", "full_attention"} == set(model.config.text_config.layer_types)
    assert len(said) == 7


def test_the_folder_holds_only_data(trained):
    names = {path.name for path in trained[0].iterdir()}
    assert {"model.safetensors", "guard.safetensors", "config.json", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".py", ".bin", ".pt", ".pkl", ".part"))]


def test_a_folder_that_is_not_empty_is_refused_before_the_work(trained, tmp_path):
    with pytest.raises(SpecError, match="not empty"):
        train_demo(tmp_path / "work", trained[0], SMALL)
    assert not (tmp_path / "work").exists()


def test_finished_stages_are_not_done_again(trained, tmp_path, monkeypatch):
    _, work, _ = trained
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    monkeypatch.setattr(guarding, "FITTED", 6)
    monkeypatch.setattr(guarding, "HELD_OUT", 3)
    train_demo(work, tmp_path / "again", SMALL, say=lambda text: None)
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()} == before


def test_a_pool_that_was_not_drawn_to_the_end_is_refused(trained):
    with pytest.raises(DataError, match="films-0001"):
        pool.read_pool(trained[1] / "pool", films=2, visits=1)


def test_the_pool_reads_back_what_was_drawn(trained, monkeypatch):
    from medlab.phantom import Phantom
    from medlab.phantom.chance import stream
    from medlab.phantom.worker import VIEWS

    read = pool.read_pool(trained[1] / "pool", films=1, visits=1)
    assert len(read) == 8
    assert read.paired.tolist() == [False] * 4 + [True, False] * 2
    view = str(stream(pool.FIRST_SEED, "pool view").choice(VIEWS))
    case = Phantom(224, pool.STYLE).draw(pool.FIRST_SEED, view=view)
    assert (read.films[0] == pool.film_of(case)).all()
    assert read.boxes[0] == case.boxes
    assert read.findings[0] == tuple(f for f in case.findings if f.state == "present")
    first = [row for row, (film, _) in enumerate(read.owner) if film == 0]
    for row, mask in zip(first, case.masks, strict=False):
        assert (np.unpackbits(read.bits[row], axis=1) == mask.pixels).all()


class Sum(Task):
    """Learns to add: one weight for each of two numbers."""

    shares: ClassVar = {"square": 1.0}

    def __init__(self):
        import torch

        class Module(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.zeros(2))

            def forward(self, numbers):
                return {"square": ((numbers @ self.weight - numbers.sum(1)) ** 2).mean()}

        self.module = Module()

    def batch(self, rng):
        import torch

        return {"numbers": torch.from_numpy(rng.normal(size=(8, 2))).float()}


def weights(file):
    import torch

    return torch.load(file, weights_only=True)["weight"]


def test_the_loop_learns_and_writes_its_curve(tmp_path):
    file = train(Sum, (), Plan(steps=250, learning_rate=0.05, weight_decay=0.0, workers=1), tmp_path)
    assert np.allclose(weights(file), 1, atol=0.05)
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [line["step"] for line in curve] == [100, 200, 250]
    assert curve[0]["square"] > curve[-1]["square"]


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    plan = Plan(steps=150, learning_rate=0.05, weight_decay=0.0, workers=1)
    whole = weights(train(Sum, (), plan, tmp_path / "whole"))
    counted = {"steps": 0}
    batch = Sum.batch

    def broken(self, rng):
        counted["steps"] += 1
        if counted["steps"] == 120:
            raise KeyboardInterrupt
        return batch(self, rng)

    monkeypatch.setattr(Sum, "batch", broken)
    with pytest.raises(KeyboardInterrupt):
        train(Sum, (), plan, tmp_path / "cut")
    train(Sum, (), plan, tmp_path / "cut")
    assert counted["steps"] == 120 + 50, "it goes on from step 100"
    assert (weights(tmp_path / "cut" / "weights.pt") == whole).all()


def test_two_processes_learn_the_same_weights_together(tmp_path):
    file = train(Sum, (), Plan(steps=120, learning_rate=0.05, weight_decay=0.0, workers=2), tmp_path)
    assert np.allclose(weights(file), 1, atol=0.2)


def test_the_pace_rises_and_falls():
    assert pace(0, 1000) == pytest.approx(1 / 60)
    assert pace(59, 1000) > 0.98
    assert pace(999, 1000) < 0.021


def test_the_guard_of_the_folder_is_read_back(trained):
    guard = Guard.load(trained[0])
    assert guard is not None
    assert guard.trained_on == "synthetic chest films"
    assert guard.mean.shape == (64,)
