"""Questions about several scans: two films of one patient, the slices of a CT, the patches of a pathology slide.

It picks scans and puts them and the text in the order that MedGemma 1.5 was published with, and says before anything
is asked whether the model's context holds them. Reading files is the loaders' business; what the model makes of so
many pictures nobody but its publisher has measured.
"""

from collections.abc import Sequence

import numpy as np

from medlab.core.errors import CapabilityError, DataError, SpecError
from medlab.core.query import Decoding, Prompt, Query
from medlab.core.record import check_number, check_whole
from medlab.core.scan import Note, Scan
from medlab.models.base import Model
from medlab.models.conventions.medgemma import MAX_PATCHES, MAX_SLICES

PATCH_PX = 896
PATCH_SPACING_MM = 0.001
"""of a pixel at 10x: one micrometre"""
_SPACING_SLACK = 1.25
"""factor by which a spacing may differ and still be called 10x"""
_STAIN = 0.07
"""difference between a pixel's colours, of 1, from which it is stain and not glass"""


def comparison_query(
    model: Model,
    prior: Scan,
    current: Scan,
    question: str | Prompt,
    *,
    decoding: Decoding | None = None,
    **values: str,
) -> Query:
    """A question about an earlier and a later film: prior, current, text, as in MedGemma 1.5's notebook.

    Raises SpecError where both are one picture, DataError "ambiguous_patient" where they are known to be of two
    patients, CapabilityError where the model cannot take two.
    """
    if prior == current:
        raise SpecError("prior and current are the same scan", accepted="two scans of one patient")
    if prior.patient and current.patient and prior.patient != current.patient:
        raise DataError(
            "ambiguous_patient", "prior and current are of two patients", accepted="two scans of one patient"
        )
    prompt = question if isinstance(question, Prompt) else _plain("comparison", question)
    decoding = decoding or model.decoding_for(prompt)
    return checked(model, prompt.fill((prior, current), decoding=decoding, **values | _said(question)))


def slices_query(
    model: Model,
    slices: Sequence[Scan],
    question: str | Prompt,
    *,
    limit: int = MAX_SLICES,
    decoding: Decoding | None = None,
    **values: str,
) -> Query:
    """A question about a stack of slices: each slice followed by "SLICE n", n from 1, and the question at the end.

    slices  in the order of the body, as medlab.load_series(folder, three_windows=True) gives them
    limit   at most so many are shown, evenly spaced, the first and the last among them
    question  text, or a Prompt, whose own label then stands after each slice

    Raises SpecError without a slice, CapabilityError where the model's context does not hold them, with the number
    that it would.
    """
    chosen = spread(slices, limit)
    prompt = question if isinstance(question, Prompt) else _plain("slices", question, label="SLICE {number}")
    return _checked_stack(model, prompt, chosen, decoding, values | _said(question))


def patches_query(
    model: Model,
    patches: Sequence[Scan],
    question: str | Prompt,
    *,
    limit: int = MAX_PATCHES,
    seed: int = 0,
    decoding: Decoding | None = None,
    **values: str,
) -> Query:
    """A question about patches of one slide: the question and then the patches, as in MedGemma 1.5's notebook.

    patches  such as `tissue_patches(slide)`; of more than `limit`, so many are drawn by `seed`, their order kept

    Raises as `slices_query`.
    """
    chosen = drawn(patches, limit, seed)
    prompt = question if isinstance(question, Prompt) else _plain("patches", question, order="text_first")
    return _checked_stack(model, prompt, chosen, decoding, values | _said(question))


def tissue_patches(
    slide: Scan, *, limit: int = MAX_PATCHES, side: int = PATCH_PX, tissue: float = 0.25, seed: int = 0
) -> tuple[Scan, ...]:
    """Patches of side x side pixels that do not overlap and show tissue, row by row; the rest at the edges is left.

    slide   in colour, at 10x (one micrometre a pixel)
    limit   of more, so many are drawn by `seed`, their order kept
    tissue  the least share of a patch that is stained: whose colours differ by more than 7 % of white. Pale fat and
            what was never stained count as glass

    Raises SpecError for a slide in grey, smaller than a patch, without tissue, or at another magnification than 10x.
    """
    check_whole("side", side, 1)
    check_number("tissue", tissue, 0, 1)
    _check_slide(slide, side)
    corners = [
        (top, left)
        for top in range(0, slide.rows - side + 1, side)
        for left in range(0, slide.cols - side + 1, side)
        if _stained(slide.pixels[top : top + side, left : left + side]) >= tissue
    ]
    if not corners:
        raise SpecError(f"no patch of the slide is stained over {tissue:.0%} of it", fix="a lower tissue=")
    return tuple(_patch(slide, top, left, side) for top, left in drawn(corners, limit, seed))


