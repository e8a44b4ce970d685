"""The tiny checkpoints as HFModels, and transformers' own answers to compare with."""

import os

import numpy as np
import pytest

from medlab.core.query import Decoding, Message, Part, Query
from medlab.core.scan import Scan

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def loaded(folder, **changes):
    """A fresh HFModel of a tiny folder, with the conventions of a model that nothing is known of."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

    from medlab.models.conventions import Conventions
    from medlab.models.hf.model import HFModel

    if (folder / "processor_config.json").exists():
        module, processor = AutoModelForImageTextToText.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    else:
        module, processor = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return HFModel(module, processor, **{"name": "tiny", "conventions": Conventions(), "fingerprint": "f"} | changes)


@pytest.fixture(scope="session")
def load():
    return loaded


@pytest.fixture(scope="session")
def shared_vision(tiny_gemma3):
    return loaded(tiny_gemma3)


@pytest.fixture
def vision(shared_vision):
    """The tiny Gemma 3, remembering nothing of earlier tests."""
    shared_vision.forget()
    return shared_vision


@pytest.fixture(scope="session")
def text(tiny_gemma3_text):
    return loaded(tiny_gemma3_text)


@pytest.fixture(scope="session")
def scans() -> list[Scan]:
    """Four pictures of noise, each of another shape, one in colour."""
    rng = np.random.default_rng(0)
    shapes = [(90, 70), (112, 112), (60, 130), (80, 80, 3)]
    return [Scan(rng.integers(0, 256, shape, np.uint8).astype(np.float32) / 255, f"scan{i}") for i, shape in enumerate(shapes)]


@pytest.fixture(scope="session")
def make_query():
    """`make_query(scan, "text", scan, ..., limit=…)`: one user turn of scans and texts in that order."""

    def make(*pieces, limit: int = 12, **decoding) -> Query:
        shown = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, Scan)))
        parts = [Part(scan=shown.index(p)) if isinstance(p, Scan) else Part(text=p) for p in pieces]
        return Query((Message("user", tuple(parts)),), shown, Decoding(max_new_tokens=limit, **decoding))

    return make


@pytest.fixture(scope="session")
def theirs():
    """Token ids that transformers' own generate gives greedily, and the text of its pipeline, for one query."""

    def run(model, query: Query) -> tuple[list[int], str]:
        import torch
        from PIL import Image
        from transformers import pipeline

        processor, limit = model.processor, query.decoding.max_new_tokens
        if query.scans:
            pictures = [Image.fromarray(scan.to_uint8()).convert("RGB") for scan in query.scans]
            content = [
                {"type": "text", "text": part.text} if part.scan is None else {"type": "image", "image": pictures[part.scan]}
                for part in query.messages[0].parts
            ]
        else:
            content = query.messages[0].parts[0].text
        turns = [{"role": "user", "content": content}]
        settings = {"max_new_tokens": limit, "do_sample": False}
        if model.capabilities.images == 0:
            pipe = pipeline("text-generation", model=model.module, tokenizer=processor)
            text = pipe(turns, return_full_text=False, **settings)[0]["generated_text"]
        else:
            if not query.scans:
                turns = [{"role": "user", "content": [{"type": "text", "text": content}]}]
            pipe = pipeline("image-text-to-text", model=model.module, processor=processor)
            text = pipe(text=turns, return_full_text=False, generate_kwargs=settings)[0]["generated_text"]
        inputs = processor.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        with torch.no_grad():
            ids = model.module.generate(**inputs, **settings)[0, inputs["input_ids"].shape[1] :].tolist()
        return ids, text

    return run
