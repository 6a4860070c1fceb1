"""The panel's web server where it cannot listen."""

import asyncio
import socket
from types import SimpleNamespace
from unittest.mock import AsyncMock, Mock

from aiohttp import web
import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel import web_server
from siamx_ros.panel.panel_app import PanelApp


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
    b'POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    ids=['two hosts', 'long', 'no length'])
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


@pytest.mark.parametrize('coding', ['gzip', 'deflate'])
def test_a_body_that_is_not_what_its_header_says_is_refused_in_a_line(caplog, coding):
    server = web_server.WebServer(SimpleNamespace(config=SimpleNamespace(
        host='127.0.0.1', port=0), state=SimpleNamespace(sample=lambda: None)), token='')
    server.start()
    try:
        with socket.create_connection(('127.0.0.1', server.port), 10) as there:
            there.sendall((
                'POST /command HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n'
                f'Content-Encoding: {coding}\r\nContent-Length: 9\r\n\r\n\xff23456789'
            ).encode('latin-1'))
            assert b' 400 ' in there.recv(1000).splitlines()[0]
    finally:
        server.close().result(10)
    said = [each for each in caplog.records if each.name == web_server.__name__]
    assert len(said) <= 1 and not any(each.exc_info for each in said)


@pytest.mark.parametrize('left', [ConnectionResetError('Connection lost'),
                                  web.RequestPayloadError('Can not decode')])
def test_a_page_that_leaves_within_its_command_is_no_defect(left):
    request = SimpleNamespace(read=AsyncMock(side_effect=left))
    answer = asyncio.run(PanelApp._post_command(Mock(), request))
    assert answer.status == 400 and 'the command cannot be read' in answer.text


def test_a_defect_keeps_its_traceback(caplog):
    try:
        raise KeyError('ours')
    except KeyError:
        web_server.LOG.exception('Error handling request')
    assert "KeyError: 'ours'" in caplog.text
