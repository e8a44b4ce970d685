"""`trust`: methods put to the test on films whose lesions are known, each beside maps that know nothing.

Three rounds: every film is asked about and pointed at; on a few, maps of other questions, of other words and of the
same film with invisible noise are compared, and tokens deleted; on the same few, once more with the model's weights
shuffled. It runs the tests; what they are stands next door.
"""

import contextlib
import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.grid import Grid
from medlab.core.provenance import collect
from medlab.core.record import check_choice, check_whole
from medlab.core.score import Scorecard
from medlab.explainers.base import Method
from medlab.explainers.methods import METHODS, make_method
from medlab.explainers.trust.bench import SCORES, Bench
from medlab.explainers.trust.card import CAVEATS, LANGUAGES, TrustCard, TrustTable, faults_of
from medlab.explainers.trust.controls import CONTROLS
from medlab.explainers.trust.deletion import FILLS, Areas, areas, order_of, orders
from medlab.explainers.trust.films import phantoms
from medlab.explainers.trust.localise import Localisation, localise
from medlab.explainers.trust.marks import Marks, scores_of
from medlab.explainers.trust.probes import Probe, probes_of
from medlab.explainers.trust.sanity import Unit, apart, change_under_noise, comparisons, correlation, plain, shuffled
from medlab.explainers.trust.scrambling import STAGES, parts_of
from medlab.explainers.trust.verdicts import keep, key_of

if TYPE_CHECKING:
    from medlab.models.base import Model


def trust(
    model: "Model",
    methods: Sequence[str | Method] | None = None,
    cases: Iterable[Case] | None = None,
    *,
    n: int = 200,
    deep: int = 30,
    seed: int = 0,
    language: str = "en",
    folder: str | os.PathLike | None = None,
    again: bool = False,
    progress: bool = True,
) -> TrustTable:
    """How far each method's maps of this model may be believed.

    methods   names or Methods; None for every one that can work on this model. The controls are always beside them
    cases     with findings and masks; None draws phantoms
    n         films that are asked about
    deep      films on which the dearer tests are run too: other questions, noise, deletion, shuffled weights
    seed      of phantoms, noise, orders and shuffling
    language  of the questions
    folder    where rows are kept as they are found, so that a killed study goes on; None for medlab's cache
    again     forget what was kept of these methods and begin anew

    The cards are kept by model and method, and each map that `explain` draws of them carries its verdict. Only
    questions that the model answers right are judged. Raises SpecError where there is nothing to judge,
    CapabilityError for a method asked for by name that cannot work on this model.
    """
    for name, value in (("n", n), ("deep", deep), ("seed", seed)):
        check_whole(name, value, 1 if name == "n" else 0)
    check_choice("language", language, tuple(LANGUAGES))
    made = [one if isinstance(one, Method) else make_method(one) for one in (methods or METHODS.names())]
    made += [make_method(name) for name in CONTROLS]
    made = list(dict.fromkeys(made))
    bench = Bench(model, made, seed=seed, folder=None if folder is None else pathlib.Path(folder), again=again)
    study = Study(bench, made, language=language, named=methods is not None, progress=progress)
    study.point(itertools.islice(phantoms(seed) if cases is None else cases, n), n, deep)
    if not study.units and not any(marks.located for marks in study.marks.values()):
        raise SpecError(
            f"{study.asked} question(s) about {study.shown} film(s), none answered right",
            accepted="cases with findings and masks that the model is right about",
        )
    study.compare(study.units[:deep])
    study.shuffle(study.units[:deep])
    return study.table()


