"""The Python that an explorer's clicks stand for: `panel.replay()`. Every string in it is written as Python writes it.

What came from a model or a page is data in that source, never code.
"""

from typing import TYPE_CHECKING

from medlab.core.errors import shown

if TYPE_CHECKING:
    from medlab.widgets.explorer import Explorer, Look


def source_of(panel: "Explorer", look: "Look | None") -> str:
    """Source that makes the panel's records again, given `model` and `scan`."""
    lines = [
        "import medlab",
        "",
        f"# model: medlab.load_model({panel.model.name!a}), fingerprint {panel.model.fingerprint!a}",
        f"# scan: {shown(panel.scan.name, 80).encode('ascii', 'backslashreplace').decode()}, "
        f"fingerprint {panel.scan.fingerprint!a}",
        f"answer = model.ask(scan, {panel.question!r})",
    ]
    if look is not None:
        target = f"({look.target!r}, {look.against!r})" if look.against else repr(look.target)
        more = f", occurrence={look.occurrence}" if look.occurrence else ""
        lines.append(f"attribution = medlab.explain(model, answer, {target}, method={look.method!r}{more})")
    if panel.region is not None:
        box = panel.region.box_px
        lines += ["", "from medlab.widgets.links import region_of", "", f"region = region_of(model, answer, {box!r})"]
        if panel.counterfactual is not None:
            lines += ["", "from medlab.explainers.masking import ask_again", ""]
            lines.append(f"counterfactual = ask_again(model, answer, {box!r})")
    return "\n".join(lines) + "\n"
