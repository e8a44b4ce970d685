"""The small cohort in the project's data/ folder; it lies in a checkout, not in an installed package."""

import pathlib

from medlab.cohorts.sources.base import SourceCard
from medlab.cohorts.sources.folder import Folder
from medlab.core.errors import DataError


def sample_folder() -> pathlib.Path:
    """Where the sample lies in a checkout."""
    return pathlib.Path(__file__).resolve().parents[3] / "data" / "phantoms"


class Sample(Folder):
    card = SourceCard(
        name="sample",
        title="24 phantoms and two pairs of visits, drawn once",
        licence="Apache-2.0",
        access="open",
        homepage="data/README.md",
        labels="known exactly: what was drawn is present, every other finding of the vocabulary is absent",
        traps=("drawn, not photographed: no claim about real patients may rest on them",),
    )

    def pictures(self, root: pathlib.Path | None) -> pathlib.Path:
        return root or sample_folder()

    def find(self, root: pathlib.Path | None) -> dict[str, pathlib.Path]:
        folder = self.pictures(root)
        if not (folder / "cases.jsonl").is_file():
            raise DataError(
                "missing_file",
                "the sample cohort is not here: it comes with a checkout of the project, not with the package",
                accepted="a checkout that has data/phantoms/cases.jsonl",
                fix='medlab.load_cohort("phantom", n=24) draws one of the same kind',
            )
        return {"table": folder / "cases.jsonl"}
