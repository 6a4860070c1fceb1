"""Runs worlds with the real nodes, and leaves a video, plots and a summary of each."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
import json
from pathlib import Path
from typing import Any, Iterator, Sequence

from siamx_ros.client.node_process import NodeProcess
from siamx_ros.follow_demo.lock_step import LockStepPilot, tracker_process
from siamx_ros.follow_demo.real_time import RealTimePilot
from siamx_ros.simulation.camera import SimulatedCamera
from siamx_ros.simulation.episode import Episode, Moment
from siamx_ros.simulation.film import Film
from siamx_ros.simulation.frame import CameraConfig
from siamx_ros.simulation.episode_plots import write_plot
from siamx_ros.simulation.scenario import DURATION_S, build_world
from siamx_ros.simulation.scoring import Score, score, table
from siamx_ros.simulation.true_pilot import LIMITS, TruePilot
from siamx_ros.simulation.world import World
from siamx_ros.whole_files import write_text

FOLLOWER: dict[str, Any] = {
    'distance': LIMITS.distance, 'max_linear': LIMITS.max_linear,
    'max_angular': LIMITS.max_angular, 'search': True}
"""Parameters of the follower: one that looks for a lost target."""


@dataclass(frozen=True)
class RunOptions:
    """What to run.

    Attributes:
        mode: 'lock-step', 'real-time', 'attach', or 'truth' for a tracker that is never wrong.
        depth: whether the range comes from depth; else from the target's known height.
    """

    seconds: float = DURATION_S
    mode: str = 'lock-step'
    film: bool = True
    depth: bool = True
    tracker: dict[str, Any] | None = None


def run_worlds(seeds: Sequence[int], out: Path,
               options: RunOptions = RunOptions()) -> Iterator[Score]:
    """Run worlds one after the other, each into a folder of its own if there are several.

    In lock-step they share one tracker process.
    """
    with ExitStack() as stack:
        process = None
        if options.mode == 'lock-step':
            process = stack.enter_context(
                tracker_process(out, options.tracker or {}, options.depth))
        for number, seed in enumerate(seeds):
            again = list(seeds[:number]).count(seed)
            name = f'world_{seed:02}' + (f'_{again + 1}' if again else '')
            yield _run_world(seed, out / name if len(seeds) > 1 else out, options, process, number)


def _run_world(seed: int, folder: Path, options: RunOptions, process: NodeProcess | None,
               number: int) -> Score:
    """Run one world into a folder: follow.mp4, plot.png, summary.json, the nodes' logs."""
    folder.mkdir(parents=True, exist_ok=True)
    world = build_world(seed)
    camera = SimulatedCamera(world)
    standoff = FOLLOWER['distance']
    film = Film(folder / 'follow.mp4', world, camera.config, standoff) if options.film else None
    try:
        with _pilot(folder, world, camera.config, options, process, number) as pilot:
            def listener(moment: Moment, frame: Any) -> None:
                if not isinstance(pilot, TruePilot):
                    pilot.topics.publish_pose(world.now_s, world.base.pose)
                if film is not None:
                    film(moment, frame)
            pace = getattr(pilot, 'pace', lambda now_s: None)
            moments = Episode(world, camera, pilot, listener, pace).run(options.seconds)
    finally:
        camera.close()
        if film is not None:
            film.close()
    result = score(seed, moments, standoff, collisions=len(world.collisions),
                   travelled=world.base.travelled, guarded_s=world.base.guarded_s)
    write_plot(folder / 'plot.png', moments, standoff, f'world {seed}')
    write_summary(folder / 'summary.json', [result])
    return result


def write_summary(path: Path, scores: Sequence[Score]) -> None:
    """Scores as JSON, and the table beside it."""
    text = json.dumps([s.to_dict() for s in scores], indent=1)
    write_text(path, text + '\n')
    write_text(path.with_suffix('.md'), table(scores) + '\n')


def _pilot(folder: Path, world: World, camera: CameraConfig, options: RunOptions,
           process: NodeProcess | None, number: int
           ) -> AbstractContextManager[LockStepPilot | RealTimePilot | TruePilot]:
    if options.mode == 'truth':
        return nullcontext(TruePilot(limits=replace(LIMITS, search=FOLLOWER['search'])))
    height = None if options.depth else round(world.target.height, 2)
    if process is not None:
        return LockStepPilot(process, camera, FOLLOWER, height, number)
    ranging = {'use_depth': True} if height is None else {'target_height': height}
    return RealTimePilot(folder, camera, FOLLOWER, {**ranging, **(options.tracker or {})},
                         attach=options.mode == 'attach', number=number)
