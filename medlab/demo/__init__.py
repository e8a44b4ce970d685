"""The demo model: a small Gemma 3 that is trained, here, on phantoms and on nothing else.

`train_demo` makes it from a seed: films, tokenizer, vision tower, language model, guard. It knows nothing of
real patients, and says so.
"""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"train_demo": "medlab.demo.train"})
