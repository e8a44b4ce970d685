"""load_model: what each name becomes, and what is refused before anything heavy is read."""

import json
import pathlib
import shutil
import warnings

import numpy as np
import pytest

import medlab
from medlab.core.errors import CapabilityError, DataError, MissingDependency, SpecError, UnknownName
from medlab.core.query import Decoding
from medlab.models.catalog import entries, entry
from medlab.models.checkpoint import read_checkpoint, tensor_shapes, weight_files
from medlab.models.conventions import conventions_for
from medlab.models.load import load_model
from medlab.models.naming import resolve


def edit(path: pathlib.Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# what a name means


def test_a_name_of_the_catalog_is_its_entry_even_where_a_folder_is_called_so(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("demo").entry == entry("demo")
    assert resolve(pathlib.Path("demo")).entry is None


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_not_the_folder_that_one_is_in(name, tiny_gemma3, monkeypatch):
    monkeypatch.chdir(tiny_gemma3)
    with pytest.raises(SpecError, match="the model's name is"):
        load_model(name)
    assert resolve(".").folder == "."


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("http://localhost:8000/v1", "endpoint:http://localhost:8000/v1"),
        ("https://huggingface.co/google/medgemma-4b-it", "google/medgemma-4b-it"),
    ],
)
def test_an_address_gets_the_name_that_was_meant(address, meant):
    with pytest.raises(SpecError, match="is an address") as refused:
        load_model(address)
    assert refused.value.fix == f"load_model('{meant}')"


def test_an_id_of_the_hub_is_its_entry_where_the_catalog_has_one():
    known, other = resolve("Google/medgemma-4b-it"), resolve("org/name")
    assert (known.name, known.hub) == ("medgemma-4b-it", "google/medgemma-4b-it")
    assert (other.name, other.hub, other.entry) == ("org/name", "org/name", None)


def test_a_revision_is_pinned_and_becomes_part_of_the_name():
    for name in ("medgemma-4b-it@0a1b2c", "google/medgemma-4b-it@0a1b2c"):
        assert (resolve(name).name, resolve(name).revision) == ("medgemma-4b-it@0a1b2c", "0a1b2c")
    assert resolve("org/name@v1.0").revision == "v1.0"


def test_the_demo_has_no_revisions():
    with pytest.raises(SpecError, match="no revisions"):
        load_model("demo@v1")


def test_a_typo_gets_the_near_names():
    with pytest.raises(UnknownName, match="did you mean 'medgemma-4b-it'"):
        load_model("medgema-4b-it")


@pytest.mark.parametrize("name", ["./nowhere", "/no/where/at/all", "~/nowhere", pathlib.Path("nowhere")])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(name):
    with pytest.raises(DataError, match="missing_file"):
        load_model(name)


@pytest.mark.parametrize("name", ["xrayglm-300", "xrayglm-3000", "visualglm-6b", "wangrongsheng/XrayGLM-300"])
def test_what_this_version_cannot_load_says_so_before_the_hub_is_asked(name):
    with pytest.raises(CapabilityError, match="cannot be loaded by this version"):
        load_model(name)


# a folder, loaded


def test_a_folder_becomes_a_model_that_answers_as_transformers_does(loaded, tiny_gemma3):
    from transformers import AutoModelForImageTextToText

    scan = medlab.Scan(np.linspace(0, 1, 112 * 112, dtype=np.float32).reshape(112, 112))
    inputs = loaded.inputs(loaded.query(scan, "Is there a pleural effusion?"))
    module = AutoModelForImageTextToText.from_pretrained(tiny_gemma3)
    ids = module.generate(**inputs, do_sample=False, max_new_tokens=12)[0, inputs["input_ids"].shape[1] :]
    answer = loaded.ask(scan, "Is there a pleural effusion?", decoding=Decoding(max_new_tokens=12))
    assert [token.id for token in answer.tokens] == ids.tolist()


def test_a_loaded_model_says_what_it_is(loaded):
    assert (loaded.name, len(loaded.fingerprint)) == ("gemma3", 32)
    assert loaded.capabilities.logprobs == "full"
    assert loaded.module.config._attn_implementation == "sdpa"
    assert not loaded.module.training


def test_a_text_model_is_loaded_with_its_tokenizer(tiny_gemma3_text):
    model = load_model(str(tiny_gemma3_text))
    assert model.capabilities.images == 0
    assert model.ask(None, "yes or no?").tokens


