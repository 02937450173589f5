"""Which of the records of a PMID is its latest, over many files in little memory.

Files are settled from the newest to the oldest, so that the first record of a PMID is
its latest. What has to be remembered is one bit per PMID, some 6 MB for all of PubMed.
"""

from dataclasses import dataclass, field

PAGE = 1 << 16


class PmidSet:
    """A set of PMIDs, one bit each, in pages that are made when needed."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def __contains__(self, pmid: int) -> bool:
        page = self._pages.get(pmid // PAGE)
        return page is not None and bool(page[pmid % PAGE >> 3] & 1 << (pmid & 7))

    def __and__(self, other: "PmidSet") -> "PmidSet":
        both = PmidSet()
        for number, page in self._pages.items():
            found = int.from_bytes(page) & int.from_bytes(other._pages.get(number, b""))
            if found:
                both._pages[number] = bytearray(found.to_bytes(PAGE // 8))
        return both

    def add(self, pmid: int) -> None:
        """Add a PMID."""
        page = self._pages.setdefault(pmid // PAGE, bytearray(PAGE // 8))
        page[pmid % PAGE >> 3] |= 1 << (pmid & 7)

    def update(self, other: "PmidSet") -> None:
        """Add the PMIDs of another set."""
        for number, page in other._pages.items():
            known = int.from_bytes(self._pages.get(number, b""))
            merged = known | int.from_bytes(page)
            self._pages[number] = bytearray(merged.to_bytes(PAGE // 8))


@dataclass(frozen=True, slots=True)
class Survey:
    """The PMIDs that a file has, those it has more than once, those it deletes."""

    seen: PmidSet = field(default_factory=PmidSet)
    repeated: frozenset[int] = frozenset()
    deleted: PmidSet = field(default_factory=PmidSet)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What not to take from a file, and the PMIDs that it has more than once."""

    superseded: PmidSet
    deleted: PmidSet
    repeated: frozenset[int]


@dataclass(frozen=True, slots=True)
class Settled:
    """The PMIDs that the files settled so far have, or delete."""

    given: PmidSet = field(default_factory=PmidSet)
    deleted: PmidSet = field(default_factory=PmidSet)

    def settle(self, survey: Survey) -> Verdict:
        """Decide what a file may give, and add what it has.

        Call this for the newest file first. A deletion wins over the records of its
        own file and of older ones.

        survey (Survey): Of the file.
        RETURNS (Verdict): For `read_latest`.
        """
        self.deleted.update(survey.deleted)
        verdict = Verdict(
            superseded=survey.seen & self.given,
            deleted=survey.seen & self.deleted,
            repeated=survey.repeated,
        )
        self.given.update(survey.seen)
        return verdict
