"""Replaying one bag through one tracker and summing up."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
import logging
import os
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np
from tqdm import tqdm

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.folder import versions
from siamx_ros.evaluation.bag.film import Film
from siamx_ros.evaluation.bag.frame_table import BagFrame, FrameTable, frames
from siamx_ros.evaluation.bag.live_replay import Player, replay_live
from siamx_ros.evaluation.bag.preparation import Prepared, Wanted, prepare
from siamx_ros.evaluation.bag.reader import Bag, bag_digest
from siamx_ros.evaluation.bag.replay import UNREADABLE, LatencyModel, Step, replay
from siamx_ros.evaluation.bag.replay_results import Replay, figures
from siamx_ros.evaluation.runner import Tracker
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.records import TrackResult
from siamx_ros.recording import codec_of

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class BagEvaluation:
    """One bag, one tracker.

    Attributes:
        latency: None gives every frame to the tracker; else real time is simulated.
        video: where to write an annotated video; None for nowhere.
        player: of the tracker that runs elsewhere, for modes 'live' and 'lockstep'; else None.
        lockstep: whether each image waits for the player's answer to the one before.
        foreign: whether the player's tracker was started by someone else, with other settings.

    Raises:
        InputError: a video cannot have this name.
    """

    bag: Path
    spec: TrackerSpec
    wanted: Wanted = Wanted()
    latency: LatencyModel | None = None
    video: Path | None = None
    player: Player | None = None
    lockstep: bool = False
    foreign: bool = False

    def __post_init__(self) -> None:
        if self.video is not None:
            codec_of(self.video)

    @property
    def mode(self) -> str:
        """offline, realtime, lockstep or live."""
        if self.player is not None:
            return 'lockstep' if self.lockstep else 'live'
        return 'realtime' if self.latency else 'offline'


@contextmanager
def opened(job: BagEvaluation) -> Iterator[tuple[Bag, Prepared]]:
    """The open bag, and what was found in it.

    Raises:
        InputError: the bag or what is needed from it cannot be read.
    """
    with Bag(job.bag) as bag:
        yield bag, prepare(bag, job.wanted)


def evaluate(job: BagEvaluation, bag: Bag, found: Prepared,
             tracker: Tracker | None) -> tuple[Replay, dict[str, Any]]:
    """Replay what was opened, and sum up.

    Args:
        tracker: of ``job.spec``; None where ``job.player`` plays to one.

    Returns:
        The replay, and its summary: bag, start, truth, camera, tracker, mode, versions and figures.

    Raises:
        InputError: the bag cannot be read to its end, or the tracker refuses.
    """
    film = None
    if job.video:
        film = Film(job.video, found.table.interval, found.truth.boxes)
    not_whole = None
    with tqdm(total=len(found.table.stamps), unit='frame', dynamic_ncols=True) as bar:
        try:
            steps = _steps(job, bag, found, tracker, _each_frame(bar.update, film))
        finally:
            not_whole = film.close() if film is not None else None
    _name_unreadable(job.bag, steps)
    done = Replay(_absolute(job.bag).stem, found.table, steps, found.truth, found.start,
                  job.mode in ('realtime', 'live'), found.camera, not_whole,
                  job.player.usage() if job.mode == 'live' else {})
    return done, _summary(job, found, done)


def _steps(job: BagEvaluation, bag: Bag, found: Prepared, tracker: Tracker | None,
           each_frame: Callable[..., None]) -> list[Step]:
    if job.player is None:
        return replay(bag, found.topic, found.table, tracker, found.start, found.box, job.latency,
                      each_frame)
    _check_answerable(found.table)
    return replay_live(frames(bag, found.topic, found.table), found.table, job.player, found.start,
                       found.box, job.lockstep, each_frame)


def _name_unreadable(bag: Path, steps: list[Step]) -> None:
    bad = [step for step in steps if step.note.startswith(UNREADABLE)]
    if bad:
        LOGGER.warning('%d of the %d images of %s are not scored, the first is number %d, %s',
                       len(bad), len(steps), bag, bad[0].index, bad[0].note)


def _check_answerable(table: FrameTable) -> None:
    """Answers of a node are distinguished by the stamps of their images."""
    if len(np.unique(table.stamps)) < len(table.stamps):
        raise InputError('the clock was set back while recording and some stamps came twice, so '
                         'a node cannot be asked: use --mode offline or realtime')


def _summary(job: BagEvaluation, found: Prepared, done: Replay) -> dict[str, Any]:
    latency = job.latency.milliseconds if job.latency else []
    stamps = found.table.stamps
    return {
        'bag': {'name': _absolute(job.bag).name, 'sha256': bag_digest(job.bag),
                'topic': found.topic,
                'first_stamp_ns': int(stamps[0]), 'last_stamp_ns': int(stamps[-1])},
        'start': {'frame': found.start, 'box': found.box.xywh, 'from': found.box_source},
        'truth': {'from': found.truth_source or None},
        'camera': {'from': found.camera.topic or None, 'problem': found.camera.problem or None},
        'mode': {'name': job.mode, 'latency_ms': latency},
        'tracker': job.player.settings() if job.foreign else job.spec.fingerprint(),
        'versions': versions(),
        'figures': figures(done)}


def _absolute(path: Path) -> Path:
    """With a name, also where it is '.'; what a link is called counts."""
    return Path(os.path.abspath(path))


def _each_frame(tick: Callable[[], object], film: Film | None) -> Callable[..., None]:
    def each(frame: BagFrame, result: TrackResult | None) -> None:
        tick()
        if film is not None and frame.image is not None:
            film.show(frame, result)
    return each
