"""A node's main loop, and how signals end it: status 0, no traceback, no hang."""

from __future__ import annotations

import argparse
from contextlib import contextmanager, suppress
import ctypes
import os
import re
import signal
import sys
from threading import Thread
import time
import traceback
from typing import Any, Awaitable, Callable, Iterator

from lifecycle_msgs.srv import ChangeState
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.exceptions import InvalidParameterTypeException, NameValidationException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from siamx_ros.errors import InputError

POLL_PERIOD_S = 0.1
START_PATIENCE_S = 2.0
"""How long a node that shall stop may go on starting."""
CALLBACK_PATIENCE_S = 5.0
"""How long a callback may then go on, such as one that loads a model."""
M_ARENA_MAX = -8
"""Of glibc's malloc.h: the option for how many heaps there are."""
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PLACE_IN_SOURCE = re.compile(r', at \S+:\d+')
"""Where in its own source the layer below complains."""
RCLError = rclpy_implementation.RCLError
"""What rclpy raises when the layer below refuses; it has no public name."""
UnknownROSArgsError = rclpy_implementation.UnknownROSArgsError


class StopSignals:
    """A signal lets the callback at hand end; one or a start that takes too long is cut off.

    A KeyboardInterrupt in the middle of a callback could leave locks and messages half done, and
    one in foreign code, such as a compiler of networks, aborts the process.
    """

    def __init__(self) -> None:
        self._started = self._stop = self._ending = False
        self._executor: Any = None
        _answer_signals(NUMBERS, self._note)
        Thread(target=self._guard, name='stop guard', daemon=True).start()

    def spin(self, node: Any) -> None:
        """Serve callbacks until a signal comes or the context is shut down."""
        self._executor = SingleThreadedExecutor()  # kept: freed as rclpy shuts down it would raise
        self._executor.add_node(node)
        self._started = True
        try:
            while not self._stop:
                self._executor.spin_once(POLL_PERIOD_S)
        except ExternalShutdownException:
            pass

    def end(self, node: Any, status: int = 0) -> None:
        """Close node and context; further signals are ignored.

        A worker that hangs in foreign code cannot be joined: the process then ends at once, since
        tearing the interpreter down under a running inference may crash.
        """
        self._ending = True
        _answer_signals(NUMBERS, signal.SIG_IGN)
        ended = node is None or _closed(node)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        if not ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _note(self, _number: int, _frame: Any) -> None:
        self._stop = True

    def _guard(self) -> None:
        waited = 0.0
        while not self._ending:
            time.sleep(POLL_PERIOD_S)
            waited += POLL_PERIOD_S * self._stop
            if waited > (CALLBACK_PATIENCE_S if self._started else START_PATIENCE_S):
                os._exit(0)


def _answer_signals(numbers: tuple[int, ...], answer: Any) -> None:
    """Say what happens on signals; a SIGHUP that is ignored (``nohup``) stays ignored."""
    for number in numbers:
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, answer)


def _closed(node: Any) -> bool:
    """Close a node; what fails is logged, it ends all the same."""
    try:
        return node.close()
    except Exception as error:  # noqa: B902 - see above
        node.get_logger().error(f'closing failed: {type(error).__name__}: {error}')
        return True


def run(make: Callable[[], Any], args: list[str] | None,
        begin: Callable[[Any], object] = lambda node: None) -> int:
    """Run a node until a signal ends it: SIGINT, SIGTERM, or SIGHUP of a terminal that closes.

    Args:
        make: makes the node, which has a method ``close`` that returns whether it could.
        begin: called with the node before it serves callbacks.

    Returns:
        The exit status: 2 where the arguments cannot be used, or the node be made with them; 1
        after a defect.
    """
    _share_one_heap()
    node, signals, status = None, StopSignals(), 1
    try:
        node = _started(make, args)
        begin(node)
        signals.spin(node)
        status = 0
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        status = 2
    except Exception:  # noqa: B902 - printed before what hangs ends the process
        traceback.print_exc()
    finally:
        signals.end(node, status)
    return status


