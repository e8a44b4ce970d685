"""The next token, from the numbers that a model gave: the likeliest, or one drawn with the query's own seed.

The global random state is neither read nor changed. Log-probabilities are natural, of the model's own distribution:
temperature and top_p change which token is drawn, not what it is said to have been worth.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError
from medlab.core.query import Decoding

if TYPE_CHECKING:
    import torch


class Chooser:
    """Draws the tokens of one reply."""

    def __init__(self, decoding: Decoding):
        self.decoding = decoding
        self._dice = None
        if decoding.temperature > 0:
            import torch

            # on the CPU wherever the model is: one seed, one stream of numbers
            self._dice = torch.Generator("cpu").manual_seed(decoding.seed)

    @property
    def greedy(self) -> bool:
        return self._dice is None

    def draw(self, logits: "torch.Tensor") -> int:
        """A token of `logits`, (vocabulary,) float32."""
        import torch

        chances = torch.softmax(logits.cpu().double() / self.decoding.temperature, -1)
        if self.decoding.top_p < 1:
            chances, order = chances.sort(descending=True, stable=True)
            chances[chances.cumsum(-1) - chances >= self.decoding.top_p] = 0
            return int(order[torch.multinomial(chances, 1, generator=self._dice)])
        return int(torch.multinomial(chances, 1, generator=self._dice))


def choose(
    logits: "torch.Tensor", choosers: Sequence[Chooser], *, computed: "torch.dtype | None" = None
) -> list[tuple[int, float]]:
    """(token, its natural log-probability) for each row of `logits`, (rows, vocabulary), one chooser a row.

    computed  the dtype that they come from, where they were widened since

    Raises CapabilityError where the numbers are not finite.
    """
    import torch

    kind, logits = computed or logits.dtype, logits.float()
    # NaN or +inf anywhere in a row makes the whole row NaN here, so what was chosen tells of all
    logprobs = torch.log_softmax(logits, -1)
    tokens = logprobs.argmax(-1)
    check_finite(logprobs.gather(-1, tokens[:, None]), kind)
    for row, chooser in enumerate(choosers):
        if not chooser.greedy:
            tokens[row] = chooser.draw(logits[row])
    return list(zip(tokens.tolist(), logprobs.gather(-1, tokens[:, None])[:, 0].tolist(), strict=True))


def check_finite(numbers: "torch.Tensor", kind: "torch.dtype") -> None:
    """Raises CapabilityError unless all of `numbers`, computed in `kind`, are finite."""
    if bool(numbers.isfinite().all()):
        return
    name = str(kind).removeprefix("torch.")
    accepted = "finite logits; Gemma 3 overflows in float16" if name == "float16" else "finite logits"
    raise CapabilityError(
        f"the model gave numbers that are not finite (NaN or infinity), computed in {name}",
        accepted=accepted,
        fix=wider_than(name),
    )


def wider_than(kind: str) -> str:
    """What to do about numbers of dtype `kind` that cannot be right."""
    return {
        "float16": 'load_model(name, dtype="bfloat16") where the GPU has it, else dtype="float32"',
        "float32": "the weights are damaged or not trained: fetch the checkpoint again",
    }.get(kind, 'load_model(name, dtype="float32"); where that helps nothing, fetch the checkpoint again')
