"""Requests to the worker: what a service callback awaits, and how its waiting ends."""

from __future__ import annotations

from threading import Event, Thread

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')

from siamx_ros.node.worker import Request, Stopped, Worker  # noqa: E402

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
def request_(woken) -> tuple[Request, News]:
    news = News()
    return Request(lambda: 42, news, lambda: woken.append(1)), news


def test_waiting_is_for_the_future_alone_and_ends_with_the_answer(request_, woken):
    request, news = request_
    waiting = request.within(10.0)
    assert resume(waiting) is news
    request.run()
    assert (news.results, woken) == ([None], [1]) and request.result() == 42
    assert resume(waiting) == ('returned', True)


def test_waiting_ends_when_its_time_is_over_and_is_told_once(request_, woken):
    request, news = request_
    waiting = request.within(0.0)
    assert resume(waiting) is news
    assert request.expire(float('inf')) and request.expire(float('inf'))
    request.run()
    assert (news.results, woken) == ([None], [1])
    assert resume(waiting) == ('returned', True), 'the answer came before it was resumed'


def test_waiting_goes_on_before_its_time(request_):
    request, news = request_
    waiting = request.within(1e6)
    assert resume(waiting) is news
    assert not request.expire(0.0) and not news.results
    request.expire(float('inf'))
    assert resume(waiting) == ('returned', False)


def test_a_worker_that_is_closed_lets_nobody_wait():
    go_on, begun = Event(), Event()
    worker = Worker(lambda frame, overwritten: None, News, lambda: None)

    def hang():
        begun.set()
        go_on.wait(30)

    hung, behind = worker.ask(hang), worker.ask(lambda: None)
    waiting = [hung.within(1e6), behind.within(1e6)]
    assert begun.wait(10) and all(isinstance(resume(each), News) for each in waiting)
    ended: list = []
    closing = Thread(target=lambda: ended.append(worker.close(0.05)))
    closing.start()
    closing.join(10)
    assert ended == [False]
    assert resume(waiting[0]) == ('returned', False)
    assert resume(waiting[1]) == ('returned', True)
    with pytest.raises(Stopped):
        behind.result()
    go_on.set()
    assert worker.close(10)
