"""The one error that means: what was given cannot be used; and words for it."""


class InputError(ValueError):
    """A box, file, setting or image from outside cannot be used; the text is a whole sentence.

    Commands print the text and exit with status 2, services answer with it; anything else that is
    raised is a defect of ours.
    """


def name_some(names: list) -> str:
    """The first five names of a list for a message, and how many more there are."""
    more = f' and {len(names) - 5} more' if len(names) > 5 else ''
    return ', '.join(map(str, names[:5])) + more
