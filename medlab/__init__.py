"""medlab: put a medical image in front of a vision-language model, ask, see why, check the why.

Research and teaching only; never a clinical device. Importing medlab loads no heavy library.
"""

from medlab.core.lazy import lazy_names
from medlab.version import __version__

__getattr__, __dir__, _names = lazy_names(
    __name__,
    {
        "Box": "medlab.core.case",
        "Case": "medlab.core.case",
        "DataError": "medlab.core.errors",
        "Finding": "medlab.core.case",
        "Mask": "medlab.core.case",
        "MedlabError": "medlab.core.errors",
        "Phantom": "medlab.phantom.worker",
        "Question": "medlab.core.case",
        "Report": "medlab.core.case",
        "Scan": "medlab.core.scan",
        "SquareFit": "medlab.core.geometry",
        "about": "medlab.about",
        "case_of": "medlab.cohorts.cohort",
        "estimate": "medlab.explainers.explain",
        "explain": "medlab.explainers.explain",
        "explore": "medlab.widgets.explorer",
        "load_cohort": "medlab.cohorts.cohort",
        "load_model": "medlab.models.load",
        "load_scan": "medlab.loaders.scan",
        "load_series": "medlab.loaders.series",
        "prepare": "medlab.imaging.preparing",
        "show": "medlab.plots.show",
        "trust": "medlab.explainers.trust.study",
    },
)
__all__ = ["__version__", *_names]
