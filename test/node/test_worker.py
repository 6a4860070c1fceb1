"""Requests to the worker, and how a service callback waits for the answer."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event

import pytest

from siamx_ros.node.waiting import Waiting
from siamx_ros.node.worker import Worker

pytestmark = pytest.mark.ros


class News:
    """A future as later rclpy makes it: it yields itself, and whoever awaits is resumed by it.

    They resume at once what yields anything else, so that the executor would never rest.
    """

    def __init__(self) -> None:
        self.results: list = []

    def set_result(self, result) -> None:
        self.results.append(result)

    def __await__(self):
        while not self.results:
            yield self


def resume(coroutine):
    """What a coroutine waits for, or ('returned', value)."""
    try:
        return coroutine.send(None)
    except StopIteration as end:
        return 'returned', end.value


@pytest.fixture
def woken() -> list:
    return []


@pytest.fixture
def waiting(woken) -> Waiting:
    return Waiting(News, lambda: woken.append(1))


def test_waiting_is_for_the_future_alone_and_ends_with_the_answer(waiting, woken):
    future: Future = Future()
    coroutine = waiting.within(future, 10.0)
    news = resume(coroutine)
    assert isinstance(news, News) and not news.results
    future.set_result(42)
    assert (news.results, woken) == ([None], [1])
    assert resume(coroutine) == ('returned', True)
    waiting.expire(float('inf'))
    assert (news.results, woken) == ([None], [1]), 'completed once'


def test_waiting_for_what_is_done_ends_at_once(waiting):
    future: Future = Future()
    future.set_exception(RuntimeError('failed'))
    assert resume(waiting.within(future, 10.0)) == ('returned', True)


def test_waiting_ends_when_its_time_is_over(waiting, woken):
    late, early = Future(), Future()
    coroutines = [waiting.within(late, 0.0), waiting.within(early, 1e9)]
    news = [resume(each) for each in coroutines]
    waiting.expire(1e8)
    assert [each.results for each in news] == [[None], []]
    assert resume(coroutines[0]) == ('returned', False)
    late.set_result(1)
    assert news[0].results == [None] and woken == [1]
    early.set_result(2)
    assert resume(coroutines[1]) == ('returned', True)


def test_a_worker_answers_with_what_the_work_returns_or_raises():
    worker = Worker(lambda frame, overwritten: None)
    assert worker.ask(lambda: 42).result(10) == 42
    with pytest.raises(ZeroDivisionError):
        worker.ask(lambda: 1 / 0).result(10)
    assert worker.ask(lambda: 43).result(10) == 43, 'it lives on'
    assert worker.close(10)


def test_a_worker_that_is_closed_cancels_what_waits_and_leaves_what_hangs():
    go_on, begun = Event(), Event()
    worker = Worker(lambda frame, overwritten: None)

    def hang():
        begun.set()
        return go_on.wait(30)

    hung, behind = worker.ask(hang), worker.ask(lambda: None)
    assert begun.wait(10)
    assert not worker.close(0.05)
    assert behind.cancelled() and not hung.done()
    assert not hung.cancel(), 'it has begun'
    assert worker.ask(lambda: None) is None
    go_on.set()
    assert worker.close(10) and hung.result(10)


def test_what_was_cancelled_is_not_done():
    done: list = []
    go_on, begun = Event(), Event()
    worker = Worker(lambda frame, overwritten: None)
    worker.ask(lambda: (begun.set(), go_on.wait(30)))
    assert begun.wait(10)
    given_up, kept = worker.ask(lambda: done.append(1)), worker.ask(lambda: done.append(2))
    assert given_up.cancel()
    go_on.set()
    kept.result(10)
    assert done == [2] and worker.close(10)
