"""The streamed attention function: SDPA's numbers and gradients, its masks, and nothing left behind."""

import threading
import types

import pytest
import torch
from transformers import AttentionInterface

from medlab.core.errors import CapabilityError
from medlab.explainers import streaming
from medlab.explainers.streaming import NAME, Layer, Watcher, streamed
from tests.explainers.materialised import eager

REPORT = "There is a small left pleural effusion."


class Counter(Watcher):
    """Counts what it is told."""

    def __init__(self):
        self.saws, self.lefts, self.rows = 0, 0, 0

    def saw(self, layer):
        self.saws += 1

    def shown(self, layer, rows, flow):
        self.rows += flow.shape[2]

    def left(self, layer):
        self.lefts += 1


def chance(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def grouped(new=7, seen=3):
    """Four query heads on two key heads, and a mask with holes that leaves each query something to look at."""
    query, key, value = chance(1, 4, new, 8), chance(1, 2, seen + new, 8, seed=1), chance(1, 2, seen + new, 8, seed=2)
    mask = chance(1, 1, new, seen + new, seed=3) > 0
    mask[..., 0] = True
    module = types.SimpleNamespace(num_key_value_groups=2, is_causal=True)
    return module, query, key, value, mask


def slopes_of(attend, inputs):
    leaves = [one.clone().requires_grad_() for one in inputs]
    out = attend(*leaves)
    weights = chance(*out.shape, seed=4)
    return out, torch.autograd.grad((out * weights).sum(), leaves)


@pytest.fixture
def attend(model):
    """The function as transformers looks it up, with a watcher."""
    module, *_, mask = grouped()
    with streamed(model.module, Counter()):
        function = AttentionInterface()[NAME]
        yield lambda q, k, v: function(module, q, k, v, mask, scaling=0.3)[0]


def sdpa(query, key, value):
    mask = grouped()[4]
    key, value = key.repeat_interleave(2, 1), value.repeat_interleave(2, 1)
    out = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.3)
    return out.transpose(1, 2)


def relative(one, other):
    return float((one - other).abs().max() / other.abs().max())


def test_what_it_gives_is_sdpa(attend):
    inputs = grouped()[1:4]
    torch.testing.assert_close(attend(*inputs), sdpa(*inputs))


def test_gradients_of_query_key_and_value_are_those_of_sdpa(attend):
    inputs = grouped()[1:4]
    ours, theirs = slopes_of(attend, inputs)[1], slopes_of(sdpa, inputs)[1]
    assert max(relative(a, b) for a, b in zip(ours, theirs, strict=True)) < 1e-5


def test_gradients_do_not_depend_on_how_many_rows_are_made_at_once(attend, monkeypatch):
    inputs = grouped()[1:4]
    whole = slopes_of(attend, inputs)[1]
    monkeypatch.setattr(streaming, "PIECE", 1)
    single = slopes_of(attend, inputs)[1]
    assert max(relative(a, b) for a, b in zip(single, whole, strict=True)) < 1e-5


def test_rows_of_a_layer_are_a_softmax_under_its_mask():
    module, query, key, _, mask = grouped()
    rows = torch.tensor([1, 4])
    found = Layer(module, query, key, mask, 0.3).attention(rows)
    scores = query[:, :, rows] @ key.repeat_interleave(2, 1).transpose(-1, -2) * 0.3
    expected = scores.masked_fill(~mask[:, :, rows], -torch.inf).softmax(-1)
    torch.testing.assert_close(found, expected)


def test_pieces_cover_every_query_once(monkeypatch):
    module, query, key, _, mask = grouped()
    monkeypatch.setattr(streaming, "PIECE", 4 * 10 * 3)  # three rows of four heads and ten keys
    pieces = list(Layer(module, query, key, mask, 0.3).pieces())
    assert pieces == [slice(0, 3), slice(3, 6), slice(6, 7)]


def test_flow_is_attention_times_the_gradient_that_autograd_gives_it(model):
    module, query, key, value, mask = grouped()
    told = []

    class Taking(Watcher):
        def shown(self, layer, rows, flow):
            told.append(flow.clone())

    with streamed(model.module, Taking()):
        function = AttentionInterface()[NAME]
        slopes_of(lambda q, k, v: function(module, q, k, v, mask, scaling=0.3)[0], (query, key, value))
    attention = Layer(module, query, key, mask, 0.3).attention(slice(None)).requires_grad_()
    out = (attention @ value.repeat_interleave(2, 1)).transpose(1, 2)
    (slope,) = torch.autograd.grad((out * chance(*out.shape, seed=4)).sum(), attention)
    torch.testing.assert_close(torch.cat(told, 2), attention * slope)


@pytest.mark.parametrize("watcher", [None, Counter()])
def test_logits_are_the_same_while_it_is_on(ask, watcher):
    request = ask(REPORT)
    inputs = request.model.inputs(request.aim.query, request.aim.strands[0].reply)
    with torch.no_grad():
        plain = request.model.module(**inputs).logits
        with streamed(request.model.module, watcher):
            torch.testing.assert_close(request.model.module(**inputs).logits, plain, rtol=0, atol=1e-6)