def _started(make: Callable[[], Any], args: list[str] | None) -> Any:
    """The node, with rclpy started without signal handlers of its own."""
    with _refusals(RuntimeError):
        _take_no_arguments(make, sys.argv[1:] if args is None else args)
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        return make()


@contextmanager
def _refusals(*others: type[Exception]) -> Iterator[None]:
    """Raise an InputError for a name or an argument that ROS refuses, and for other errors."""
    try:
        yield
    except UnknownROSArgsError as error:
        raise InputError(f'unknown arguments of ROS: {error}') from None
    except (RCLError, NameValidationException, InvalidParameterTypeException, ValueError,
            *others) as error:
        if isinstance(error, ValueError) and 'unknown substitution' not in str(error):
            raise  # ours; that of a name with braces is rclpy's
        text = PLACE_IN_SOURCE.sub('', str(error)).rstrip(' ^\n')  # it points at a letter
        raise InputError(' '.join(text.split())) from None


def _take_no_arguments(make: Callable[[], Any], args: list[str]) -> None:
    """Answer ``--help`` with what the module of the node says, refuse what is not of ROS."""
    parser = argparse.ArgumentParser(
        description=sys.modules[make.__module__].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='Parameters and names: --ros-args -p name:=value --params-file FILE -r from:=to')
    _, unknown = parser.parse_known_args(remove_ros_args(args))
    if unknown:
        raise InputError(f'unknown arguments: {" ".join(unknown)}; those of ROS follow --ros-args')


def _share_one_heap() -> None:
    """Have all threads of this process allocate from one heap, if its C library is glibc.

    By default each has one of its own, and each model that is loaded starts threads: what remains
    in between of the models before was 60 MB after fifty of them. To be called before any thread.
    """
    tune = getattr(ctypes.CDLL(None), 'mallopt', None)
    if tune is not None:
        tune(M_ARENA_MAX, 1)


def run_tool(work: Callable[[list[str]], int], argv: list[str] | None) -> int:
    """Do the work of a tool; what cannot be used becomes one sentence.

    Args:
        work: is called with all arguments, the program's name first; returns the exit status.
        argv: those arguments; of the process if None.

    Returns:
        The exit status: 2 where a name or an argument cannot be used.
    """
    try:
        with _refusals():
            return work(sys.argv if argv is None else argv)
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2


@contextmanager
def interruptible(args: list[str] | None) -> Iterator[None]:
    """Have rclpy for a tool that waits: signals end the block, and nothing after it.

    rclpy's own handlers would end the context under what waits, which then raises an error.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    _answer_signals(NUMBERS[1:], signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        _answer_signals(NUMBERS, signal.SIG_IGN)
        rclpy.try_shutdown()


def refuse_illegal_transitions(
        node: Any, prepare: Callable[[Any], Awaitable[None]] | None = None) -> None:
    """Have a lifecycle node answer a transition that its state does not allow with a refusal.

    rclpy of Jazzy raises instead, which would end the node: a manager that configures one that has
    configured itself would kill it.

    Args:
        node: the node.
        prepare: awaited with a transition before it is made; refuses it by an InputError.
    """
    group = ReentrantCallbackGroup()  # what waits for the preparation shall hold up nothing else
    for service in node.services:
        if service.srv_type is ChangeState:
            service.callback = _refusing(node, service.callback, prepare)
            group.add_entity(service)
            service.callback_group = group


def _refusing(node: Any, answer: Callable,
              prepare: Callable[[Any], Awaitable[None]] | None) -> Callable:
    async def answered(request: Any, response: Any) -> Any:
        try:
            if prepare is not None:
                await prepare(request.transition)
            return answer(request, response)
        except (RCLError, InputError) as error:
            node.get_logger().warning(f'a transition was refused: {error}')
            response.success = False
            return response
    return answered