class Study:
    """One run of `trust`: it holds what was found so far."""

    def __init__(self, bench: Bench, methods: list[Method], *, language: str, named: bool, progress: bool):
        self.bench, self.model = bench, bench.model
        self.language, self.named, self.progress = language, named, progress
        self.marks = {method: Marks() for method in methods}
        self._random = next(method for method in methods if method.name == CONTROLS[0])
        self.left_out: list[str] = []
        self.shown = self.asked = self.right = 0
        self.cohorts: dict[str, None] = {}
        self.units: list[Unit] = []
        """those of films with two findings first"""

    def point(self, cases: Iterable[Case], n: int, deep: int) -> None:
        """Ask about every finding, and mark every method's map where the answer is right."""
        pairs: list[Unit] = []
        singles: list[Unit] = []
        for case in self._bar(cases, "films", n):
            _check_fit(self.model, case)
            probes = probes_of(self.model, case, self.language)
            scores = self.bench.scores(probes)
            right = [probe for probe, score in zip(probes, scores, strict=True) if score > 0]
            self.shown, self.asked, self.right = self.shown + 1, self.asked + len(probes), self.right + len(right)
            self.cohorts[case.source] = None
            for probe in right:
                self._locate(probe)
            if right:
                turn = len(pairs) + len(singles)
                one, other = right[turn % len(right)], right[(turn + 1) % len(right)]
                kind = singles if one is other else pairs
                if len(kind) < deep:
                    kind.append(Unit(one, None if one is other else other))
        self.units = [*pairs, *singles]

    def compare(self, units: list[Unit]) -> None:
        """Maps of other questions, other words and other pixels; answers without the strongest tokens."""
        for unit in self._bar(units, "other questions", len(units)):
            film = unit.probe.film
            for method, marks in self.marks.items():
                for test, alike in comparisons(self.bench, method, unit):
                    marks.alike.setdefault(test, []).append((film, alike))
                told = apart(self.bench, method, unit, self._grid(unit.probe))
                marks.apart += [] if told is None else [(film, told)]
                change = change_under_noise(self.bench, method, unit.probe)
                marks.noise += [] if change is None else [(film, change)]
            self._delete(unit.probe)

    def shuffle(self, units: list[Unit]) -> None:
        """Maps of the same questions with the weights shuffled."""
        try:
            parts_of(self.model)
        except CapabilityError as error:
            self.left_out.append(f"shuffled weights: {error.given}")
            return
        # closed by name: an error whose traceback a notebook keeps would keep the weights shuffled
        with contextlib.closing(shuffled(self.bench, list(self.marks), units)) as found:
            for test, unit, maps in self._bar(found, "shuffled weights", len(units) * len(STAGES)):
                self._liken(test, unit.probe, maps)

    def table(self) -> TrustTable:
        """The cards, each kept for the verdicts of maps to come."""
        controls = {method.name: marks for method, marks in self.marks.items() if method.name in CONTROLS}
        cards = []
        for method, marks in self.marks.items():
            scores = scores_of(marks, controls)
            title = f"{method.name} on {self.model.name}"
            card = TrustCard(
                method.name,
                method.settings,
                self.model.name,
                key_of(self.model),
                ", ".join(self.cohorts),
                len({film for film, _, _ in marks.located}),
                Scorecard(title, tuple(scores.values()), collect(self.bench.seed), CAVEATS),
                faults_of(scores, method.name),
                self.language,
            )
            keep(card)
            cards.append(card)
        return TrustTable(tuple(cards), self.shown, self.asked, self.right, tuple(self.left_out))

    def _locate(self, probe: Probe) -> None:
        maps = {}
        for method in list(self.marks):
            try:
                maps[method] = plain(self.bench, method, probe)
            except CapabilityError as error:
                if self.named:
                    raise
                self.left_out.append(f"{method.name}: {error.given}")
                del self.marks[method]
        for method, values in maps.items():
            self.marks[method].located.append((probe.film, probe.finding, self._judged(probe, values)))

    def _liken(self, test: str, probe: Probe, maps: dict[Method, np.ndarray]) -> None:
        """How far each method's map of the shuffled model is that of the model itself, whichever way round."""
        for method, values in maps.items():
            own, marks = plain(self.bench, method, probe), self.marks[method]
            marks.alike.setdefault(test, []).append((probe.film, abs(correlation(own, values))))
            if test.endswith(STAGES[-1]):
                marks.shuffled_hits.append((probe.film, self._judged(probe, values).hit))

    def _judged(self, probe: Probe, values: np.ndarray) -> Localisation:
        """The marks of one map, pointing judged on the grid of the controls: that of the image tokens if known."""
        return localise(values, self.model.fit_of(probe.case.scans[probe.scan]), probe.truth, self._grid(probe))

    def _grid(self, probe: Probe) -> Grid:
        """On which every map of the probe is judged: that of the controls."""
        return plain(self.bench, self._random, probe).shape

    def _delete(self, probe: Probe) -> None:
        """The areas of every map's order of image tokens, of chance, and of the truth."""
        bench, request = self.bench, self.bench.request(probe.aim(self.model), probe.scan)
        try:
            grid = request.glass.grid
        except CapabilityError:
            return

        def areas_of(owner: Method | str, name: str, order: np.ndarray, fill: str) -> Areas:
            key = (*probe.key, f"areas by {fill}: {name}")
            return Areas(*bench.kept(owner, key, lambda: dataclasses.astuple(areas(request, order, fill))))

        known = dict(orders(request, probe.truth, bench.seed))
        for fill in FILLS:
            fixed = {name: areas_of(SCORES, name, order, fill) for name, order in known.items()}
            truth = fixed.pop("truth")
            chance = Areas(*np.mean([dataclasses.astuple(one) for one in fixed.values()], 0).tolist())
            for method, marks in self.marks.items():
                order = order_of(plain(bench, method, probe), grid, bench.seed)
                own = areas_of(method, "own", order, fill)
                marks.areas.setdefault(fill, []).append((probe.film, own, chance, truth))

    def _bar(self, things: Iterable, what: str, total: int) -> Iterator:
        from tqdm.auto import tqdm

        return iter(tqdm(things, desc=what, total=total, disable=not self.progress))


def _check_fit(model: "Model", case: Case) -> None:
    if any(model.fit_of(scan) is None for scan in case.scans):
        raise CapabilityError(
            f"how {model.name} lays a scan on its square is not known",
            accepted="a model whose maps can be laid on the scan",
        )
