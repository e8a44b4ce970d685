"""Which findings a patient has, by chance: labels only, no picture. Every draw can be seen together on one film."""

from medlab.core.case import Finding
from medlab.phantom.chance import stream
from medlab.phantom.style import PhantomStyle
from medlab.phantom.vocabulary import KINDS, LUNG_SIDES, conflict, in_order, present

SECOND_SIDE = 0.2
"""chance that an effusion is joined by one on the other side"""


def choose_findings(seed: int, style: PhantomStyle) -> tuple[Finding, ...]:
    """The findings of patient `seed` under `style`, in the vocabulary's order; none in a normal case.

    Names are tried in random order, so that no finding always gives way to another that excludes it.
    """
    rng = stream(seed, "findings")
    if rng.random() < style.normal_fraction:
        return ()
    chances = dict(style.prevalence)
    chosen: list[Finding] = []
    for name in rng.permutation(list(KINDS)).tolist():
        kind = KINDS[name]
        wanted = rng.random() < chances.get(name, 0.0)
        candidate = present(
            name,
            str(rng.choice(LUNG_SIDES)) if kind.sided else None,
            str(rng.choice(kind.zones)) if kind.zones else None,
            str(rng.choice(kind.severities)) if kind.severities else None,
        )
        second = rng.random() < SECOND_SIDE and name == "effusion"
        if not wanted or any(conflict(candidate, other) for other in chosen):
            continue
        chosen.append(candidate)
        if second:
            far = "left" if candidate.side == "right" else "right"
            twin = candidate.replace(side=far, severity=str(rng.choice(kind.severities)))
            if not any(conflict(twin, other) for other in chosen):
                chosen.append(twin)
    return in_order(chosen)
