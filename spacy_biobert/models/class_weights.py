"""How much each class counts in a loss, so that rare ones are heard."""

from collections.abc import Mapping


def balance_exclusive(n_docs: Mapping[str, int]) -> dict[str, float]:
    """Weigh exclusive classes so that each counts as much as any other.

    n_docs (Mapping[str, int]): Number of documents of each class.
    RETURNS (dict[str, float]): Per class, the weight of its documents: the mean
        number of documents of a class over its own number. 1 for a class that does
        not occur.
    SOURCE: King and Zeng (2001), section 4.2, https://doi.org/10.1093/oxfordjournals.pan.a004868
    """
    found = {label: n for label, n in n_docs.items() if n}
    mean = sum(found.values()) / len(found) if found else 0.0
    return {label: mean / n if n else 1.0 for label, n in n_docs.items()}


def balance_independent(
    n_with: Mapping[str, int], n_without: Mapping[str, int]
) -> dict[str, float]:
    """Weigh classes that are independent so that yes counts as much as no.

    n_with (Mapping[str, int]): Number of documents that each class applies to.
    n_without (Mapping[str, int]): Number of those that it does not apply to.
    RETURNS (dict[str, float]): Per class, the weight where it applies, where it does
        not weighs 1: the second number over the first. 1 for a class without both.
    """
    return {
        label: n_without[label] / n if n and n_without[label] else 1.0
        for label, n in n_with.items()
    }
