"""From a Scan to the numbers that a vision encoder is given, and the store that keeps them ready.

It resamples and normalises; it reads no file and knows no model. Looked up when first used: importing this loads
neither Pillow nor torch.
"""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Preparation": "medlab.imaging.preparing",
        "Prepared": "medlab.imaging.preparing",
        "PreparedCache": "medlab.imaging.cache",
        "normalise": "medlab.imaging.preparing",
        "preparation_of": "medlab.imaging.processors",
        "prepare": "medlab.imaging.preparing",
        "to_square": "medlab.imaging.preparing",
    },
)
