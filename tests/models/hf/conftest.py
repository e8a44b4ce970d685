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
    return [
        Scan(rng.integers(0, 256, shape, np.uint8).astype(np.float32) / 255, f"scan{i}")
        for i, shape in enumerate(shapes)
    ]


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
    """The token ids of transformers' own pipeline, greedily, for a query of one turn."""

    def run(model, query: Query, picture=None) -> list[int]:
        from PIL import Image
        from transformers import pipeline

        picture = picture or (lambda scan: Image.fromarray(scan.to_uint8()).convert("RGB"))
        parts = query.messages[0].parts
        settings = {"max_new_tokens": query.decoding.max_new_tokens, "do_sample": False}
        if model.capabilities.images == 0:
            pipe = pipeline("text-generation", model=model.module, tokenizer=model.processor)
            turns = [{"role": "user", "content": parts[0].text}]
            told = pipe(turns, return_tensors=True, **settings)
        else:
            pipe = pipeline("image-text-to-text", model=model.module, processor=model.processor)
            content = [
                {"type": "text", "text": part.text}
                if part.scan is None
                else {"type": "image", "image": picture(query.scans[part.scan])}
                for part in parts
            ]
            turns = [{"role": "user", "content": content}]
            told = pipe(text=turns, return_tensors=True, generate_kwargs=settings)
        ids = list(map(int, told[0]["generated_token_ids"]))
        return ids[len(model.inputs(query)["input_ids"][0]) :]

    return run


@pytest.fixture(scope="session")
def plain():
    """Natural log-probability of each token of a reply, from one plain forward of the module, nothing cached."""

    def run(model, query: Query, ids: list[int]) -> list[float]:
        import torch

        inputs = model.inputs(query)
        full = torch.cat([inputs["input_ids"], torch.tensor([ids])], 1)
        inputs |= {"input_ids": full, "attention_mask": torch.ones_like(full)}
        if "token_type_ids" in inputs:
            inputs["token_type_ids"] = (full == model.processor.tokenizer.image_token_id).long()
        with torch.no_grad():
            logits = model.module(**inputs).logits[0, -len(ids) - 1 : -1]
        return torch.log_softmax(logits.float(), -1)[range(len(ids)), ids].tolist()

    return run
