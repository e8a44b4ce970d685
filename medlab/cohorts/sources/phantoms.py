"""Phantoms drawn on the spot: the one cohort that needs no file, no account and no network."""

import pathlib
from typing import TYPE_CHECKING, Any

from medlab.cohorts.features import schema
from medlab.cohorts.rows import row_of
from medlab.cohorts.sources.base import Source, SourceCard
from medlab.core.errors import SpecError, shown
from medlab.core.record import check_whole

if TYPE_CHECKING:
    import pyarrow as pa

    from medlab.core.case import Case
    from medlab.phantom import PhantomStyle


class Phantoms(Source):
    card = SourceCard(
        name="phantom",
        title="synthetic chest X-rays of medlab",
        licence="Apache-2.0",
        access="open",
        homepage="docs/phantom.md",
        labels="known exactly: what was drawn is present, every other finding of the vocabulary is absent",
        traps=("drawn, not photographed: no claim about real patients may rest on them",),
    )

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """n cases from `seed` on, at `size` pixels, in one `style`; visits=True draws pairs of one patient each."""
        options = {"n": 24, "seed": 0, "size": 512, "style": None, "visits": False}
        unknown = sorted(set(given) - set(options))
        if unknown:
            raise SpecError(f"phantom has no option {shown(unknown[0])}", accepted=", ".join(options))
        options |= given
        check_whole("n", options["n"], 1, 1_000_000)
        check_whole("seed", options["seed"])
        return options

    def read(
        self,
        files: dict[str, pathlib.Path],
        *,
        n: int,
        seed: int,
        size: int,
        style: "PhantomStyle | None",
        visits: bool,
    ) -> "pa.Table":
        import pyarrow as pa
        from tqdm.auto import tqdm

        from medlab.phantom import Phantom

        phantom = Phantom(size=size, style=style)
        tables = []
        with tqdm(total=n, desc="phantoms", disable=n < 16) as bar:
            for number in range(seed, seed + n if not visits else seed + (n + 1) // 2):
                drawn: tuple[Case, ...] = phantom.visits(number) if visits else (phantom.draw(number),)
                rows = [row_of(case) for case in drawn]
                tables.append(pa.Table.from_pylist(rows, schema=schema()))
                bar.update(len(rows))
        return pa.concat_tables(tables).slice(0, n)
