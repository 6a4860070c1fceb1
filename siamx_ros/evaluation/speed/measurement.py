"""One measurement of everything: trackers take turns, so that what disturbs hits all alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
from typing import Callable, Sequence

import numpy as np
import torch

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.evaluation.speed.beside import OURS, Spec
from siamx_ros.evaluation.speed.ceilings import Ceilings, count_macs, measure_ceilings
from siamx_ros.evaluation.speed.participants import (
    LostUpdates, Participant, SeveralTargets, StagedUpdates, WholeUpdates)
from siamx_ros.evaluation.speed.spread import Spread
from siamx_ros.evaluation.speed.startup import Startup, start
from siamx_ros.evaluation.speed.stretches import Stretch
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.model.inference import Engine
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.records import TrackState
from siamx_ros.tracking.tracker import Tracker

LOGGER = logging.getLogger(__name__)
STARTUP_IMAGES = 10
"""Images over which memory is watched in a process of its own."""
SPARE_CORE = 0.2
"""What another tracker may keep busy besides before a warning says so."""


@dataclass(frozen=True)
class TrackerSpeed:
    """How fast a tracker is.

    Attributes:
        update, init: of the process in which all take turns.
        cores: how many an update keeps busy on average.
        starts: processes that were started for it alone.
    """

    update: Spread
    init: Spread
    cores: float
    starts: tuple[Startup, ...]


@dataclass(frozen=True)
class NetworkSpeed:
    """The network at work.

    Attributes:
        gmacs: 10^9 multiplications with an addition in the searches of one update, on average.
        gflops: 10^9 multiplications and additions that it does a second.
        share: of the machine's ceiling in that precision; None where that could not be measured.
    """

    runtime: str
    precision: str
    gmacs: float
    gflops: float
    share: float | None


@dataclass(frozen=True)
class SpeedReport:
    """All that was measured.

    Attributes:
        trackers: name -> speed; ours is the first.
        stages: stage of our updates in TRACKING -> time in each of them.
        lost: our updates while the target is searched for; None if it never was LOST.
        network: None if our tracker never was TRACKING.
        gpu_peak_mb: most memory of a GPU, MB of 10^6 bytes; None on a CPU.
    """

    ceilings: Ceilings
    trackers: dict[str, TrackerSpeed]
    stages: dict[str, Spread]
    lost: Spread | None
    targets: dict[int, Spread]
    network: NetworkSpeed | None
    gpu_peak_mb: float | None


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        stretches: the images; each turn takes the next one.
        turns: of every participant.
        targets: how many are followed at once beside the measurement of one, each a number.
    """

    model: ModelConfig
    config: TrackerConfig
    beside: tuple[Spec, ...]
    stretches: tuple[Stretch, ...]
    turns: int
    starts: int
    targets: tuple[int, ...] = ()

    @property
    def specs(self) -> list[Spec]:
        """All trackers, ours first."""
        return [TrackerSpec(OURS, OURS, self.model, self.config), *self.beside]

    @property
    def steps(self) -> int:
        """How often :func:`measure` reports progress."""
        return len(self.specs) * (self.turns + self.starts) + (2 + len(self.targets)) * self.turns


