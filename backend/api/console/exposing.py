"""What people are asked about is read as it is: what they would not see, or would see elsewhere, is written out."""

import unicodedata

# Controls, formats (which turn the direction of writing, for one), what is not assigned, and other blanks.
HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})


def exposed(text: str) -> str:
    return "".join(one if one in " \n\t" or _shows(one) else one.encode("unicode_escape").decode() for one in text)


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in HIDDEN
