"""What people are asked about is read as it is: what they would not see, or would see elsewhere, is written out."""


def exposed(text: str) -> str:
    return "".join(one if one in "\n\t" or one.isprintable() else one.encode("unicode_escape").decode() for one in text)
