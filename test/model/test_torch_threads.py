"""torch's threads during updates, in several threads at once."""

from threading import Event, Thread

import pytest
import torch

from siamx_ros.model.torch_threads import TorchThreads

OUTSIDE = 3


@pytest.fixture(autouse=True)
def restored():
    before = torch.get_num_threads()
    torch.set_num_threads(OUTSIDE)
    yield
    torch.set_num_threads(before)


def in_a_thread(work):
    """What work returns in a thread that begins now."""
    answers = []
    thread = Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join()
    return answers[0]


def test_one_during_an_update_and_as_many_as_before_after_it():
    threads = TorchThreads()
    with pytest.raises(ValueError), threads.single():
        assert torch.get_num_threads() == 1 and threads.count() == OUTSIDE
        raise ValueError
    assert torch.get_num_threads() == threads.count() == OUTSIDE


def test_a_thread_that_begins_during_an_update_of_another_has_as_many_as_the_process():
    threads = TorchThreads()

    def update():
        with threads.single():
            inside = torch.get_num_threads()
        return threads_seen, inside, torch.get_num_threads()

    with threads.single():
        threads_seen = in_a_thread(threads.count)
        assert in_a_thread(update) == (OUTSIDE, 1, OUTSIDE)
        assert torch.get_num_threads() == 1, 'here the update goes on'
    assert torch.get_num_threads() == OUTSIDE


def test_updates_that_end_in_another_order_than_they_began_leave_all_as_it_was():
    threads, began, may_end = TorchThreads(), Event(), Event()

    def update():
        with threads.single():
            began.set()
            may_end.wait(10)
        return torch.get_num_threads()

    answers = []
    with threads.single():
        thread = Thread(target=lambda: answers.append(update()))
        thread.start()
        assert began.wait(10)
    assert torch.get_num_threads() == OUTSIDE
    may_end.set()
    thread.join()
    assert answers == [OUTSIDE] and threads.count() == OUTSIDE