def test_an_answer_is_the_same_while_it_is_on(model, scans, make_query):
    query = make_query("Describe this chest X-ray.", scans[0])
    plain = model.answer([query])[0]
    model.forget()
    with streamed(model.module):
        assert model.answer([query])[0].text == plain.text


def test_the_gradient_of_the_score_is_that_of_plain_sdpa(ask):
    request = ask(REPORT)
    glass = request.glass

    def slope():
        pixels = glass.pixels.clone().requires_grad_()
        score = glass.score(request.aim, glass.project(glass.see(pixels)))
        return torch.autograd.grad(score.sum(), pixels)[0]

    plain = slope()
    with streamed(glass.module, Counter()):
        assert relative(slope(), plain) < 1e-5


@pytest.mark.parametrize("own", ["sdpa", "eager"])
def test_both_attention_implementations_are_given_back_after_an_error(load, own):
    module = load(attn_implementation={"text_config": own, "vision_config": "sdpa"}).module
    watcher = Counter()
    config = module.config

    def implementations():
        return config.text_config._attn_implementation, config.vision_config._attn_implementation

    def fail():
        with streamed(module, watcher):
            assert implementations() == (NAME, NAME)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert implementations() == (own, "sdpa")
    module.model.vision_tower(pixel_values=torch.zeros(1, 3, 112, 112))
    assert watcher.saws == 0


def test_the_watcher_sees_each_layer_once_on_the_way_and_once_on_the_way_back(ask):
    request = ask("yes")
    glass, watcher = request.glass, Counter()
    tokens = glass.tokens().clone().requires_grad_()
    glass.score(request.aim, tokens)
    with streamed(glass.module, watcher):
        torch.autograd.grad(glass.score(request.aim, tokens).sum(), tokens)
    behind = len(glass.ids) + len(request.aim.strands[0].reply) - 1 - glass.places(0).start
    assert (watcher.saws, watcher.lefts, watcher.rows) == (5, 5, 5 * behind)


def test_another_thread_is_not_watched(model):
    watcher = Counter()
    with streamed(model.module, watcher):
        other = threading.Thread(target=lambda: model.module.model.vision_tower(torch.zeros(1, 3, 112, 112)))
        other.start()
        other.join()
        assert watcher.saws == 0
        model.module.model.vision_tower(torch.zeros(1, 3, 112, 112))
        assert watcher.saws == 2


def test_two_threads_leave_the_model_its_own_attention(model):
    entered, left, config = threading.Event(), threading.Event(), model.module.config.vision_config

    def other():
        with streamed(model.module):
            entered.set()
            left.wait(10)

    with streamed(model.module):
        second = threading.Thread(target=other)
        second.start()
        assert not entered.wait(0.2)
    left.set()
    second.join()
    assert config._attn_implementation == "sdpa"


def test_the_way_back_is_watched_on_any_thread(model):
    # as on a GPU, where autograd works in a thread of its own
    watcher = Counter()
    pixels = torch.zeros(1, 3, 112, 112, requires_grad=True)
    with streamed(model.module, watcher):
        out = model.module.model.vision_tower(pixels).last_hidden_state.sum()
        other = threading.Thread(target=lambda: torch.autograd.grad(out, pixels))
        other.start()
        other.join()
    assert watcher.lefts == 2


def test_a_causal_layer_without_a_mask_is_refused_while_somebody_watches(model):
    module, query, key, value, _ = grouped()
    with streamed(model.module, Counter()), pytest.raises(CapabilityError, match="no mask"):
        AttentionInterface()[NAME](module, query, key, value, None, scaling=0.3)


def test_a_mask_that_is_added_is_refused_while_somebody_watches(model):
    module, query, key, value, mask = grouped()
    with streamed(model.module, Counter()), pytest.raises(CapabilityError, match=r"float32.*\n.*bool"):
        AttentionInterface()[NAME](module, query, key, value, mask.float(), scaling=0.3)


def test_transformers_hands_it_its_own_mask(ask):
    """Fails where the name is not registered for masks: transformers then passes None and says nothing."""
    request, masks = ask("yes"), []

    class Taking(Watcher):
        def saw(self, layer):
            if layer.mask is not None:
                masks.append(layer.mask)

    inputs = request.model.inputs(request.aim.query)
    with torch.no_grad(), streamed(request.model.module, Taking()):
        request.model.module(**inputs)
    allowed = request.glass.allowed(len(request.glass.ids))
    kinds = request.model.module.config.text_config.layer_types
    assert all(torch.equal(m[:, 0], allowed[kind]) for m, kind in zip(masks, kinds, strict=True))


def saved_shapes(request, around):
    """Shapes of what is kept for the way back of one score."""
    glass, shapes = request.glass, set()
    tokens = glass.tokens().clone().requires_grad_()
    glass.score(request.aim, tokens)

    def keep(tensor):
        shapes.add(tuple(tensor.shape))
        return tensor

    with around, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        glass.score(request.aim, tokens)
    return shapes


def test_no_map_of_all_heads_is_kept_for_the_way_back(ask):
    request = ask(REPORT)
    keys = len(request.glass.ids) + len(request.aim.strands[0].reply) - 1
    whole = (1, 4, keys - request.glass.places(0).start, keys)
    module = request.model.module
    assert whole in saved_shapes(request, eager(module))
    assert whole not in saved_shapes(request, streamed(module, Counter()))
