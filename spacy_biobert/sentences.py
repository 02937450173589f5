"""The one sentence splitter: rules for biomedical English, standard library only.

A sentence may end at . ! or ? before white space. Whether it does is decided by the
word before (an abbreviation, an initial, a list number) and the character after.
Text between two blank lines is split on its own.
"""

import re

WORD = re.compile(r"\S+")
# Characters looked at on either side of a place.
REACH = 40

# A place to look at: the mark, what may close after it (quotes, brackets, a citation
# such as [12]), white space, and what may open the next sentence.
PLACE = re.compile(
    r"[.!?…](?:[\"'”’»)\]]|\[[\d,–-]{1,12}\])*(?P<space>\s+)"
    r"(?=[\"'“‘«(\[]*(?P<next>\S))|(?P<blank>\n[^\S\n]*\n\s*)"
)
WORD_BEFORE = re.compile(r"[^\s(\[{\"'“‘]*$")
WORD_AFTER = re.compile(r"[\"'“‘«(\[]*(\S+)")
# "p53 is", "mRNA levels": begins small, but could not go on a sentence unmarked.
SMALL_NAME = re.compile(r"[a-z]{1,3}(?:[A-Z]|\d|-[A-Z])")
CAPITALISED = re.compile(r"[A-ZÀ-ÞΑ-Ω][a-zà-ÿ]+$|[AI]$")
DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]$")

# A name, number or the rest of a phrase always follows.
NEVER_END = frozenset(
    WORD.findall(
        """
        fig figs eq eqs ref refs vs e.g i.e cf dr drs prof mr mrs mt viz ca approx vol
        vols pp suppl tab tabs chap sect sec subsp ssp var cv bv pv f.sp aff resp incl
        excl esp nr dept univ
        """
    )
)
# The same, if a digit follows: "no. 5", but "the answer was no. We".
NEVER_BEFORE_DIGIT = frozenset(
    WORD.findall(
        """
        no nos art p cat lot ser ed table
        """
    )
)
# May end a sentence, if the next word is a capitalised one.
MAY_END = frozenset(
    WORD.findall(
        """
        etc sp spp i.v i.p i.m s.c p.o i.c.v i.t i.n i.d i.g b.i.d t.i.d q.i.d q.d b.w a.m
        p.m h min sec inc ltd co corp wt mol max no
        """
    )
)
# May end a sentence, if the next word is one that a name does not begin with.
STARTERS = frozenset(
    WORD.findall(
        """
        A After All Also Although An And Another As At Because Before Besides Both But By
        Compared Conversely Data Despite Due During Each Finally First For From
        Furthermore Given Hence Here How However If In Indeed Interestingly It Its Many
        Moreover Most Neither No None Nevertheless Of On One Only Other Our Overall
        Patients Previous Recent Recently Results Second Several She He Similarly Since So
        Some Such Taken That The Their Then There Therefore These They This Those Three
        Thus To Together Two Under Unlike Until Using We What When Whereas Whether Which
        While With Within Without Yet
        """
    )
)
# A single capital after one of these is a name's end, not an initial.
BEFORE_LETTER = frozenset(
    WORD.findall(
        """
        and antigen arm class cohort factor figure group hepatitis influenza layer or
        panel part phase protein stage strain subgroup subtype table toxin type vitamin
        virus
        """
    )
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Find the sentences of a text.

    text (str): Running text; headings such as "METHODS: " stay with their sentence.
    RETURNS (list[tuple[int, int]]): Start and end of each, in characters, in order
        and without overlap. No white space at their ends, and none but white space
        between them.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for place in PLACE.finditer(text):
        if place["blank"] is None and not _ends(text, start, place):
            continue
        _add_trimmed(spans, text, start, place.end())
        start = place.end()
    _add_trimmed(spans, text, start, len(text))
    return spans


def _add_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    sentence = text[start:end]
    kept = sentence.strip()
    if kept:
        start += len(sentence) - len(sentence.lstrip())
        spans.append((start, start + len(kept)))


def _ends(text: str, start: int, place: re.Match[str]) -> bool:
    """Decide whether the mark at a place ends the sentence that began at start."""
    following = place["next"]
    window = text[place.end() : place.end() + REACH]
    if following.islower() and not SMALL_NAME.match(window.lstrip("\"'“‘«([")):
        return False
    if following in ",;:.!?)]}%=<>≤≥±/*":
        return False
    mark = place.start()
    if text[mark] != "." or text[mark + 1] in "\"'”’»)]":
        return True
    before = text[max(start, mark - REACH) : mark]
    after = WORD_AFTER.match(window)
    return _word_ends(before, after[1].rstrip(",;:") if after else "")


def _word_ends(before: str, after: str) -> bool:
    """Decide by the text before the full stop and the word after it."""
    word = WORD_BEFORE.search(before)[0]  # type: ignore[index]  # it always matches
    small = word.lower()
    if small in NEVER_END or (small in NEVER_BEFORE_DIGIT and after[:1].isdigit()):
        return False
    if small in MAY_END:
        return CAPITALISED.match(after) is not None
    if small == "al" or DOTTED.match(word):
        return after in STARTERS
    if len(word) == 1 and word.isupper():
        previous = before[:-1].split()[-1:]
        return after in STARTERS or (bool(previous) and previous[0] in BEFORE_LETTER)
    # "1. Introduction": the number of a list, not the end of anything.
    return not (word.isdigit() and before.strip() == word)
