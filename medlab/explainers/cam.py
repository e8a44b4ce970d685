"""Class activation maps of a transformer: what its last patches, or the image tokens, hold, weighed by the gradient.

A transformer has no feature maps: its states are (tokens, channels), and the mean that Grad-CAM takes over places is
the mean over *tokens*. captum's LayerGradCam takes it over channels and gives a number for each channel
(docs/captum.md), so this is medlab's own code; with states laid out as a convolution's, captum gives the same. Values
keep their sign. It knows pixels only through the tower.
"""

import abc
import dataclasses
from typing import TYPE_CHECKING

from medlab.core.errors import SpecError
from medlab.core.record import check_choice
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.gradients import gradient, inputs_of, on_grid, reckon_gradients

if TYPE_CHECKING:
    import torch


@dataclasses.dataclass(frozen=True)
class ActivationMap(Method):
    """States times what the gradient says of them, summed over channels.

    at  "patches": the last hidden states of the vision tower, on the patch grid; "tokens": the image tokens that the
        language model reads, on the token grid
    """

    at: str = "patches"

    family = "gradients"
    passes = "1 forwards, 1 back"

    def __post_init__(self):
        if self.at in ("language", "hidden_states", "last"):
            raise SpecError(
                f"{self.name} at the language model's last states: after its last layer no token looks at another, so "
                "that the gradient at image tokens is 0 everywhere",
                accepted='at="patches" or at="tokens"',
                fix=f'method="{self.name}", at="tokens"',
            )
        check_choice("at", self.at, ("patches", "tokens"))

    @abc.abstractmethod
    def weights(self, slope: "torch.Tensor") -> "torch.Tensor":
        """What states are multiplied with: of a gradient (1, cells, channels)."""

    def draw(self, request: Request) -> Map:
        states = inputs_of(request, self.at)
        _, slope = gradient(request, states, self.at)
        return Map(on_grid(request.glass, self.weights(slope) * states, self.at)[0])

    def cost(self, request: Request) -> Cost:
        return reckon_gradients(self.name, request, self.at, 1)


@dataclasses.dataclass(frozen=True)
class GradCam(ActivationMap):
    """Each channel weighed by the mean of its gradient over all places (Selvaraju et al. 2017, arXiv 1610.02391).

    The paper keeps what is above 0; here the sign stays, and a plot may drop it. `at` is as in ActivationMap.
    """

    name = "gradcam"
    question = "Where are the channels strong that on average speak for the answer?"
    not_this = "A channel may speak for the answer here and against it there: the mean over places hides that."

    def weights(self, slope: "torch.Tensor") -> "torch.Tensor":
        return slope.mean(1, keepdim=True)


@dataclasses.dataclass(frozen=True)
class HiResCam(ActivationMap):
    """Each channel weighed by its gradient at the very place (Draelos & Carin 2020, arXiv 2011.08891).

    `at` is as in ActivationMap.
    """

    name = "hirescam"
    question = "To first order, what does the state of each place add to the score?"
    not_this = "A patch of the last layer has looked at all others: where its content came from, it does not say."

    def weights(self, slope: "torch.Tensor") -> "torch.Tensor":
        return slope
