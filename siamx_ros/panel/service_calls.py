"""Services of ROS called from the web server's loop, with an end to every wait."""

from __future__ import annotations

import asyncio
from typing import Any

from siamx_ros.errors import InputError


POLL_PERIOD_S = 0.05


async def call_service(client: Any, request: Any, patience_s: float, *,
                       discovery_s: float = 1.0) -> Any:
    """Call a service through a client whose node is spun in another thread; returns its answer.

    Args:
        patience_s: how long the answer may take.
        discovery_s: how long to wait for a service that is not offered, or not known yet.
    """
    loop = asyncio.get_running_loop()
    given_up_s = loop.time() + discovery_s
    while not client.service_is_ready() and loop.time() < given_up_s:
        await asyncio.sleep(POLL_PERIOD_S)
    if not client.service_is_ready():
        raise InputError(f'{client.srv_name} is not offered: does its node run?')
    answered = loop.create_future()
    future = client.call_async(request)
    future.add_done_callback(lambda done: loop.call_soon_threadsafe(_settle, answered, done))
    try:
        return await asyncio.wait_for(answered, patience_s)
    except asyncio.TimeoutError:
        client.remove_pending_request(future)
        raise InputError(f'{client.srv_name} did not answer within {patience_s:g} s.') from None


def _settle(answered: asyncio.Future, done: Any) -> None:
    if answered.done():
        return
    if done.exception() is not None:
        answered.set_exception(done.exception())
    else:
        answered.set_result(done.result())
