"""Health records: FHIR R4 into a timeline, and a timeline into a text short enough to ask a model about.

A file becomes a PatientRecord of Entries; `PatientRecord.digest` makes the text; `citations` looks whether what a
model cites is there. Nothing here is fetched, and no model is known.
"""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Digest": "medlab.loaders.ehr.digest",
        "Entry": "medlab.loaders.ehr.entry",
        "Measure": "medlab.loaders.ehr.entry",
        "PatientRecord": "medlab.loaders.ehr.patient_record",
        "citations": "medlab.loaders.ehr.citing",
        "load_record": "medlab.loaders.ehr.reading",
        "patients_in": "medlab.loaders.ehr.reading",
    },
)
