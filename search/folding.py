"""Writing without its differences of case and marks."""

import unicodedata


def fold(text: str) -> str:
    """Lower case without marks: `Strålterapi` becomes `stralterapi`."""
    if text.isascii():
        return text.lower()
    # Lower case once more: some marks are capitals only when they are taken apart.
    apart = unicodedata.normalize("NFKD", text.lower()).lower()
    return "".join(character for character in apart if not unicodedata.combining(character))
