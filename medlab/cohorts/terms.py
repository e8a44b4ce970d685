"""What other data sets call the findings that medlab has a name for. Data; it judges no picture and no report."""

MEDLAB_NAMES = {
    "atelectases": "atelectasis",
    "atelectasis": "atelectasis",
    "pulmonary atelectasis": "atelectasis",
    "cardiomegaly": "cardiomegaly",
    "central venous catheter": "central_line",
    "consolidation": "consolidation",
    "effusion": "effusion",
    "endotracheal tube": "endotracheal_tube",
    "nodule": "nodule",
    "pacemaker": "pacemaker",
    "pleural effusion": "effusion",
    "pneumothorax": "pneumothorax",
    "no finding": "no_finding",
    "normal": "no_finding",
}
"""lower-case term -> medlab's name.

`no_finding` stands for the source's statement that it found nothing. It is not unfolded into "absent" for every
finding: the source did not say which ones it looked for.
"""

SPELLINGS = {"Infiltrate": "Infiltration", "Pleural_Thickening": "Pleural Thickening"}
"""one data set's two spellings of its own term -> the one kept"""


def finding_name(term: str) -> str:
    """medlab's name for a source's term, or the term itself, trimmed."""
    term = SPELLINGS.get(term.strip(), term.strip())
    return MEDLAB_NAMES.get(term.lower(), term)
