"""The encoder as a component, with its weights as a Hugging Face folder beside it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline.pipe import deserialize_config
from spacy.tokens import Doc
from spacy.vocab import Vocab
from spacy_transformers.data_classes import FullTransformerBatch, TransformerData
from spacy_transformers.pipeline_component import Transformer
from thinc.api import Config, Model

from ..errors import Errors

if TYPE_CHECKING:
    from ..models.encoder import BioBertModel

DEFAULT_CONFIG = Config().from_str(
    """
[transformer]
weights = "fp32"
max_batch_items = 65536

[transformer.model]
@architectures = "spacy-biobert.BioBertModel.v1"
name = "dmis-lab/biobert-base-cased-v1.2"

[transformer.set_extra_annotations]
@annotation_setters = "spacy-transformers.null_annotation_setter.v1"
"""
)["transformer"]


@Language.factory(
    "biobert_transformer",
    assigns=["doc._.trf_data"],
    default_config=DEFAULT_CONFIG,
)
def make_transformer(
    nlp: Language,
    name: str,
    model: Model[list[Doc], FullTransformerBatch],
    set_extra_annotations: Callable[[list[Doc], FullTransformerBatch], None],
    max_batch_items: int,
    weights: Literal["fp32", "bf16", "fp16"],
) -> "BioBertTransformer":
    """Make a component that encodes docs for the components that listen to it.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], FullTransformerBatch]): `spacy-biobert.BioBertModel.v1`.
    set_extra_annotations (Callable): Called with the docs and all that was encoded,
        after `doc._.trf_data` is set.
    max_batch_items (int): Tokens to encode at once, padded to the longest doc.
    weights (str): Number format of the weights on the disk: "fp32", or half the
        size: "fp16", which rounds a weight by at most 0.05 %, or "bf16", by at
        most 0.4 %. In memory they are float32 always.
    RETURNS (BioBertTransformer): The component.
    RAISES (ValueError): If the model is another one, or `max_batch_items` is below 1.
    """
    return BioBertTransformer(
        nlp.vocab,
        model,
        set_extra_annotations,
        name=name,
        max_batch_items=max_batch_items,
        weights=weights,
    )


class BioBertTransformer(Transformer):
    """spacy-transformers' component, which saves our encoder as a folder.

    `doc._.trf_data` has arrays of its own, so that a doc that is kept does not keep
    those of the docs it was encoded with. The component `biobert_release` frees them.
    """

    model: "BioBertModel"

    def __init__(
        self,
        vocab: Vocab,
        model: Any,
        set_extra_annotations: Callable[[list[Doc], FullTransformerBatch], None],
        *,
        name: str,
        max_batch_items: int,
        weights: Literal["fp32", "bf16", "fp16"] = "fp32",
    ) -> None:
        if not hasattr(model, "write_folder"):
            raise ValueError(Errors.B460.format(name=name))
        if max_batch_items < 1:
            raise ValueError(Errors.B467.format(name=name, found=max_batch_items))
        super().__init__(
            vocab,
            model,
            set_extra_annotations,
            name=name,
            max_batch_items=max_batch_items,
        )
        self.weights: Literal["fp32", "bf16", "fp16"] = weights

    def set_annotations(
        self, docs: Iterable[Doc], predictions: FullTransformerBatch
    ) -> None:
        """Write the vectors.

        docs (Iterable[Doc]): The docs. `doc._.trf_data` is set, then the callback
            is called.
        predictions (FullTransformerBatch): What `predict` gave for them.
        """
        docs = list(docs)
        for doc, data in zip(docs, predictions.doc_data, strict=True):
            doc._.trf_data = _with_own_arrays(data)
        self.set_extra_annotations(docs, predictions)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the component; the encoder goes into the folder `model` of it.

        path (str | Path): The folder of the component.
        exclude (Iterable[str]): Of "cfg", "vocab" and "model", what to leave out.
        RAISES (OSError): If nothing can be written there.
        """
        has_weights = self.model.attrs["has_transformer"]
        parts: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: srsly.write_json(
                p, self.cfg | {"has_weights": has_weights}
            ),
            "vocab": lambda p: self.vocab.to_disk(p),
        }
        if has_weights:
            parts["model"] = lambda p: self.model.write_folder(p, weights=self.weights)
        util.to_disk(path, parts, exclude)

    def from_disk(
        self, path: str | Path, *, exclude: Iterable[str] = ()
    ) -> "BioBertTransformer":
        """Read what `to_disk` wrote. Nothing of it is pickled.

        One that was saved before `nlp.initialize` leaves the encoder as it is.

        path (str | Path): The folder of the component.
        exclude (Iterable[str]): Of "cfg", "vocab" and "model", what to leave out.
        RETURNS (BioBertTransformer): This one.
        RAISES (OSError): If something is missing.
        RAISES (ValueError): If something does not fit, or is damaged.
        """
        parts: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: self.cfg.update(deserialize_config(p)),
            "vocab": lambda p: self.vocab.from_disk(p),
            "model": self._read_model,
        }
        util.from_disk(Path(path), parts, exclude)
        return self

    def _read_model(self, folder: Path) -> None:
        # In what was written before there was this key there are weights always.
        if self.cfg.pop("has_weights", True):
            self.model.read_folder(folder)


def _with_own_arrays(data: TransformerData) -> TransformerData:
    output = data.model_output
    copied = {key: array.copy() for key, array in output.items()}
    return replace(data, model_output=type(output)(**copied))