def measure(plan: Plan, each_step: Callable[[], object] = lambda: None) -> SpeedReport:
    """Measure starts, turns and ceilings, in this order.

    A warning is logged where our tracker was not in the state that a row promises.

    Raises:
        InputError: a tracker, its weights or the device cannot be used.
    """
    plan = replace(plan, config=plan.config.replace({'search_timeout': 0.0}))  # lost, not dropped
    starts = {spec.name: _started(spec, plan, each_step) for spec in plan.specs}
    ours, *others = (spec.build() for spec in plan.specs)
    try:
        wait = _synchronise(ours.engine.device)
        whole = {OURS: WholeUpdates(ours, wait),
                 **{spec.name: WholeUpdates(each) for spec, each in zip(plan.beside, others)}}
        staged, lost = StagedUpdates(ours, wait), LostUpdates(ours, wait)
        several = {count: SeveralTargets(ours, plan.stretches, count, wait)
                   for count in plan.targets}
        take_turns([*whole.values(), staged, lost, *several.values()], plan.stretches, plan.turns,
                   each_step)
        _warn_of_other_states(staged, lost)
        _warn_of_more_cores(whole)
        ceilings = measure_ceilings(ours.engine, plan.model.threads or torch.get_num_threads())
        return SpeedReport(
            ceilings, {name: TrackerSpeed(Spread.of(each.updates), Spread.of(each.inits),
                                          each.cores, starts[name])
                       for name, each in whole.items()},
            {stage: Spread.of(times) for stage, times in staged.stages.items()},
            Spread.of(lost.updates) if lost.updates else None,
            {count: Spread.of(each.updates) for count, each in several.items()},
            _network(ours, staged, ceilings), _gpu_peak_mb(ours.engine.device))
    finally:
        ours.close()


def take_turns(participants: Sequence[Participant], stretches: Sequence[Stretch], turns: int,
               each_turn: Callable[[], object] = lambda: None) -> None:
    """Everyone has ``turns`` turns; all have the same stretch before the next one comes.

    Who begins changes from round to round.
    """
    for number in range(turns):
        first = number % len(participants)
        for participant in [*participants[first:], *participants[:first]]:
            participant.turn(stretches[number % len(stretches)])
            each_turn()


def _started(spec: Spec, plan: Plan, each_step: Callable[[], object]) -> tuple[Startup, ...]:
    stretch = plan.stretches[0]
    stretch = replace(stretch, images=stretch.images[:STARTUP_IMAGES])
    starts = []
    for _ in range(plan.starts):
        starts.append(start(spec, stretch))
        each_step()
    return tuple(starts)


def _network(tracker: Tracker, staged: StagedUpdates, ceilings: Ceilings) -> NetworkSpeed | None:
    """The network's work in the updates that were timed by stages."""
    times = staged.stages.get('search')
    if not times:
        return None
    engine = tracker.engine
    macs = _macs(engine, staged)
    gflops = 2 * macs / (sum(times) / 1e3) / 1e9
    known = ceilings.precision == engine.precision
    return NetworkSpeed(engine.runtime, engine.precision, macs / len(times) / 1e9, gflops,
                        gflops / ceilings.gflops if known else None)


def _macs(engine: Engine, staged: StagedUpdates) -> int:
    """Of all searches of the updates that count."""
    patch = np.zeros((TEMPLATE_SIZE, TEMPLATE_SIZE, 3), np.uint8)
    template = engine.embed(patch)
    return sum(count * count_macs(engine, template, side) for side, count in staged.sides.items())


def _synchronise(device: torch.device) -> Callable[[], object]:
    return (lambda: torch.cuda.synchronize(device)) if device.type == 'cuda' else lambda: None


def _gpu_peak_mb(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 1e6 if device.type == 'cuda' else None


def _warn_of_more_cores(whole: dict[str, WholeUpdates]) -> None:
    """Say which trackers had more of the machine than ours."""
    allowed = max(whole[OURS].cores, 1.0) + SPARE_CORE
    for name, each in whole.items():
        if each.cores > allowed:
            LOGGER.warning('%s kept %.1f cores busy, %s %.1f: compare their times only where both '
                           'have as many threads', name, each.cores, OURS, whole[OURS].cores)


def _warn_of_other_states(staged: StagedUpdates, lost: LostUpdates) -> None:
    """Say where the measured updates were not what their rows promise."""
    total = sum(staged.states.values())
    others = total - staged.states[TrackState.TRACKING]
    if others:
        LOGGER.warning('%d of %d updates did not end in TRACKING; the stages are those of the '
                       'others', others, total)
    if lost.others:
        LOGGER.warning('%d of %d updates with a lost target did not end in LOST and are left out',
                       lost.others, lost.others + len(lost.updates))
