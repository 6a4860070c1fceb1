"""Where the time of one update goes: parts of a tracker are timed from outside while it runs."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack, contextmanager
import pkgutil
import time
from typing import Any, Callable, Iterator
from unittest import mock

from siamx_ros import imaging

OWNED = {
    'crop': ('siamx_ros.tracking.search:cut_region',),
    'online classifier': (
        'siamx_ros.tracking.online:OnlineModel.fuse', 'siamx_ros.tracking.ridge:RidgeFilter.learn',
        'siamx_ros.tracking.ridge:RidgeFilter.solve'),
    'colours': ('siamx_ros.tracking.colour:colour_histogram',),
    'backward check': ('siamx_ros.tracking.choice:backward_scores',),
    'decode': ('siamx_ros.tracking.decode:weigh', 'siamx_ros.tracking.decode:choose'),
    'states': ('siamx_ros.tracking.states:StateMachine.step',
               'siamx_ros.tracking.memory:TargetMemory.take'),
}
"""Stage -> the functions and methods whose time is its own. What none of them takes is the rest."""
ENGINE = {'search': ('search',), 'online classifier': ('describe',), 'decode': ('similarity',)}
"""Stage -> the methods of an engine whose time is its own."""
STAGES = ('crop', 'search', 'online classifier', 'colours', 'backward check', 'decode', 'states',
          'rest')


class StageClock:
    """Adds up the time of each stage; one that runs inside of another is taken out of that.

    Attributes:
        seconds: stage -> time since :meth:`restart`.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def restart(self) -> None:
        """Begin an update."""
        self.seconds.clear()

    def timed(self, stage: str, function: Callable) -> Callable:
        """``function``, whose time goes to ``stage``."""
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            before = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.perf_counter() - before
                self.seconds[stage] += taken - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken
        return wrapped


@contextmanager
def watched(clock: StageClock, engine: Any) -> Iterator[None]:
    """Meanwhile, the clock times the parts of all trackers with ``engine``."""
    with ExitStack() as stack:
        for stage, names in OWNED.items():
            for name in names:
                place, _, attribute = name.replace(':', '.').rpartition('.')
                owner = pkgutil.resolve_name(place)
                stack.enter_context(mock.patch.object(
                    owner, attribute, clock.timed(stage, getattr(owner, attribute))))
        for stage, names in ENGINE.items():
            for name in names:
                stack.enter_context(mock.patch.object(
                    engine, name, clock.timed(stage, getattr(engine, name))))
        stack.enter_context(mock.patch.dict(imaging.CROPS, {
            name: clock.timed('crop', crop) for name, crop in imaging.CROPS.items()}))
        yield
