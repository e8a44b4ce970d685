"""What a map is told to cost beside what it costs: memory by torch's own account."""

import pytest

from medlab.explainers.aims import aim_at
from medlab.explainers.explain import request_for
from medlab.explainers.methods import make_method
from medlab.phantom import Phantom
from tests.memory import peak_bytes

SETTINGS = {
    "occlusion": {"window": 4, "stride": 4},
    "rise_tokens": {"masks": 60},
    "rise_pixels": {"masks": 40},
    "rise_knockout": {"masks": 60},
    "smoothgrad": {"samples": 4},
    "shapley": {"orders": 4},
    "integrated_gradients": {"steps": 8},
}
METHODS = (
    "attention", "gradcam", "hirescam", "input_x_gradient", "integrated_gradients", "knockout", "logit_lens",
    "occlusion", "relevance", "rise_knockout", "rise_pixels", "rise_tokens", "rollout", "saliency", "shapley",
    "smoothgrad", "token_occlusion",
)  # fmt: skip


@pytest.fixture(scope="module")
def demo():
    import medlab

    return medlab.load_model("demo")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("target", [("Yes", "No"), "No, there is none"])
def test_the_memory_that_is_told_is_at_most_a_fifth_too_small_and_a_half_too_large(demo, name, target):
    query = demo.query(Phantom(224).draw(700_001), "Is there a pleural effusion?")
    request = request_for(demo, aim_at(demo, query, target))
    method = make_method(name, **SETTINGS.get(name, {}))
    told = method.cost(request).peak_bytes
    real = peak_bytes(lambda: method.draw(request))
    assert 0.8 * real < told < 1.5 * real