def spread(scans: Sequence[Scan], limit: int) -> tuple[Scan, ...]:
    """At most `limit` of the scans, evenly spaced, both ends kept; the middle one where the limit is 1."""
    check_whole("limit", limit, 1)
    if len(scans) <= limit:
        return tuple(scans)
    if limit == 1:
        return (scans[len(scans) // 2],)
    return tuple(scans[place] for place in np.round(np.linspace(0, len(scans) - 1, limit)).astype(int))


def drawn(things: Sequence, limit: int, seed: int) -> tuple:
    """At most `limit` of the things, drawn without replacement by `seed`, in their own order."""
    check_whole("limit", limit, 1)
    check_whole("seed", seed)
    if len(things) <= limit:
        return tuple(things)
    return tuple(things[place] for place in np.sort(np.random.default_rng(seed).permutation(len(things))[:limit]))


def checked(model: Model, query: Query) -> Query:
    """The same query, if the model takes its scans and its context holds it; else CapabilityError, before any work."""
    most, context = model.capabilities.images, model.capabilities.context
    if most is not None and len(query.scans) > most:
        raise CapabilityError(
            f"{len(query.scans)} scans for {model.name}",
            accepted=f"at most {most}",
            fix=f"limit={most}" if most else "",
        )
    needed = model.prompt_tokens(query)
    room = query.decoding.max_new_tokens
    if needed is not None and context is not None and needed + room > context:
        raise CapabilityError(
            f"{len(query.scans)} scans and the text take {needed} tokens, and the answer up to {room}",
            accepted=f"at most {context} tokens together ({model.name})",
        )
    return query


def _checked_stack(
    model: Model, prompt: Prompt, chosen: tuple[Scan, ...], decoding: Decoding | None, values: dict[str, str]
) -> Query:
    if not chosen:
        raise SpecError("no scan was given", accepted="one or more")
    decoding = decoding or model.decoding_for(prompt)
    query = prompt.fill(chosen, decoding=decoding, **values)
    try:
        return checked(model, query)
    except CapabilityError as error:
        if error.fix or len(chosen) == 1:
            raise
        most = _most(model, query, prompt.fill(chosen[:1], decoding=decoding, **values))
        fix = f"limit={most}, or a model with a longer context" if most else "a model with a longer context"
        raise CapabilityError(error.given, accepted=error.accepted, fix=fix) from None


def _most(model: Model, query: Query, single: Query) -> int:
    """How many of the query's scans would fit, if each takes as many tokens as another."""
    one, every = model.prompt_tokens(single), model.prompt_tokens(query)
    each = -(-(every - one) // (len(query.scans) - 1))
    room = model.capabilities.context - query.decoding.max_new_tokens - (one - each)
    return max(room // each, 0)


def _plain(name: str, question: str, **facts: str) -> Prompt:
    """A Prompt that says `question` and nothing else; its braces are text."""
    return Prompt(name, "{asked}", images=2 if name == "comparison" else None, **facts)


def _said(question: str | Prompt) -> dict[str, str]:
    return {} if isinstance(question, Prompt) else {"asked": question}


def _check_slide(slide: Scan, side: int) -> None:
    if not slide.is_colour:
        raise SpecError("the slide is grey", accepted="a stained slide in colour")
    if min(slide.rows, slide.cols) < side:
        raise SpecError(f"the slide is {slide.rows}x{slide.cols}", accepted=f"at least {side}x{side} pixels")
    for spacing in slide.spacing_mm or ():
        if not 1 / _SPACING_SLACK <= spacing / PATCH_SPACING_MM <= _SPACING_SLACK:
            raise SpecError(
                f"a pixel of the slide is {spacing * 1000:g} micrometres wide, which is about {0.01 / spacing:.3g}x",
                accepted="10x: one micrometre a pixel",
                fix="read the level of the slide that is at 10x",
            )


def _stained(pixels: np.ndarray) -> float:
    """The share of pixels (rows, cols, 3) with a colour of their own: glass and shadow are grey."""
    return float(np.mean(np.ptp(pixels, axis=2) > _STAIN))


def _patch(slide: Scan, top: int, left: int, side: int) -> Scan:
    doubt = Note("doubt", "magnification_unknown", "the slide does not say how wide its pixels are; taken for 10x")
    return slide.replace(
        pixels=np.ascontiguousarray(slide.pixels[top : top + side, left : left + side]),
        steps=(*slide.steps, f"patch of {side} pixels from row {top}, column {left}"),
        notes=slide.notes if slide.spacing_mm else (*slide.notes, doubt),
    )
