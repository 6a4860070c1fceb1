"""The managed node ``siamx_tracker``: subscribe, convert, track, convert, publish."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any, Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from siamx_ros.errors import InputError
from siamx_ros.records import Reason, TrackState
from siamx_ros.ros.core import TrackerCore
from siamx_ros.ros.health import diagnostics
from siamx_ros.ros.outputs import Outputs
from siamx_ros.ros.parameters import NodeParameters
from siamx_ros.ros.services import Services
from siamx_ros.ros.settings import NodeConfig
from siamx_ros.ros.status import StatusBoard

WATCH_PERIOD_S = 0.05
DIAGNOSTICS_PERIOD_S = 1.0
Factory = Callable[[NodeConfig], Any]


def default_factory(config: NodeConfig) -> Any:
    """The real tracker, with the weights and device of the parameters.

    Raises:
        InputError: the weights or the device cannot be used.
    """
    from siamx_ros.tracking.tracker import load_tracker
    return load_tracker(config.model, config.tracking)


class TrackerNode(LifecycleNode):
    """Configure loads the model, activate subscribes, deactivate drops the target, cleanup frees.

    Args:
        tracker_factory: makes the tracker from the settings.
    """

    def __init__(self, tracker_factory: Factory = default_factory, **kwargs: Any) -> None:
        super().__init__('siamx_tracker', **kwargs)
        self._factory = tracker_factory
        self.node_parameters = NodeParameters(self, NodeConfig(), self._apply)
        self._tracker: Any = None
        self.core: TrackerCore | None = None
        self._board = StatusBoard(time.monotonic())
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
        except (InputError, RuntimeError, MemoryError) as error:
            text = f'the model cannot be loaded: {error}'
            self.get_logger().error(text)
            self._board.update(TrackState.ERROR, Reason.INFERENCE_ERROR, '', time.monotonic(),
                               message=text)
            self._beat()
            return TransitionCallbackReturn.FAILURE
        self.get_logger().info(
            f'model {self.settings.model.weights!r} loaded in {time.monotonic() - begin:.2f} s')
        self._board.update(TrackState.UNINITIALISED, Reason.NONE, '', time.monotonic())
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker."""
        self.core = TrackerCore(self, self.settings, self._tracker, self._outputs, self._board)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, drop the target, stop the worker."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model's memory."""
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from whatever state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop the worker and free the model."""
        self._stop()
        self._free()

    def _stop(self) -> None:
        core, self.core = self.core, None
        if core is None:
            return
        if not core.close():
            self.get_logger().error('the worker did not end in time')
        if self._tracker is not None:
            self._tracker.reset()
        self._board.update(
            TrackState.UNINITIALISED, Reason.RESET, '', time.monotonic(), message='not active')
        self._beat()

    def _free(self) -> None:
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None

    def _apply(self, settings: NodeConfig) -> None:
        if self.core is not None:
            self.core.configure(settings)

    def _watch(self) -> None:
        if self.core is not None:
            self.core.watch()

    def _beat(self) -> None:
        if rclpy.ok(context=self.context):
            self._outputs.publish_status(self._board.status, time.monotonic())

    def _diagnose(self) -> None:
        status = self._board.status
        figures = self.core.health.figures() if self.core is not None else {}
        if self.core is not None:
            figures['input'] = self.core.camera.describe()
        self._outputs.publish_diagnostics(diagnostics(
            self.get_fully_qualified_name(), self.get_clock().now().to_msg(), status.state,
            figures, message=status.message))


def _steady():
    """A clock for liveness: it runs on when simulated time stands still."""
    return rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)


def main(args: list[str] | None = None, tracker_factory: Factory = default_factory) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status."""
    rclpy.init(args=args, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    node = None
    try:
        node = TrackerNode(tracker_factory)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        if node.settings.autostart and not node.start():
            node.get_logger().error('not started; waiting for a lifecycle manager to try again')
        executor.spin()
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _interrupt(_number, _frame) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    raise SystemExit(main())
