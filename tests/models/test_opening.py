"""Adapters: one that fills a part of its layers alone is refused, because chance would fill the rest."""

import pathlib
import shutil
import types

import pytest

from medlab.core.errors import DataError, MissingDependency
from medlab.core.query import Decoding
from medlab.models.load import load_model
from medlab.models.opening import with_adapter


@pytest.fixture(scope="module")
def adapter(tiny_gemma3, tmp_path_factory):
    """A whole LoRA adapter of the tiny Gemma 3, with weights that change its words; skips where peft is missing."""
    peft = pytest.importorskip("peft", reason="peft is not installed: pip install 'peft>=0.19'")
    import torch
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(1)
    made = peft.LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    folder = tmp_path_factory.mktemp("adapters") / "tuned"
    peft.get_peft_model(AutoModelForImageTextToText.from_pretrained(tiny_gemma3), made).save_pretrained(folder)
    return folder


def with_weights(adapter, folder, change) -> pathlib.Path:
    """A copy of the adapter whose weights went through `change`, a function of their dict."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, folder)
    weights = load_file(folder / "adapter_model.safetensors")
    save_file(change(weights), folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_whole_adapter_is_loaded_and_changes_what_is_said(tiny_gemma3, adapter):
    loaded, tuned = load_model(tiny_gemma3), load_model(tiny_gemma3, adapter=adapter)
    query = loaded.query(None, "Is there a nodule?", decoding=Decoding(max_new_tokens=4))
    assert tuned.score(query, ["yes", "no"]).logprobs_nats != loaded.score(query, ["yes", "no"]).logprobs_nats
    assert (tuned.name, tuned.fingerprint != loaded.fingerprint) == ("gemma3+tuned", True)


def test_a_part_of_an_adapter_is_refused_and_not_filled_with_chance(tiny_gemma3, adapter, tmp_path):
    half = with_weights(
        adapter, tmp_path / "half", lambda weights: {name: w for name, w in weights.items() if "layers.0" in name}
    )
    with pytest.raises(DataError, match=r"mismatch(?s:.)*'half' has no weights for \d+ parameters"):
        load_model(tiny_gemma3, adapter=half)


def test_an_adapter_with_weights_for_other_layers_is_refused(tiny_gemma3, adapter, tmp_path):
    more = with_weights(
        adapter,
        tmp_path / "more",
        lambda weights: (
            weights | {f"{name}".replace("layers.0", "layers.9"): w.clone() for name, w in weights.items()}
        ),
    )
    with pytest.raises(DataError, match=r"mismatch(?s:.)*'more' has weights for unknown \d+ parameters"):
        load_model(tiny_gemma3, adapter=more)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            {"missing_keys": {"a.lora_A"}, "unexpected_keys": set()},
            "has no weights for 1 parameters, such as 'a.lora_A'",
        ),
        ({"missing_keys": set(), "unexpected_keys": {"b"}}, "has weights for unknown 1 parameters, such as 'b'"),
    ],
)
def test_what_transformers_tells_of_an_adapter_is_believed(tmp_path, told, words):
    """The same without peft: `load_adapter` is stood in for."""
    module = types.SimpleNamespace(load_adapter=lambda folder: types.SimpleNamespace(**told))
    with pytest.raises(DataError, match=words):
        with_adapter(module, tmp_path)


def test_libraries_that_tell_nothing_of_an_adapter_are_to_be_renewed(tmp_path):
    def too_old(folder):
        raise ImportError("cannot import name 'build_peft_weight_mapping'")

    with pytest.raises(MissingDependency, match=r"transformers>=5\.12"):
        with_adapter(types.SimpleNamespace(load_adapter=lambda folder: None), tmp_path)
    with pytest.raises(MissingDependency, match=r"peft>=0\.19"):
        with_adapter(types.SimpleNamespace(load_adapter=too_old), tmp_path)


def test_an_adapter_is_checked_before_the_model_is_read(tiny_gemma3, tmp_path):
    with pytest.raises(DataError, match="adapter_config"):
        load_model(tiny_gemma3, adapter=tmp_path)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(DataError, match="no weights"):
        load_model(tiny_gemma3, adapter=tmp_path)
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(DataError, match="pickle"):
        load_model(tiny_gemma3, adapter=tmp_path)


def test_without_peft_the_command_that_installs_it_is_given(tiny_gemma3, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(MissingDependency, match="pip install"):
        load_model(tiny_gemma3, adapter=tmp_path)
