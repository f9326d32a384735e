"""The one error a user is meant to see."""


class InputError(Exception):
    """Something a user gave cannot be used.

    The message is one line that names the file, the line or column, and what to do about it.
    The command line prints it after ``error:`` and exits with status 2.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))
