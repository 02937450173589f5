"""Tokenise biomedical English: split where names begin and end.

The tokenizer is spaCy's own class with rules of ours, so that a saved pipeline
carries the rules and is as fast as any other. Every symbol is a token of its own
("IL-2-mediated", "p53/MDM2", "mg/kg", "(S)-warfarin"), but for those below that
belong to what they stand in. Letters and digits stay together ("CYP2D6", "125I"),
unless a name is known to end between them. A symbol is any character that is
neither a letter, a digit, an underscore nor white space.

The rules stand in two expressions, for the beginning of what stands between white
space and for its inside; its end needs none, so that the time is nearly linear in
its length.
"""

import re
from collections.abc import Callable

from spacy.language import Language
from spacy.tokenizer import Tokenizer

# What sits on the letter before it: accents, soft hyphens, variation selectors.
MARKS = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\u00ad"
SYMBOL = rf"[^\w\s{MARKS}]"
LETTER = r"[^\W\d_]"
APOSTROPHE = "['’]"

# Not divided: "i.v.", "e.g.", "Fig.", addresses and DOIs. Case counts: CF is a disease.
DOTTED = rf"(?<![\w.])(?:{LETTER}\.){{2,}}(?!\w)"
ABBREVIATION = (
    r"(?<!\w)(?:[Ff]igs?|[Ee]qs?|[Rr]efs?|[Vv]s|[Aa]pprox|cf|resp|[Dd]rs?|[Pp]rof|Mrs?|Ms)"
    r"\.(?!\w)"
)
ADDRESS = (
    r"(?<!\w)(?:(?:https?|ftp)://|www\.|(?:doi:)?10\.\d{4,9}/)\S*[\w/]"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
)
# One token together: "...", "--", "->", "==", "<=", "+/-" (also of a genotype).
TOGETHER = r"\.{2,}|-+>|-{2,}|={2,}|[<>]=|[+-]/[+-]"
# Not split off: the point of "0.05" and ".5", the comma of "1,000" and of
# "1,25-dihydroxy", the apostrophe of "O'Brien".
WITHIN = rf"(?<!{LETTER})\.(?=\d)|(?<=\d),(?=\d)|(?<={LETTER}){APOSTROPHE}(?={LETTER})"
# "Crohn's", "didn't", "we've".
CLITIC = rf"(?<={LETTER})(?:n{APOSTROPHE}t|{APOSTROPHE}(?:[sS]|re|ve|ll|d|m))(?!\w)"
# After a number of at most four digits: "5mg" is two tokens, "CD62L" is one.
UNITS = re.findall(
    r"\S+",
    """
    g kg mg µg μg ug ng pg L dL dl mL ml µL μL µl μl ul nL nl mol mmol µmol μmol umol
    nmol pmol M mM µM μM uM nM pM Da kDa MDa bp kb Mb cm mm µm μm um nm h hr hrs min
    mins sec ms wk wks yr yrs day days week weeks month months year years Hz kHz MHz Gy
    cGy mGy Bq kBq MBq Ci mCi kV mV kcal cal kJ kPa mmHg mEq mOsm IU mU U rpm ppm ppb
    """,
)
NUMBER = "|".join(
    rf"(?<=\b{digits})" for digits in (r"\d", r"\d\d", r"\d{3}", r"\d{4}")
)
QUANTITY = rf"(?:{NUMBER})(?=(?:{'|'.join(UNITS)})(?!\w))"
# A receptor is named after its ligand, a mark after its histone: "5-HT2A", "H3K27me3".
NAME_END = r"(?<=-HT)(?=\d)|(?:(?<=\bH[234])|(?<=\bH2[AB]))(?=[KRST]\d)"


def create_tokenizer_v1() -> Callable[[Language], Tokenizer]:
    """Make a tokenizer that splits where biomedical names begin and end.

    RETURNS (Callable[[Language], Tokenizer]): Gives a pipeline its tokenizer.
    """
    return make_tokenizer


def make_tokenizer(nlp: Language) -> Tokenizer:
    """Make the tokenizer of a pipeline.

    nlp (Language): The pipeline, for its vocab.
    RETURNS (Tokenizer): spaCy's own class with the rules of this file.
    """
    symbol = rf"(?!{WITHIN}){SYMBOL}"
    anywhere = f"{DOTTED}|{ABBREVIATION}|{ADDRESS}|{TOGETHER}"
    return Tokenizer(
        nlp.vocab,
        prefix_search=re.compile(rf"^(?:{anywhere}|{symbol})").search,
        infix_finditer=re.compile(
            f"{anywhere}|{CLITIC}|{symbol}|{QUANTITY}|{NAME_END}"
        ).finditer,
    )
