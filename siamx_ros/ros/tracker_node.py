"""The managed node ``siamx_tracker``: subscribe, convert, track, convert, publish."""

from __future__ import annotations

from itertools import count
import sys
import time
from typing import Any, Callable

import rclpy
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from siamx_ros.errors import InputError
from siamx_ros.records import Reason, TrackState
from siamx_ros.ros.core import TrackerCore
from siamx_ros.ros.health import diagnostics, memory
from siamx_ros.ros.outputs import Outputs
from siamx_ros.ros.parameters import NodeParameters
from siamx_ros.ros.running import StopSignals
from siamx_ros.ros.services import Services
from siamx_ros.ros.settings import NodeConfig
from siamx_ros.ros.status import StatusBoard
from siamx_ros.ros.wiring import Wiring

WATCH_PERIOD_S = 0.05
DIAGNOSTICS_PERIOD_S = 1.0
WORKER_PATIENCE_S = 3.0
"""How long an inference may take to end when the node stops."""
Factory = Callable[[NodeConfig], Any]


def default_factory(config: NodeConfig) -> Any:
    """The real tracker, with the weights and device of the parameters, warmed up.

    Raises:
        InputError: the weights or the device cannot be used.
        RuntimeError: the device has no memory left.
        ImportError, OSError: torch is not installed, or broken.
    """
    import numpy as np

    from siamx_ros.geometry import BoundingBox
    from siamx_ros.tracking.tracker import load_tracker
    tracker = load_tracker(config.model, config.tracking)
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    tracker.init(picture, BoundingBox(96, 96, 64, 64))
    tracker.update(picture)
    tracker.reset()
    return tracker


class TrackerNode(LifecycleNode):
    """Configure loads the model, activate subscribes, deactivate drops the target, cleanup frees.

    Args:
        tracker_factory: makes the tracker from the settings.
        wiring: how images reach the tracker.
    """

    def __init__(self, tracker_factory: Factory = default_factory, wiring: Wiring = Wiring(),
                 **kwargs: Any) -> None:
        super().__init__('siamx_tracker', **kwargs)
        self._factory, self._wiring = tracker_factory, wiring
        self._tracker: Any = None
        self.node_parameters = NodeParameters(
            self, NodeConfig(), self._apply, frozen=lambda: self._tracker is not None)
        self.core: TrackerCore | None = None
        self._hung: TrackerCore | None = None
        self._numbers = count(1)
        self.board = StatusBoard(time.monotonic())
        self.board.note('not active')
        self._outputs = Outputs(self, self.settings)
        self.services_offered = Services(self)
        self.heartbeats = [
            self.create_timer(WATCH_PERIOD_S, self._watch, clock=_steady()),
            self.create_timer(1 / self.settings.status_rate, self._beat, clock=_steady()),
            self.create_timer(DIAGNOSTICS_PERIOD_S, self._diagnose, clock=_steady())]
        self._beat()

    @property
    def settings(self) -> NodeConfig:
        """The parameters as they are now."""
        return self.node_parameters.settings

    def start(self) -> bool:
        """Configure and activate; False when the model cannot be loaded."""
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return False
        return self.trigger_activate() == TransitionCallbackReturn.SUCCESS

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model."""
        begin = time.monotonic()
        try:
            self._tracker = self._factory(self.settings)
        except Exception as error:  # noqa: B902 - a broken installation too must be told
            text = f'the model cannot be loaded: {_told(error)}'
            self.get_logger().error(text)
            self._say(TrackState.ERROR, Reason.INFERENCE_ERROR, text)
            return TransitionCallbackReturn.FAILURE
        self.get_logger().info(
            f'model {self.settings.model.weights!r} loaded in {time.monotonic() - begin:.2f} s')
        self._say(TrackState.UNINITIALISED, Reason.NONE, 'not active')
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker; refused while one that hung is still at the model."""
        if not self._is_at_rest():
            return TransitionCallbackReturn.FAILURE
        self.core = TrackerCore(self, self.settings, self._tracker, self._outputs, self.board,
                                self._wiring, numbers=self._numbers)
        self.core.say('')
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, drop the target, stop the worker."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model's memory; refused while a worker that hung is still at it."""
        if not self._is_at_rest():
            return TransitionCallbackReturn.FAILURE
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from whatever state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> bool:
        """Stop the worker and free the model; False if the worker hangs."""
        ended = self._stop() and self._is_at_rest()
        if ended:
            self._free()
        return ended

    def _is_at_rest(self) -> bool:
        """Whether no inference of before the last deactivation is still going on."""
        if self._hung is None:
            return True
        if not self._hung.close(0.0):
            self.get_logger().error('an inference that hung has not ended yet')
            return False
        self._hung = None
        self._tracker.reset()
        return True

    def _stop(self) -> bool:
        core, self.core = self.core, None
        if core is None:
            return True
        ended = core.close(WORKER_PATIENCE_S)
        if ended:
            self._tracker.reset()
        else:
            core.mute()
            self._hung = core
            self.get_logger().error(
                f'an inference did not end within {WORKER_PATIENCE_S:g} s and is left alone')
        self.board.note_problem('')
        self._say(TrackState.UNINITIALISED, Reason.RESET, 'not active')
        return ended

    def _free(self) -> None:
        if self._tracker is None:
            return
        self._tracker.close()
        self._tracker = None
        torch = sys.modules.get('torch')
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _say(self, state: TrackState, reason: Reason, text: str) -> None:
        self.board.update(state, reason, '', time.monotonic(), message=text)
        self._beat()

    def _apply(self, settings: NodeConfig) -> None:
        if self.core is not None:
            self.core.configure(settings)

    def _watch(self) -> None:
        if self.core is not None:
            self.core.watch()

    def _beat(self) -> None:
        if rclpy.ok(context=self.context):
            self._outputs.publish_status(self.board, time.monotonic())

    def _diagnose(self) -> None:
        core, status = self.core, self.board.status
        figures, problem = memory(), ''
        if core is not None:
            figures |= {**core.health.figures(), 'input': core.camera.describe()}
            problem = core.problem or core.health.clock_problem()
        self._outputs.publish_diagnostics(diagnostics(
            self.get_fully_qualified_name(), self.get_clock().now().to_msg(), status.state,
            figures, message=status.sentence, problem=problem))


def _told(error: Exception) -> str:
    """A sentence meant for the user as it is; anything else with its type."""
    return str(error) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'


def _steady():
    """A clock for liveness: it runs on when simulated time stands still."""
    return rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)


def main(args: list[str] | None = None, tracker_factory: Factory = default_factory,
         wiring: Wiring = Wiring()) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status."""
    rclpy.init(args=args, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    node, signals = None, StopSignals()
    try:
        node = TrackerNode(tracker_factory, wiring)
        if node.settings.autostart and not node.start():
            node.get_logger().error('not started; waiting for a lifecycle manager to try again')
        signals.spin(node)
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    finally:
        signals.end(node)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
