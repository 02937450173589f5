from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.converters.revisions import PmidSet, Settled, Survey

pmids = st.sets(st.integers(0, 10**6) | st.integers(0, 10**9))


def pmid_set(numbers: set[int]) -> PmidSet:
    kept = PmidSet()
    for number in numbers:
        kept.add(number)
    return kept


@given(pmids, st.integers(0, 10**9))
def test_pmid_set_is_a_set(numbers: set[int], other: int) -> None:
    kept = pmid_set(numbers)
    assert all(number in kept for number in numbers)
    assert (other in kept) == (other in numbers)
    assert ((other ^ 1) in kept) == ((other ^ 1) in numbers)


@given(pmids, pmids)
def test_pmid_sets_meet_and_join_as_sets_do(ones: set[int], others: set[int]) -> None:
    one, other = pmid_set(ones), pmid_set(others)
    both = one & other
    one.update(other)
    for number in ones | others:
        assert (number in both) == (number in ones & others)
        assert number in one
    assert all((number in other) == (number in others) for number in ones)


def test_deletion_wins_in_its_own_file_and_in_older_ones() -> None:
    settled = Settled()
    newest = settled.settle(Survey(seen=pmid_set({1, 2})))
    middle = settled.settle(Survey(seen=pmid_set({2, 3, 4}), deleted=pmid_set({1, 4})))
    oldest = settled.settle(Survey(seen=pmid_set({1, 3, 4, 5})))

    def kept(verdict: object, numbers: set[int]) -> set[int]:
        return {
            number
            for number in numbers
            if number not in verdict.superseded  # type: ignore[attr-defined]
            and number not in verdict.deleted  # type: ignore[attr-defined]
        }

    assert kept(newest, {1, 2}) == {1, 2}
    assert kept(middle, {2, 3, 4}) == {3}
    assert kept(oldest, {1, 3, 4, 5}) == {5}
    assert 1 in oldest.deleted
    assert 3 not in oldest.deleted