def test_attentions_are_told_only_where_they_were_asked_for(tiny_gemma3, loaded):
    model = load_model(tiny_gemma3, attentions=True)
    assert model.module.config._attn_implementation == "eager"
    assert model.fingerprint == loaded.fingerprint


def test_a_dtype_that_is_asked_for_is_given_and_float16_is_warned_of(tiny_gemma3_text, loaded):
    import torch

    with pytest.warns(UserWarning, match="float16 was asked for"):
        half = load_model(tiny_gemma3_text, dtype="float16")
    assert {parameter.dtype for parameter in half.module.parameters()} == {torch.float16}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        rounded = load_model(tiny_gemma3_text, dtype=torch.bfloat16)
    assert rounded.fingerprint != half.fingerprint


def test_quantizing_on_a_cpu_is_refused_before_the_weights_are_read(tiny_gemma3):
    with pytest.raises(CapabilityError, match="CUDA"):
        load_model(tiny_gemma3, quantize="4bit", device="cpu")


def test_settings_of_an_endpoint_are_refused_for_a_local_model_and_the_other_way_round(tiny_gemma3):
    with pytest.raises(SpecError, match="endpoint:URL"):
        load_model(tiny_gemma3, allow="pixels")
    with pytest.raises(UnknownName, match="no setting of an endpoint called 'alow'"):
        load_model("endpoint:http://localhost:1/v1", alow="text")
    with pytest.raises(SpecError, match="dtype= for an endpoint"):
        load_model("endpoint:http://localhost:1/v1", dtype="bfloat16")


# how its family talks


@pytest.mark.parametrize(
    ("place", "family"),
    [
        ("models--google--medgemma-1.5-4b-it/snapshots/0123abcd", "medgemma-1.5"),
        ("medgemma-4b-it/checkpoint-500", "medgemma-1"),
        ("medgemma-runs/gemma-3-4b-it", "gemma-3"),
    ],
)
def test_a_folder_is_talked_to_as_what_it_or_a_folder_above_is_called_after(tiny_gemma3, tmp_path, place, family):
    folder = pathlib.Path(shutil.copytree(tiny_gemma3, tmp_path / place))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert load_model(folder).conventions.family == family


def test_a_gemma_whose_name_tells_nothing_is_warned_of_unless_its_family_is_given(copied):
    with pytest.warns(UserWarning, match='family="medgemma-1.5"'):
        assert load_model(copied).conventions.family == "plain"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert load_model(copied, family="medgemma-4b-it").conventions.family == "medgemma-1"
        assert load_model(copied, family="plain").conventions.family == "plain"


def test_a_family_that_nobody_knows_is_refused_before_anything_is_read(copied):
    with pytest.raises(UnknownName, match="no family called 'medgema'"):
        load_model(copied, family="medgema")


# folders that are no checkpoint


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(DataError, match="no config"):
        load_model(tmp_path)


@pytest.mark.parametrize(("name", "word"), [("weights.gguf", "GGUF"), ("adapter_config.json", "adapter=")])
def test_what_lies_there_instead_is_recognized(tmp_path, name, word):
    (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match=word):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "[" * 100_000])
def test_a_config_that_is_none_is_refused(copied, text):
    (copied / "config.json").write_text(text)
    with pytest.raises(DataError, match="schema"):
        load_model(copied)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "300/mp_rank_00_model_states.pt"])
