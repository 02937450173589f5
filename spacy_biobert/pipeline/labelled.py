"""What a component with labels is, whatever the labels are of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples

from ..errors import Errors

N_SAMPLE = 10  # docs that the model's layers read their widths from
N_TUNED = 64  # docs to score at once in tuning


class LabelledPipe(TrainablePipe):  # type: ignore[misc]
    """A component whose model has outputs for each of its labels.

    A subclass keeps its labels in `cfg["labels"]` and says what they annotate.
    """

    cfg: dict[str, Any]
    # Completes "Check that the training documents carry ..."
    annotation: ClassVar[str]
    # What `tune` finds for each label, for a table.
    tuned: ClassVar[str] = "threshold"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the model's outputs."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> tuple[str, ...]:
        """What `spacy init labels` writes and `initialize` takes as `labels`."""
        return self.labels

    @property
    def n_outputs(self) -> int:
        """Outputs that the model needs for the labels."""
        return len(self.labels)

    @property
    def n_least_labels(self) -> int:
        """Labels without which there is nothing to learn."""
        return 1

    def add_label(self, label: str) -> int:
        """Add a label; a trained model keeps what it knows about the others.

        label (str): The label.
        RETURNS (int): 1 if it is new, else 0.
        RAISES (ValueError): If it is not a text, or empty.
        """
        if not isinstance(label, str) or not label:
            raise ValueError(Errors.B402.format(name=self.name, found=label))
        if label in self.labels:
            return 0
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        if self.model.get_ref("output_layer").has_param("W"):
            self.set_output(self.n_outputs)
        return 1

    def _read_tuned(self, key: str, *, least: float, most: float) -> dict[str, float]:
        """Read what was tuned, or set by hand, for labels.

        key (str): Where it is in `cfg`.
        least (float): The lowest number that makes sense.
        most (float): The highest.
        RETURNS (dict[str, float]): By label.
        RAISES (ValueError): If it is something else.
        """
        found = self.cfg[key]
        if not isinstance(found, dict) or not all(
            label in self.labels
            and isinstance(number, int | float)
            and least <= number <= most
            for label, number in found.items()
        ):
            raise ValueError(
                Errors.B482.format(
                    name=self.name,
                    key=key,
                    labels=", ".join(self.labels),
                    least=least,
                    most=most,
                    found=found,
                )
            )
        return found

    def _check_finite(self, scores: Any) -> None:
        """Refuse scores (an array of numpy or cupy) that are NaN or infinite.

        They would become annotations that look like any others.
        """
        are_finite = numpy.isfinite(scores)
        if not bool(are_finite.all()):
            raise ValueError(
                Errors.B468.format(
                    name=self.name,
                    found=int((~are_finite).sum()),
                    total=are_finite.size,
                )
            )

    def _read_once(
        self, get_examples: Callable[[], Iterable[Example]], sample: list[Doc]
    ) -> Iterator[Example]:
        """Read the training examples for `initialize`.

        One after the other is checked, because spaCy's own check reads them all, and a
        corpus may take minutes to read.

        get_examples (Callable): Gives the examples.
        sample (list[Doc]): Filled with the first documents that have tokens.
        YIELDS (Example): Each.
        RAISES (TypeError): If something else is given.
        """
        method = f"{type(self).__name__}.initialize"
        if not callable(get_examples):
            validate_get_examples(get_examples, method)
        for eg in get_examples():
            validate_examples([eg], method)
            if len(eg.reference) and len(sample) < N_SAMPLE:
                sample.append(eg.reference)
            yield eg

    def _set_labels(
        self, found: set[str], labels: Sequence[str] | None, sample: list[Doc]
    ) -> None:
        """Set the labels and the widths of the model's layers.

        found (set[str]): The labels of the training documents.
        labels (Sequence[str] | None): The labels to take instead.
        sample (list[Doc]): Documents with tokens.
        RAISES (ValueError): If there are too few labels or no documents, if no
            document has one of the labels, or if the model has another number of
            outputs.
        """
        for label in sorted(found) if labels is None else labels:
            self.add_label(label)
        if not sample:
            raise ValueError(Errors.B403.format(name=self.name))
        self._check_labels(found)
        self.model.set_dim("nO", self.n_outputs)
        self.model.initialize(X=sample)

    def _check_labels(self, found: set[str]) -> None:
        names = ", ".join(self.labels)
        if len(self.labels) < self.n_least_labels:
            raise ValueError(
                Errors.B400.format(
                    name=self.name,
                    expected=self.n_least_labels,
                    found=len(self.labels),
                    labels=names,
                    annotation=self.annotation,
                )
            )
        if found and not found.intersection(self.labels):
            raise ValueError(
                Errors.B404.format(
                    name=self.name, labels=names, found=", ".join(sorted(found))
                )
            )
        n_built = self.model.maybe_get_dim("nO")
        if n_built not in (None, self.n_outputs):
            raise ValueError(
                Errors.B401.format(
                    name=self.name, found=n_built, expected=self.n_outputs, labels=names
                )
            )
