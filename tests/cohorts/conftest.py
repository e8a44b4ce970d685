"""What the tests of cohorts share: an index of their own, the public tables, and small folders written on the spot."""

import json
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medlab.cohorts.sources.base import bundled_folder


@pytest.fixture(autouse=True)
def own_index(tmp_path_factory, monkeypatch):
    """No test reads or leaves anything in the person's own cache."""
    monkeypatch.setenv("MEDLAB_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def wheel() -> Callable[[str], pathlib.Path]:
    """`wheel("chexpert_train.csv.gz")`: a table inside torchxrayvision's wheel, or a skip that names it."""

    def find(name: str) -> pathlib.Path:
        folder = bundled_folder()
        if folder is None or not (folder / name).exists():
            pytest.skip(f"{name} is missing: pip install --no-deps torchxrayvision")
        return folder / name

    return find


@pytest.fixture
def folder(tmp_path) -> Callable[..., pathlib.Path]:
    """`folder(lines, pictures)`: a folder with cases.jsonl and 8-bit PNGs of 8 rows and 6 columns."""

    def write(lines: Iterable[dict[str, Any]], pictures: Iterable[str] = (), name: str = "mine") -> pathlib.Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        (root / "cases.jsonl").write_text(text + "\n", encoding="utf-8")
        for number, picture in enumerate(pictures):
            path = root / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.arange(48, dtype=np.uint8).reshape(8, 6) * 5 + number
            Image.fromarray(pixels).save(path)
        return root

    return write