def test_pickles_are_refused_unopened(copied, name):
    (copied / "model.safetensors").unlink()
    (copied / name).parent.mkdir(exist_ok=True)
    (copied / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(DataError, match="pickle"):
        load_model(copied)


def test_a_model_that_brings_its_own_code_is_refused_and_the_code_never_runs(copied):
    edit(copied / "config.json", model_type="homemade", auto_map={"AutoModelForCausalLM": "evil.Model"})
    (copied / "evil.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(CapabilityError, match="never run"):
        load_model(copied)


def test_a_type_that_transformers_does_not_know_says_which_version_it_is(copied):
    import transformers

    edit(copied / "config.json", model_type="gemma99")
    with pytest.raises(CapabilityError, match=transformers.__version__):
        load_model(copied)


def test_a_model_that_neither_answers_nor_embeds_is_refused(copied):
    edit(copied / "config.json", model_type="vit")
    with pytest.raises(CapabilityError, match="neither answers nor embeds"):
        load_model(copied)


def test_half_downloaded_shards_are_counted_and_named(copied):
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (copied / "model.safetensors").rename(copied / shards["a"])
    (copied / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(DataError, match=r"1 of 2 weight files are not there, such as 'model-00002-of-00002"):
        load_model(copied)


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors"])
def test_an_index_that_leads_out_of_the_folder_is_refused(copied, name):
    (copied / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(DataError, match="unsafe_path"):
        weight_files(copied)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_cut_file_is_noticed_without_reading_a_tensor(copied, keep):
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="truncated"):
        load_model(copied)


@pytest.mark.parametrize(
    "header",
    [
        b"{}x",
        b"[1]",
        b'{"a": 1}',
        b'{"a": {"shape": [1], "data_offsets": []}}',
        b'{"a": {"shape": [Infinity], "data_offsets": [0, 1]}}',
        b'{"a": {"shape": [-5], "data_offsets": [0, 1]}}',
        b'{"a": {"shape": [5], "data_offsets": [0, -1]}}',
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path, header):
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(DataError, match="decode"):
        tensor_shapes(path)


@pytest.mark.parametrize(
    "change",
    [
        {"attn_implementation": "evil-org/evil-kernel"},
        {"_attn_implementation": "kernels-community/flash-attn2:run"},
        {"text_config": {"attn_implementation": "evil-org/evil-kernel"}},
        {"attn_implementation": {"vision_config": "evil-org/evil-kernel"}},
    ],
)
def test_a_config_that_names_code_for_its_attention_is_refused(copied, change):
    edit(copied / "config.json", **change)
    with pytest.raises(DataError, match=r"attn_implementation(?s:.)*accepted: eager, sdpa"):
        read_checkpoint(copied)


def test_the_attention_that_a_config_names_is_not_the_one_that_is_taken(copied):
    edit(copied / "config.json", attn_implementation="flash_attention_2")
    assert load_model(copied).module.config._attn_implementation == "sdpa"


def test_a_library_that_a_checkpoint_lacks_is_told_as_its_fault(copied, monkeypatch):
    import transformers

    def lacking(*_, **__):
        raise ImportError("requires timm")

    monkeypatch.setattr(transformers.AutoModelForImageTextToText, "from_pretrained", lacking)
    with pytest.raises(DataError, match="requires timm"):
        load_model(copied)


def test_weights_that_are_missing_are_not_filled_with_chance(copied):
    config = json.loads((copied / "config.json").read_text())
    text = config["text_config"]
    text["layer_types"] = [*text["layer_types"], "full_attention"]
    text["num_hidden_layers"] += 1
    edit(copied / "config.json", text_config=text)
    with pytest.raises(DataError, match="parameters of 'tiny' have no fitting weights"):
        load_model(copied)


def test_a_package_that_a_tokenizer_needs_is_named_with_its_command(copied, monkeypatch):
    import transformers

    def lacking(*_, **__):
        raise ImportError("SiglipTokenizer requires the SentencePiece library")

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", lacking)
    with pytest.raises(MissingDependency, match="pip install sentencepiece"):
        load_model(copied)


def test_a_missing_processor_is_named(copied):
    for path in [*copied.glob("*token*"), *copied.glob("*processor*")]:
        path.unlink()
    with pytest.raises(DataError, match="no processor that opens"):
        load_model(copied)


def test_the_parameters_are_counted_from_the_headers(loaded, tiny_gemma3):
    counted = read_checkpoint(tiny_gemma3).sizes
    assert counted.total == sum(parameter.numel() for parameter in loaded.module.parameters())


# the catalog and the conventions say the same


# a pre-trained checkpoint has no chat to keep conventions in
TALKED_TO = [one for one in entries() if one.order and not one.port and one.name != "medgemma-4b-pt"]


@pytest.mark.parametrize("one", TALKED_TO, ids=lambda one: one.name)
def test_conventions_keep_what_the_catalog_tells(one):
    kept = conventions_for(one.name)
    assert (kept.order, kept.thinks) == (one.order, one.thinks != "never")
    assert kept.max_images == one.max_images or one.max_images is None or one.task == "text-generation"
