"""Folders, tables and archives to cohorts: Hugging Face datasets of cases, with splits that share no patient."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    dict.fromkeys(
        ("SOURCES", "case_of", "cohort_of", "load_cohort", "with_bytes", "with_root"), "medlab.cohorts.cohort"
    ),
)
