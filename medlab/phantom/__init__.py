"""The synthetic chest: films drawn from a seed, with exact masks and bilingual reports. Never a real patient.

`Phantom` draws, `PhantomStyle` says what kind of films, `present` orders a finding, `parse_report` reads one back.
"""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Phantom": "medlab.phantom.worker",
        "PhantomStyle": "medlab.phantom.style",
        "check_case": "medlab.phantom.checker",
        "parse_report": "medlab.phantom.parser",
        "present": "medlab.phantom.vocabulary",
        "write_phantoms": "medlab.phantom.export",
    },
)
