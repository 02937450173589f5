"""Every message the library raises or warns with, one code each, never reused.

B0 command line and configs, B1 pretraining, B2 texts and corpora, B3 encoder,
B4 components, B5 annotating many documents. A message says where it happened, what was expected, what was found
and what to do.
"""

from .annotation import AnnotationErrors
from .cli import CliErrors
from .components import ComponentErrors
from .corpora import CorpusErrors
from .encoder import EncoderErrors
from .pretraining import PretrainingErrors
from .warned import WarningMessages


class _Coded(type):
    def __getattribute__(cls, name: str) -> str:
        text: str = super().__getattribute__(name)
        return text if name.startswith("_") else f"[{name}] {text}"


class Errors(
    CliErrors,
    PretrainingErrors,
    CorpusErrors,
    EncoderErrors,
    ComponentErrors,
    AnnotationErrors,
    metaclass=_Coded,
):
    """Raised."""


class Warnings(WarningMessages, metaclass=_Coded):
    """Warned, once."""
