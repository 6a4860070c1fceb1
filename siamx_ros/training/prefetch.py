"""The next batch is made ready beside the training step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, Iterator, TypeVar

import torch

Item, Made = TypeVar('Item'), TypeVar('Made')


def prefetch(items: Iterable[Item], make: Callable[[Item], Made]) -> Iterator[Made]:
    """``map(make, items)``, the next result made in a thread while the last one is in use."""
    source, end = iter(items), object()

    def work() -> Any:
        item = next(source, end)
        return end if item is end else make(item)

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(work)
        while (made := coming.result()) is not end:
            coming = thread.submit(work)
            yield made


def on_own_stream(make: Callable[..., tuple[Any, ...]],
                  device: torch.device) -> Callable[..., tuple[Any, ...]]:
    """``make``, whose work on a GPU does not queue up behind that of the training step.

    What it returns is ready to use on the stream that is the current one here.
    """
    if device.type != 'cuda':
        return make
    user, own = torch.cuda.current_stream(device), torch.cuda.Stream(device)

    def wrapped(*items: Any) -> tuple[Any, ...]:
        with torch.cuda.stream(own):
            made = make(*items)
        own.synchronize()
        for tensor in made:
            if torch.is_tensor(tensor) and tensor.is_cuda:
                tensor.record_stream(user)
        return made

    return wrapped
