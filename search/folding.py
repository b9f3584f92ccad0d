"""Writing without its differences of case and marks."""

import unicodedata


def fold(text: str) -> str:
    """Lower case without marks: `Strålterapi` becomes `stralterapi`."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))
