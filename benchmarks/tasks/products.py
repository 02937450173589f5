"""For `spacy train --code`: spaCy's own networks with NumPy's products of matrices."""

from collections.abc import Callable

from spacy.language import Language
from spacy.util import registry

from spacy_biobert.models.beside import multiply_with_numpy

NAME = "spacy-biobert.benchmarks.NumpyProducts.v1"


@registry.callbacks(NAME)  # type: ignore[untyped-decorator]
def make_numpy_products() -> Callable[[Language], Language]:
    """Give what lets all components of a pipeline multiply with NumPy, on a CPU."""

    def multiply(nlp: Language) -> Language:
        for _, pipe in nlp.pipeline:
            multiply_with_numpy(pipe.model)  # type: ignore[attr-defined]
        return nlp

    return multiply
