"""The list of methods by name, imported only when used, and the table of what each of them says of itself."""

import dataclasses

from medlab.core.errors import CapabilityError, SpecError, near_names, shown
from medlab.core.registry import Registry
from medlab.explainers.base import Method

METHODS = Registry(
    "method",
    {
        "token_occlusion": "medlab.explainers.tokens:TokenOcclusion",
        "knockout": "medlab.explainers.knockout:Knockout",
        "rise_knockout": "medlab.explainers.rise:RiseKnockout",
        "rise_tokens": "medlab.explainers.rise:RiseTokens",
        "rise_pixels": "medlab.explainers.pixels:RisePixels",
        "occlusion": "medlab.explainers.pixels:Occlusion",
        "shapley": "medlab.explainers.shapley:Shapley",
        "attention": "medlab.explainers.attention:Attention",
        "rollout": "medlab.explainers.attention:Rollout",
        "relevance": "medlab.explainers.relevance:Relevance",
        "logit_lens": "medlab.explainers.lens:LogitLens",
        "saliency": "medlab.explainers.gradients:Saliency",
        "input_x_gradient": "medlab.explainers.gradients:InputXGradient",
        "smoothgrad": "medlab.explainers.gradients:SmoothGrad",
        "integrated_gradients": "medlab.explainers.integrated:IntegratedGradients",
        "gradcam": "medlab.explainers.cam:GradCam",
        "hirescam": "medlab.explainers.cam:HiResCam",
        "random": "medlab.explainers.trust.controls:Random",
        "centre": "medlab.explainers.trust.controls:Centre",
        "edges": "medlab.explainers.trust.controls:Edges",
    },
    fix="`medlab methods` tells what each is for",
)
SHORT = {"instant": "relevance", "refine": "rise_knockout", "reference": "rise_tokens"}
"""what a person meets first -> the method it stands for"""
_RELU_ALONE = "its rules hang on ReLU modules and a Gemma 3 has none, so that it is {} under another name"
REFUSED = {
    "deep_lift": (_RELU_ALONE.format("input_x_gradient"), "integrated_gradients"),
    "guided_backprop": (_RELU_ALONE.format("saliency with its sign"), "saliency"),
    "deconvolution": (_RELU_ALONE.format("saliency with its sign"), "saliency"),
    "guided_gradcam": (_RELU_ALONE.format("gradcam times the plain gradient"), "hirescam"),
    "lrp": ("captum has no rule for a transformer's layers, and those that others found are patented", "relevance"),
}
"""method that is known elsewhere and not offered -> why not, and what to take instead; docs/captum.md has the proof"""


def make_method(name: str, **options) -> Method:
    """The method of a name, with its options.

    Raises UnknownName for a name that is none, CapabilityError for one that is REFUSED, with the reason, and SpecError
    for an option that the method does not take.
    """
    _refuse(name)
    kind = METHODS.get(SHORT.get(name, name))
    known = [field.name for field in dataclasses.fields(kind)]
    for option in options:
        if option not in known:
            near = near_names(option, known)
            raise SpecError(
                f"option {shown(option)} of method {name}",
                accepted=", ".join(known) or "no options",
                fix=f"{near[0]}=..." if near else "",
            )
    return kind(**options)


def _refuse(name: str) -> None:
    spelled = {refused.replace("_", ""): refused for refused in REFUSED}
    found = spelled.get(str(name).lower().replace("_", "").replace("-", ""))
    if found is not None:
        why, instead = REFUSED[found]
        raise CapabilityError(f"method {found}: {why}", accepted=", ".join(METHODS), fix=f'method="{instead}"')


def table() -> list[dict[str, str]]:
    """A row for each method: name, family, question, passes, whether causal, needs, and what it does not mean."""
    columns = ("name", "family", "question", "passes", "needs", "not_this")
    kinds = [METHODS.get(name) for name in METHODS]
    return [
        {column: getattr(kind, column) for column in columns} | {"causal": "yes" if kind.causal else "no"}
        for kind in kinds
    ]
