"""The panel without a kernel: a figure of what is looked at, both sides of it. The plots draw it; this says what."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medlab.plots.plate import Plate
    from medlab.widgets.explorer import Explorer


def still_of(panel: "Explorer") -> "Plate":
    """The map of each side under its question, with verdict and scale; without one, question and answer."""
    from medlab.plots.show import show

    view = panel.view
    low, high = view["centre"] - view["width"] / 2, view["centre"] + view["width"] / 2
    low, high = min(max(low, 0.0), 0.99), min(max(high, low + 0.01, 0.01), 1.0)
    page = {"stretch": (low, high), "language": panel.language}
    asked = [f"{side.question} {side.answer.text.strip()}" for side in panel.sides]
    looked_at = [side for side in panel.sides if side.attribution is not None]
    if not looked_at:
        titles = asked if panel.beside else [panel.answer.text.strip() or panel.question]
        return show([panel.scan] * len(titles), titles=titles, audit=False, **page)
    heat = {"opacity": view["opacity"], "cells": view["cells"], "contour": view["draw"] == "contour"}
    if not panel.beside:
        return show(panel.attribution, panel.scan, **page, **heat)
    if len(looked_at) == 1:  # the other side has no map, and is told beside this one's question
        titles = [" · ".join(asked)]
    else:
        titles = [f"{side.question} {' – '.join(side.attribution.target)}" for side in looked_at]
    return show([side.attribution for side in looked_at], panel.scan, titles=titles, **page, **heat)
