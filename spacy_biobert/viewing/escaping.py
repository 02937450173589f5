"""Text of others, so that a page shows it and never obeys it."""

import html

# What HTML does not allow becomes a picture of it, or the mark of what cannot be shown.
PICTURES = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys(
        (*range(0x80, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), 0xFFFD
    ),
}
PICTURES[ord("\r")] = ord("\n")


def escape(text: str) -> str:
    """Write text for an element or an attribute in double quotes.

    text (str): Any string.
    RETURNS (str): HTML that shows it. Control characters become pictures (U+0001 is
        "␁"), a lone surrogate "�".
    """
    return html.escape(text.replace("\r\n", "\n").translate(PICTURES))
