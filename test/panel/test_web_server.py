"""The panel's web server where it cannot listen."""

import asyncio
from types import SimpleNamespace

import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel import web_server


def test_a_name_that_is_not_found_in_time_is_refused(monkeypatch):
    async def no_answer(*_args, **_kwargs):
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.BaseEventLoop, 'getaddrinfo', no_answer)
    monkeypatch.setattr(web_server, 'START_PATIENCE_S', 0.1)
    server = web_server.WebServer(SimpleNamespace(config=SimpleNamespace(
        host='a robot', port=8080)), token='')
    with pytest.raises(InputError, match='cannot listen on a robot port 8080: the name is not'):
        server.start()
