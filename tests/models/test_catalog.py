"""The catalog: its facts have sources, its shapes have the published sizes, and its errors name what is near."""

import dataclasses

import pytest

from medlab.core.errors import SpecError, UnknownName
from medlab.models import catalog
from medlab.models.catalog import Entry, config_of, entries, entry, entry_of_hub, shape_of
from medlab.models.sizes import Sizes, sizes_of

SHAPED = [one.name for one in entries() if one.shape]
NUMBERS = ("parameters", "context_tokens", "output_tokens", "image_tokens", "image_px", "max_images")


def count_on_meta(config) -> int:
    """The parameters of transformers' own class, tied ones once; no memory is used."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText

    auto = {"gemma3": AutoModelForImageTextToText, "gemma3_text": AutoModelForCausalLM}.get(
        config.model_type, AutoModel
    )
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in auto.from_config(config).parameters())


@pytest.mark.parametrize("shape", sorted({entry(name).shape for name in SHAPED}))
def test_transformers_class_arithmetic_and_the_published_number_agree(shape):
    first = next(one for one in entries() if one.shape == shape)
    assert count_on_meta(config_of(first.name)) == sizes_of(shape_of(first.name)).total == first.parameters


@pytest.mark.parametrize("name", SHAPED)
def test_the_published_number_is_what_the_shape_counts(name):
    assert sizes_of(shape_of(name)).total == entry(name).parameters


def test_medgemma_has_the_published_sizes():
    assert sizes_of(shape_of("medgemma-4b-it")) == Sizes(3880263168, 416866032, 2950272, 3208642560)
    assert round(sizes_of(shape_of("medgemma-4b-it")).total / 1e9, 2) == 4.30
    assert round(sizes_of(shape_of("medgemma-27b-it")).total / 1e9, 1) == 27.4
    assert round(sizes_of(shape_of("medgemma-27b-text-it")).total / 1e9, 1) == 27.0


def test_a_shape_with_one_layer_less_does_not_have_the_published_size():
    shape = shape_of("medgemma-4b-it")
    thinner = shape | {"text_config": shape["text_config"] | {"num_hidden_layers": 33}}
    assert sizes_of(thinner).total < entry("medgemma-4b-it").parameters


def test_the_linear_weights_of_gemma_are_what_transformers_keeps_in_linear_layers():
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(config_of("gemma-3-1b-it"))
    linear = [part for name, part in module.named_modules() if isinstance(part, torch.nn.Linear) and name != "lm_head"]
    assert sum(part.weight.numel() for part in linear) == sizes_of(shape_of("gemma-3-1b-it")).quantizable


def test_an_architecture_that_is_not_known_is_refused():
    with pytest.raises(SpecError, match="gemma3"):
        sizes_of({"model_type": "llama"})


def without_source(one: Entry) -> list[str]:
    """The facts of an entry of the hub that nobody is named for."""
    told = {source.fact for source in one.sources}
    stated = [name for name in NUMBERS if getattr(one, name)]
    return [name for name in stated if name not in told]


@pytest.mark.parametrize("one", entries(), ids=lambda one: one.name)
def test_each_number_has_a_source(one):
    assert without_source(one) == []
    fields = {field.name for field in dataclasses.fields(Entry)}
    assert {source.fact for source in one.sources} <= fields


def test_a_number_without_a_source_is_noticed():
    assert without_source(entry("medgemma-4b-it").replace(sources=())) == [
        "parameters",
        "context_tokens",
        "output_tokens",
        "image_tokens",
        "image_px",
    ]


def test_the_catalog_has_what_was_promised():
    names = [one.name for one in entries()]
    assert len(set(names)) == len(names)
    promised = {"demo", "demo-shortcut", "medgemma-4b-it", "medgemma-4b-pt", "medgemma-1.5-4b-it", "medgemma-27b-it"}
    promised |= {"medgemma-27b-text-it", "medsiglip-448", "xrayglm-300", "xrayglm-3000", "visualglm-6b"}
    assert promised | {f"gemma-3-{size}-it" for size in ("1b", "4b", "12b", "27b")} == set(names)


def test_the_order_of_text_and_image_is_that_of_each_version():
    assert entry("medgemma-4b-it").order == "text_first"
    assert entry("medgemma-1.5-4b-it").order == "image_first"
    assert entry("medgemma-1.5-4b-it").system == ""


def test_every_gated_entry_says_where_its_terms_are():
    for one in entries():
        assert one.licence_url.startswith("https://")
        assert not one.gated or one.page == f"https://huggingface.co/{one.hub}"


def test_a_wrong_name_gets_the_near_ones():
    with pytest.raises(UnknownName, match="did you mean 'medgemma-4b-it'"):
        entry("medgema-4b-it")


def test_an_entry_is_found_by_its_id_on_the_hub_whatever_its_case():
    assert entry_of_hub("Google/MedGemma-4b-it").name == "medgemma-4b-it"
    assert entry_of_hub("nobody/nothing") is None


def test_a_config_without_a_shape_is_refused_and_says_which_have_one():
    with pytest.raises(SpecError, match="medgemma-4b-it"):
        config_of("visualglm-6b")


def test_the_built_config_carries_both_attention_kinds_and_their_ropes():
    text = config_of("medgemma-4b-it").text_config
    assert [i for i, kind in enumerate(text.layer_types) if kind == "full_attention"] == [5, 11, 17, 23, 29]
    assert text.rope_parameters["full_attention"]["factor"] == 8.0
    assert text.rope_parameters["sliding_attention"]["rope_type"] == "default"
    assert (text.sliding_window, text.query_pre_attn_scalar) == (1024, 256)


def test_the_catalog_is_packaged_beside_its_code():
    assert (catalog.importlib.resources.files("medlab.models") / "catalog.yaml").is_file()
    assert entry("demo").path.parts[-3:] == ("medlab", "demo", "checkpoint")
    assert entry("medgemma-4b-it").path is None


@pytest.mark.parametrize(
    "wrong", [{"family": "llama"}, {"task": "vqa"}, {"order": "image"}, {"parameters": -1}, {"hub": None}]
)
def test_an_entry_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(SpecError):
        entry("medgemma-4b-it").replace(**wrong)
