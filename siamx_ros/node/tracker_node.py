"""The managed node ``siamx_tracker``: subscribe, convert, track, convert, publish."""

from __future__ import annotations

import functools
import math
import time
from typing import Any, Callable

from lifecycle_msgs.msg import Transition
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from siamx_ros.errors import InputError
from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.node.health import diagnostics, memory
from siamx_ros.node.model_holder import Factory, ModelHolder, default_factory, describe_error
from siamx_ros.node.publishers import Publishers
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.pipeline import Pipeline
from siamx_ros.node.services import Services
from siamx_ros.node.spin import refuse_illegal_transitions, run
from siamx_ros.node.target_names import TargetNames
from siamx_ros.node.target_services import TargetServices
from siamx_ros.node.waiting import Waiting
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import Reason, TrackState

WATCH_PERIOD_S = 0.05
DIAGNOSTICS_PERIOD_S = 1.0
INACTIVE = 'not active'
LOADING = 'the model is being loaded'


def _as_transition(method: Callable) -> Callable:
    """Wrap a transition so that its exceptions are logged: rclpy drops them."""
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
    """

    def __init__(self, tracker_factory: Factory = default_factory, **kwargs: Any) -> None:
        super().__init__('siamx_tracker', **kwargs)
        refuse_illegal_transitions(self, self.prepare)
        self._finalised = False
        self._waiting = Waiting.of(self)
        self.holder = ModelHolder(self.get_logger(), tracker_factory)
        self.node_parameters = NodeParameters(
            self, NodeConfig(), self._apply,
            frozen=lambda: self.holder.is_loading or self.holder.tracker is not None)
        self._names = TargetNames()
        self._failure = ''
        self.board = StatusBoard(time.monotonic())
        self.board.note(INACTIVE)
        self._node_publishers = Publishers(self, self.settings)
        self.services_offered = Services(self)
        self.target_services = TargetServices(self, self.services_offered)
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

    async def start(self) -> bool:
        """Configure and activate; False when the model cannot be loaded.

        Other callbacks are served while it loads.
        """
        await self._load()
        if self._finalised or self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return False
        return self.trigger_activate() == TransitionCallbackReturn.SUCCESS

    async def prepare(self, transition: Transition) -> None:
        """Load the model before a transition that needs it, while other callbacks are served.

        Raises:
            InputError: a model is being loaded already.
        """
        if transition.id != Transition.TRANSITION_CONFIGURE and transition.label != 'configure':
            return
        if self.holder.is_loading:
            raise InputError(LOADING)
        if self.holder.tracker is None and not self._finalised:
            await self._load()

    async def _load(self) -> None:
        begin = time.monotonic()
        loading = self.holder.load(self.settings)
        self.say(LOADING)
        await self._waiting.within(loading, math.inf)
        if loading.exception() is None:
            self.get_logger().info(f'model {self.settings.model.weights!r} loaded in '
                                   f'{time.monotonic() - begin:.2f} s')
        if self._finalised:
            self.holder.free()

    @_as_transition
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the model."""
        try:
            self.holder.take(self.settings)
        except Exception as error:  # noqa: B902 - a broken installation is reported, too
            text = f'the model cannot be loaded: {describe_error(error)}'
            self.get_logger().error(text)
            self._enter(TrackState.ERROR, Reason.INFERENCE_ERROR, text)
            return TransitionCallbackReturn.FAILURE
        self._enter(TrackState.UNINITIALISED, Reason.NONE, INACTIVE)
        return TransitionCallbackReturn.SUCCESS

    @_as_transition
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and start the worker; refused while one that hung is still at the model."""
        if not self.holder.is_at_rest():
            return TransitionCallbackReturn.FAILURE
        self.holder.pipeline = Pipeline(
            self, self.settings, self.holder.tracker, self._node_publishers, self.board,
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
        self._finalised = True
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
        self._enter(TrackState.UNINITIALISED, Reason.RESET, INACTIVE)
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
        self._waiting.expire(time.monotonic())
        if self.pipeline is not None:
            self.pipeline.watch()

    def _beat(self) -> None:
        if rclpy.ok(context=self.context):
            self._node_publishers.publish_status(self.board, time.monotonic())

    def _diagnose(self) -> None:
        pipeline, status = self.pipeline, self.board.status
        figures, problem = memory(loading=self.holder.is_loading), ''
        if pipeline is not None:
            health = pipeline.health
            figures |= {**health.figures(), 'input': pipeline.camera.describe(),
                        'image_values': pipeline.decoder.values}
            problem = (pipeline.problem or health.clock_problem()
                       or health.transport_problem(rclpy.get_rmw_implementation_identifier()))
        self._node_publishers.publish_diagnostics(diagnostics(
            self.get_fully_qualified_name(), self.get_clock().now().to_msg(), status.state,
            figures, message=status.sentence, problem=problem))


def _steady():
    """A clock for liveness: it runs on when simulated time stands still."""
    return rclpy.clock.Clock(clock_type=rclpy.clock.ClockType.STEADY_TIME)


def main(args: list[str] | None = None, tracker_factory: Factory = default_factory) -> int:
    """Run the node until a signal ends it; returns the exit status."""
    return run(lambda: TrackerNode(tracker_factory), args, _autostart)


def _autostart(node: TrackerNode) -> None:
    """Have the node start as soon as it serves callbacks."""
    async def start() -> None:
        timer.cancel()
        if not await node.start():
            node.get_logger().error('not started; waiting for a lifecycle manager to try again')

    if node.settings.autostart:
        timer = node.create_timer(
            0.0, start, callback_group=ReentrantCallbackGroup(), clock=_steady())


if __name__ == '__main__':
    raise SystemExit(main())
