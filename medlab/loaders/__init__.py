"""Bytes to Scans: pictures, DICOM, NIfTI, arrays and series, every correction and doubt told. Records to timelines."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "ReadOptions": "medlab.loaders.decoded",
        "load_record": "medlab.loaders.ehr.reading",
        "load_scan": "medlab.loaders.scan",
        "load_series": "medlab.loaders.series",
        "sample_path": "medlab.loaders.samples",
    },
)
