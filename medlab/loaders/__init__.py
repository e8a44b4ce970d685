"""Bytes to Scans: pictures, DICOM, NIfTI, arrays and series, with every correction and doubt told."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "ReadOptions": "medlab.loaders.decoded",
        "load_scan": "medlab.loaders.scan",
        "load_series": "medlab.loaders.series",
        "sample_path": "medlab.loaders.samples",
    },
)
