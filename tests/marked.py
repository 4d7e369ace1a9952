"""Sections of documents that a program writes, between two marks."""


def replaced(document, begin, end, made):
    """The document with what is between its marks made anew, or put behind its end where it has none."""
    block = f"{begin}\n{made}{end}\n"
    if begin not in document:
        return document + ("\n" if document else "") + block
    before, rest = document.split(begin)
    return before + block + rest.split(end + "\n")[1]
