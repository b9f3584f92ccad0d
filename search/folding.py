"""Writing without its differences of case and marks."""

import unicodedata


def fold(text: str) -> str:
    """Lower case without marks: `Strålterapi` becomes `stralterapi`."""
    # Taken apart, some small capitals (`ᴬ`) become capitals, so these are lowered then.
    apart = unicodedata.normalize("NFKD", text.lower()).lower()
    return "".join(character for character in apart if not unicodedata.combining(character))
