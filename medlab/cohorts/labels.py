"""Findings of a cohort as one column of states, and as yes/no labels under a policy that one must choose.

Uncertain and not mentioned are states of their own until a person says what they shall count as.
"""

from typing import TYPE_CHECKING

import numpy as np

from medlab.cohorts.splits import arrow_of
from medlab.core.case import STATES
from medlab.core.errors import SpecError, UnknownName, shown
from medlab.core.record import Record, check_text, frozen_array, record

if TYPE_CHECKING:
    import datasets

POLICIES = ("exclude", "ones", "zeros")


@record
class BinaryLabels(Record):
    """Which cases take part, and whether each has the finding."""

    finding: str
    rows: np.ndarray
    """(n,) int64: rows of the cohort that take part"""
    values: np.ndarray
    """(n,) bool"""
    uncertain: str
    """the policy for uncertain, one of POLICIES"""
    not_mentioned: str
    """the policy for not mentioned, one of POLICIES"""

    def __post_init__(self):
        check_text("finding", self.finding)
        if len(self.rows) == 0:
            raise SpecError(
                f"no case is left for {shown(self.finding)} under these policies",
                accepted='policies that keep some case, such as not_mentioned="zeros"',
            )
        object.__setattr__(self, "rows", frozen_array("rows", self.rows, np.int64, (1,)))
        object.__setattr__(self, "values", frozen_array("values", self.values, bool, (1,)))

    def __repr__(self) -> str:
        return (
            f"BinaryLabels({shown(self.finding)}: {int(self.values.sum())} of {len(self.values)} have it; "
            f"uncertain {self.uncertain}, not mentioned {self.not_mentioned})"
        )


def finding_names(dataset: "datasets.Dataset") -> list[str]:
    """Every finding that any case of the cohort lists, sorted."""
    import pyarrow.compute as pc

    findings = pc.list_flatten(arrow_of(dataset, ("findings",))["findings"])
    return sorted(pc.unique(pc.struct_field(findings, "name")).to_pylist())


def finding_states(dataset: "datasets.Dataset", finding: str) -> np.ndarray:
    """(rows,) array of text, one of STATES for each case; where a case lists it twice, the first of STATES wins.

    Raises UnknownName for a finding that no case lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = arrow_of(dataset, ("findings",))["findings"].combine_chunks()
    entries, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    chosen = pc.equal(pc.struct_field(entries, "name"), finding)
    if not pc.any(chosen).as_py():
        raise UnknownName("finding in this cohort", finding, finding_names(dataset))
    state = pc.index_in(pc.struct_field(entries, "state").filter(chosen), pa.array(STATES)).to_numpy()
    codes = np.full(len(lists), STATES.index("not_mentioned"))
    np.minimum.at(codes, parents.filter(chosen).to_numpy(), state)
    return np.array(STATES)[codes]


def binary_labels(
    dataset: "datasets.Dataset", finding: str, *, uncertain: str = "exclude", not_mentioned: str = "exclude"
) -> BinaryLabels:
    """Yes/no labels of one finding.

    uncertain, not_mentioned   what becomes of such cases: "exclude" leaves them out, "ones" and "zeros" count them
    """
    for where, policy in (("uncertain", uncertain), ("not_mentioned", not_mentioned)):
        if policy not in POLICIES:
            raise SpecError(f"{where} is {shown(policy)}", accepted=", ".join(POLICIES), fix=f'{where}="exclude"')
    states = finding_states(dataset, finding)
    ones, zeros = states == "present", states == "absent"
    for state, policy in (("uncertain", uncertain), ("not_mentioned", not_mentioned)):
        ones |= (states == state) & (policy == "ones")
        zeros |= (states == state) & (policy == "zeros")
    rows = np.flatnonzero(ones | zeros)
    return BinaryLabels(finding, rows, ones[rows], uncertain, not_mentioned)
