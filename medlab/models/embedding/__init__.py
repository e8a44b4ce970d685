"""Models that lay pictures and captions in one space: SigLIP, SigLIP 2, MedSigLIP, CLIP. They write no text.

`EmbeddingModel` embeds, `zero_shot` compares a picture with pairs of captions, `linear_probe` learns a finding from
embeddings and says how well, `EmbeddingStore` keeps embeddings on disk.
"""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "CaptionPair": "medlab.models.embedding.captions",
        "CaptionWarning": "medlab.models.embedding.captions",
        "EmbeddingModel": "medlab.models.embedding.model",
        "EmbeddingStore": "medlab.models.embedding.store",
        "LinearProbe": "medlab.models.embedding.probe",
        "ZeroShot": "medlab.models.embedding.zero_shot",
        "captions": "medlab.models.embedding.captions",
        "label_matrix": "medlab.models.embedding.labels",
        "linear_probe": "medlab.models.embedding.probe",
    },
)
