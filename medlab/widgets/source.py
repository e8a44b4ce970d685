"""The Python that an explorer's clicks stand for: `panel.replay()`. Every string in it is written as Python writes it.

What came from a model or a page is data in that source, never code.
"""

from typing import TYPE_CHECKING

from medlab.core.errors import shown

if TYPE_CHECKING:
    from medlab.core.scan import Scan
    from medlab.widgets.explorer import Explorer
    from medlab.widgets.side import Side


def source_of(panel: "Explorer") -> str:
    """Source that makes the panel's records again, given `model`, and `scan` or the tuple `scans`.

    The records of the second question are called as those of the first, with "_beside" behind.
    """
    about = panel.scans if panel.together else (panel.scan,)
    model = f"# model: medlab.load_model({panel.model.name!a}), fingerprint {panel.model.fingerprint!a}"
    lines = ["import medlab", "", model, *(_told(scan) for scan in about)]
    if not panel.together:
        lines.append(f"scan = scans[{panel.scan_number}]")
    subject = "scans" if len(about) > 1 else "scan"
    on = f", scan={panel.scan_number}" if len(about) > 1 and panel.scan_number else ""
    named = list(zip(panel.sides, ("", "_beside"), strict=False))
    for side, name in named:
        lines.append(f"answer{name} = model.ask({subject}, {side.question!r})")
        lines += _look(side, name)
    if panel.region is not None:
        lines += ["", "from medlab.widgets.links import region_of", ""]
        lines += [f"region{n} = region_of(model, answer{n}, {s.region.box_px!r}{on})" for s, n in named if s.region]
    if panel.counterfactual is not None:
        lines += ["", "from medlab.explainers.masking import ask_again", ""]
        lines += [
            f"counterfactual{name} = ask_again(model, answer{name}, {side.region.box_px!r}{on})"
            for side, name in named
            if side.counterfactual
        ]
    return "\n".join(lines) + "\n"


def _told(scan: "Scan") -> str:
    name = shown(scan.name, 80).encode("ascii", "backslashreplace").decode()
    return f"# scan: {name}, fingerprint {scan.fingerprint!a}"


def _look(side: "Side", name: str) -> list[str]:
    look = side.look
    if look is None:
        return []
    target = f"({look.target!r}, {look.against!r})" if look.against else repr(look.target)
    options = {"method": look.method, **dict(look.options)}
    options |= {"occurrence": look.occurrence} if look.occurrence else {}
    options |= {"scan": look.scan} if look.scan else {}
    told = ", ".join(f"{option}={value!r}" for option, value in options.items())
    return [f"attribution{name} = medlab.explain(model, answer{name}, {target}, {told})"]
