"""Languages as MEDLINE writes them.

SOURCE: https://www.nlm.nih.gov/bsd/language_table.html (ISO 639-2, bibliographic)
"""

import re

# From the two letters of ISO 639-1, which JATS uses, and the other three of ISO 639-2.
CODES: dict[str, str] = dict(
    re.findall(
        r"(\w+):(\w+)",
        """
    af:afr am:amh ar:ara az:aze bg:bul bn:ben bs:bos ca:cat cs:cze cy:wel da:dan de:ger
    el:gre en:eng eo:epo es:spa et:est eu:baq fa:per fi:fin fr:fre ga:gle gd:gla gl:glg
    he:heb hi:hin hr:hrv hu:hun hy:arm id:ind is:ice it:ita ja:jpn ka:geo kk:kaz ko:kor
    la:lat lt:lit lv:lav mk:mac ml:mal ms:may nb:nor nl:dut nn:nor no:nor pl:pol ps:pus
    pt:por ro:rum ru:rus sk:slo sl:slv sq:alb sr:srp sv:swe th:tha tr:tur uk:ukr ur:urd
    vi:vie zh:chi bod:tib ces:cze cym:wel deu:ger ell:gre eus:baq fas:per fra:fre hye:arm
    isl:ice kat:geo mkd:mac mri:mao msa:may mya:bur nld:dut ron:rum slk:slo sqi:alb
    zho:chi
    """,
    )
)
# Undetermined, several, none: says nothing about the text.
UNSTATED = frozenset(("und", "mul", "zxx"))


def language_code(stated: str) -> str:
    """Give the code of a language, "eng" for "eng", "en" and "en-US".

    stated (str): A code of ISO 639, with or without a region.
    RETURNS (str): Three letters, small; "" if no language is stated; what is no known
        code of two letters stays as it is.
    """
    bare = stated.strip().lower().replace("_", "-").partition("-")[0]
    code = CODES.get(bare, bare)
    return "" if code in UNSTATED else code
