"""Names of targets as the node reports them. Imports no ROS."""

from __future__ import annotations

from itertools import count
from typing import Collection


class TargetNames:
    """Names for targets, each unlike the one before, also where that one was dropped meanwhile."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._last = {'primary': '', 'further': ''}

    def new(self, wanted: str, in_use: Collection[str] = (), kind: str = 'primary') -> str:
        """The wanted name, with a number where it is a last one's; a number if empty.

        Args:
            wanted: what the operator asks for.
            in_use: names of other targets, which get a number after them, too.
            kind: of the target, 'primary' or 'further': the last one of each is remembered.
        """
        taken = {*self._last.values(), *in_use}
        names = (f'{wanted}-{number}' if wanted else str(number) for number in self._numbers)
        if not wanted or wanted in taken:
            wanted = next(name for name in names if name not in taken)
        self._last[kind] = wanted
        return wanted
