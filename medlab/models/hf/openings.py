"""Openings: what stands before the first question, run once for all prompts that share it.

A prompt is cut behind its last scan; its opening is what stands before the cut. It is run with transformers' own mask:
image tokens of one scan see one another, everything else only what came before. Where the image comes first, all
questions of one scan share the opening; where the text comes first they share the image tokens alone, and only the
turns of one dialogue share more. The opening of a prompt without scans is all but its last token, and is kept until
the next prompt alone.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from medlab.models.hf.asked import Asked
from medlab.models.hf.eye import Eye
from medlab.models.hf.states import State, cut

if TYPE_CHECKING:
    import torch

TOKENS = 8192
"""tokens, padding included, that go through the layers at once; a longer sequence goes alone"""
KEPT = 4
KEPT_BYTES = 1 << 29
"""of the openings that are kept between calls, all together; the latest is kept besides, whatever its size"""


class Openings:
    """The openings of one Gemma 3. `eye` and `image_id` are None for text alone."""

    def __init__(self, module, eye: Eye | None, image_id: int | None, pad: int):
        self._module, self._eye, self._image_id, self._pad = module, eye, image_id, pad
        self._kept: OrderedDict[tuple, State] = OrderedDict()
        self._latest: dict[tuple, State] = {}
        """one at most: what the next batch begins with, where the questions about it did not fit into one"""

    def cut(self, one: Asked) -> int:
        """Where the opening ends: behind the last scan, or before the last token where there is none."""
        if not one.scans:
            return len(one.ids) - 1
        return len(one.ids) - one.ids[::-1].index(self._image_id)

    def key(self, one: Asked) -> tuple:
        """Prompts of one key share their opening."""
        return one.ids[: self.cut(one)], tuple(scan.fingerprint for scan in one.scans)

    def states(self, batch: list[Asked]) -> list[State]:
        """The state behind each prompt's opening; each different one is run once, and lately used ones are not run."""
        wanted = {self.key(one): one for one in batch}
        known = self._kept | self._latest
        states = {key: known[key] for key in wanted if key in known}
        del known
        self._latest.clear()  # it may be large, and is not held beside those that are now run
        fresh = sorted((key for key in wanted if key not in states), key=lambda key: len(key[0]))
        while fresh:
            fitting = max(1, TOKENS // len(fresh[-1][0]))
            group, fresh = fresh[-fitting:], fresh[:-fitting]
            states.update(zip(group, self._run([wanted[key] for key in group]), strict=True))
        self._keep({key: states[key] for key, one in wanted.items() if one.scans and states[key].bytes <= KEPT_BYTES})
        last = self.key(batch[-1])
        self._latest[last] = states[last]
        return [states[self.key(one)] for one in batch]

    def forget(self) -> None:
        """Nothing is kept any longer: for after the weights were changed."""
        self._kept.clear()
        self._latest.clear()

    def _run(self, group: list[Asked]) -> list[State]:
        import torch
        from transformers import DynamicCache

        ends = [self.cut(one) for one in group]
        longest = max(ends)
        rows = [[self._pad] * (longest - end) + [*one.ids[:end]] for one, end in zip(group, ends, strict=True)]
        mask = (torch.arange(longest) >= longest - torch.tensor(ends)[:, None]).long()
        cache = DynamicCache()
        inputs = self._inputs(torch.tensor(rows), group)
        run_pass(self._module, cache, mask, (mask.cumsum(1) - 1).clamp(min=0), 1, **inputs)
        return [state.copy() for state in cut(cache, [(longest - end, longest) for end in ends])]

    def _inputs(self, ids: "torch.Tensor", group: list[Asked]) -> "dict[str, torch.Tensor]":
        """Plain ids, or embeddings with the tokens of the scans in their places."""
        import torch

        scans = [scan for one in group for scan in one.scans]
        if not scans:
            return {"input_ids": ids}
        places = (ids == self._image_id).to(self._module.device)
        with torch.inference_mode():
            words = ids.to(self._module.device).masked_fill(places, self._pad)
            embedded = self._module.get_input_embeddings()(words)
            embedded[places] = torch.cat(self._eye.see(scans)).to(embedded)
        # which places see one another; every later pass is text behind a cache, where none do
        return {"inputs_embeds": embedded, "token_type_ids": places.long()}

    def _keep(self, states: dict[tuple, State]) -> None:
        for key, state in states.items():
            self._kept[key] = state
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT or sum(state.bytes for state in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)


def run_pass(module, cache, mask, positions, keep, **inputs) -> "torch.Tensor":
    """One pass of `module` behind what `cache` holds, which grows: logits, (rows, kept places, vocabulary).

    mask       (rows, cached + new), 0 where there is padding
    positions  (rows, new), of each token in its own sequence
    keep       places whose logits are wanted: an int counts from the end, a tensor lists them
    """
    import torch

    there = module.device
    with torch.inference_mode():
        return module(
            **{name: tensor.to(there) for name, tensor in inputs.items()},
            attention_mask=mask.to(there),
            position_ids=positions.to(there),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep.to(there) if isinstance(keep, torch.Tensor) else keep,
        ).logits
