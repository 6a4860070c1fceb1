"""The panel's web server where it cannot listen."""

import asyncio
import socket
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


@pytest.mark.parametrize('request_text', [
    b'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    b'GET /' + b'a' * 20_000 + b' HTTP/1.1\r\n\r\n',
    b'POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'])
def test_a_malformed_request_is_refused_in_a_line(caplog, request_text):
    server = web_server.WebServer(SimpleNamespace(config=SimpleNamespace(
        host='127.0.0.1', port=0)), token='')
    server.start()
    try:
        with socket.create_connection(('127.0.0.1', server.port), 10) as there:
            there.sendall(request_text)
            assert b' 400 ' in there.recv(1000).splitlines()[0]
    finally:
        server.close().result(10)
    [record] = [each for each in caplog.records if each.name == web_server.__name__]
    assert 'refused a malformed request: ' in record.getMessage() and record.exc_info is None
    assert len(record.getMessage()) < 200


def test_a_defect_keeps_its_traceback(caplog):
    try:
        raise KeyError('ours')
    except KeyError:
        web_server.LOG.exception('Error handling request')
    assert "KeyError: 'ours'" in caplog.text
