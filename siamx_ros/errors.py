"""The one error that means: what was given cannot be used."""


class InputError(ValueError):
    """A box, file, setting or image from outside cannot be used; the text is a whole sentence.

    Commands print the text and exit with status 2, services answer with it; anything else that is
    raised is a defect of ours.
    """
