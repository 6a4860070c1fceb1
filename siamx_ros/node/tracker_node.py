"""The managed node ``siamx_tracker``: subscribe, convert, track, convert, publish."""

from __future__ import annotations

from contextlib import contextmanager
import functools
from threading import Event, Thread
import time
from typing import Any, Callable, Iterator

import rclpy
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from siamx_ros.messages.status import StatusBoard
from siamx_ros.node.health import diagnostics, memory
from siamx_ros.node.model_holder import Factory, ModelHolder, default_factory, describe_error
from siamx_ros.node.outputs import Outputs
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.pipeline import Pipeline
from siamx_ros.node.services import Services
from siamx_ros.node.session import TargetNames
from siamx_ros.node.spin import refuse_illegal_transitions, run
from siamx_ros.node.wiring import Wiring
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import Reason, TrackState

WATCH_PERIOD_S = 0.05
DIAGNOSTICS_PERIOD_S = 1.0


def _as_transition(method: Callable) -> Callable:
    """Wrap a transition whose exceptions are told: rclpy drops them without a word."""
    @functools.wraps(method)
    def wrapped(self: TrackerNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return method(self, state)
        except Exception as error:  # noqa: B902 - a transition must end in a state
            self._failure = f'{method.__name__} failed: {describe_error(error)}'
            self.get_logger().error(self._failure)
            return TransitionCallbackReturn.ERROR
    return wrapped


class TrackerNode(LifecycleNode):
    """Configure loads the model, activate subscribes, deactivate drops the target, cleanup frees.

    Args:
        tracker_factory: makes the tracker from the settings.
        wiring: how images reach the tracker.
    """

    def __init__(self, tracker_factory: Factory = default_factory, wiring: Wiring = Wiring(),
                 **kwargs: Any) -> None:
        super().__init__('siamx_tracker', **kwargs)
        refuse_illegal_transitions(self)
        self._factory, self._wiring = tracker_factory, wiring
        self.holder = ModelHolder(self.get_logger())
        self.node_parameters = NodeParameters(
            self, NodeConfig(), self._apply,
            frozen=lambda: self.holder.tracker is not None)
        self._names = TargetNames()
        self._failure = ''
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

    @property
    def pipeline(self) -> Pipeline | None:
        """The active part; None while inactive."""
        return self.holder.pipeline

    def start(self) -> bool:
        """Configure and activate; False when the model cannot be loaded."""
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return False
        return self.trigger_activate() == TransitionCallbackReturn.SUCCESS

    @_as_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model."""
        begin = time.monotonic()
        try:
            with self._beating():
                self.holder.tracker = self._factory(self.settings)
        except Exception as error:  # noqa: B902 - a broken installation too must be told
            text = f'the model cannot be loaded: {describe_error(error)}'
            self.get_logger().error(text)
            self._enter(TrackState.ERROR, Reason.INFERENCE_ERROR, text)
            return TransitionCallbackReturn.FAILURE
        self.get_logger().info(
            f'model {self.settings.model.weights!r} loaded in {time.monotonic() - begin:.2f} s')
        self._enter(TrackState.UNINITIALISED, Reason.NONE, 'not active')
        return TransitionCallbackReturn.SUCCESS

    @_as_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker; refused while one that hung is still at the model."""
        if not self.holder.is_at_rest():
            return TransitionCallbackReturn.FAILURE
        self.holder.pipeline = Pipeline(
            self, self.settings, self.holder.tracker, self._outputs, self.board, self._wiring,
            names=self._names)
        self.say('')
        return super().on_activate(state)

    @_as_transition
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe, drop the target, stop the worker."""
        self._stop()
        return super().on_deactivate(state)

    @_as_transition
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model's memory; refused while a worker that hung is still at it."""
        if not self.holder.is_at_rest():
            return TransitionCallbackReturn.FAILURE
        self.holder.free()
        return TransitionCallbackReturn.SUCCESS

    @_as_transition
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from whatever state."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    @_as_transition
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that failed: stop and free what can be, to be configured anew."""
        self.close()
        self._enter(TrackState.ERROR, Reason.NONE, self._failure)
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> bool:
        """Stop the worker and free the model; False if the worker hangs."""
        ended = self._stop() and self.holder.is_at_rest()
        if ended:
            self.holder.free()
        return ended

    def _stop(self) -> bool:
        if self.pipeline is None:
            return True
        ended = self.holder.end()
        self.board.note_problem('')
        self._enter(TrackState.UNINITIALISED, Reason.RESET, 'not active')
        return ended

    def say(self, text: str) -> None:
        """Put a sentence into ~/status without a change of state."""
        self.board.note(text)
        self._beat()

    def _enter(self, state: TrackState, reason: Reason, text: str) -> None:
        self.board.update(state, reason, '', time.monotonic(), message=text)
        self._beat()

    def _apply(self, settings: NodeConfig) -> None:
        if self.pipeline is not None:
            self.pipeline.configure(settings)

    def _watch(self) -> None:
        if self.pipeline is not None:
            self.pipeline.watch()

    def _beat(self) -> None:
        if rclpy.ok(context=self.context):
            self._outputs.publish_status(self.board, time.monotonic())

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Keep ~/status alive while the executor's thread is busy for seconds."""
        over = Event()

        def beat() -> None:
            while not over.wait(1 / self.settings.status_rate):
                self._beat()

        thread = Thread(target=beat, name='heartbeat', daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _diagnose(self) -> None:
        pipeline, status = self.pipeline, self.board.status
        figures, problem = memory(), ''
        if pipeline is not None:
            figures |= {**pipeline.health.figures(), 'input': pipeline.camera.describe()}
            problem = pipeline.problem or pipeline.health.clock_problem()
        self._outputs.publish_diagnostics(diagnostics(
            self.get_fully_qualified_name(), self.get_clock().now().to_msg(), status.state,
            figures, message=status.sentence, problem=problem))


def _steady():
    """A clock for liveness: it runs on when simulated time stands still."""
    return rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)


def main(args: list[str] | None = None, tracker_factory: Factory = default_factory,
         wiring: Wiring = Wiring()) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status."""
    return run(lambda: TrackerNode(tracker_factory, wiring), args, _autostart)


def _autostart(node: TrackerNode) -> None:
    if node.settings.autostart and not node.start():
        node.get_logger().error('not started; waiting for a lifecycle manager to try again')


if __name__ == '__main__':
    raise SystemExit(main())
