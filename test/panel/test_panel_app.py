"""The web server with a robot of this test: who gets in, and which commands get through."""

import asyncio

from aiohttp import WSServerHandshakeError
from panel_site import PATIENCE_S, on_site
import pytest

from siamx_ros.panel.operator_commands import Reply

TOKEN = 'the token of this test'


@on_site()
async def test_the_page_and_its_files_load_nothing_from_elsewhere(site):
    async with site.client.get('/') as answer:
        text = await answer.text()
        assert answer.status == 200 and answer.content_type == 'text/html'
        assert "default-src 'none'" in answer.headers['Content-Security-Policy']
        assert answer.headers['X-Content-Type-Options'] == 'nosniff'
    for name in ('panel.css', 'panel.js', 'view.js', 'charts.js', 'connection.js', 'icon.svg'):
        async with site.client.get(f'/{name}') as answer:
            assert answer.status == 200, name
            text += await answer.text()
    assert 'http://' not in text.replace('http://www.w3.org/2000/svg', '')
    assert 'https://' not in text and '//cdn' not in text and 'style="' not in text


@on_site()
async def test_no_path_reaches_a_file(site):
    paths = ['/setup.py', '/index.html', '/locked.html', '/../panel_app.py', '/static/panel.js',
             '/%2e%2e/panel_app.py', '/..%2fpanel_app.py', '//etc/passwd', '/panel.css/../../x',
             '/etc/passwd', '/....//panel_app.py', '/panel.js%00.html', '/?file=/etc/passwd']
    for path in paths:
        reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
        writer.write(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
                     .encode())
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        status = int(answer.split()[1])
        assert status in (400, 404) or path.startswith('/?') and status == 200, (path, status)
        assert b'root:' not in answer and b'class PanelApp' not in answer


@on_site(token=TOKEN)
async def test_nothing_without_the_token(site):
    for path, status in (('/', 401), ('/panel.js', 401), ('/socket', 401), ('/nothing', 401),
                         ('/?token=wrong', 401), ('/panel.js?token=' + TOKEN, 401),
                         ('/panel.css', 200)):
        async with site.client.get(path, headers={'Origin': site.origin}) as answer:
            assert answer.status == status, path
    assert (await site.command({'action': 'follow'}))[0] == 401
    with pytest.raises(WSServerHandshakeError):
        await site.open()
    assert site.robot.commands == []


@on_site(token=TOKEN)
async def test_the_token_becomes_a_cookie_and_leaves_the_address(site):
    async with site.client.get('/', params={'token': TOKEN}, allow_redirects=False) as answer:
        assert answer.status == 303 and answer.headers['Location'] == '/'
        cookie = answer.cookies['siamx_panel_8080']
        assert cookie['httponly'] and cookie['samesite'] == 'Lax'
        assert TOKEN not in cookie.value
    async with site.client.get('/') as answer:
        assert answer.status == 200 and 'Last minute' in await answer.text()
    page, hello = await site.open()
    assert hello['type'] == 'hello'
    assert await site.command({'action': 'stop'}) == (200, {'ok': True, 'message': 'done'})
    await page.close()


@on_site(token=TOKEN)
async def test_another_site_cannot_use_the_cookie(site):
    async with site.client.get('/', params={'token': TOKEN}) as answer:
        assert answer.status == 200
    for origin in ('http://evil.example', 'null', ''):
        with pytest.raises(WSServerHandshakeError) as error:
            await site.open(Origin=origin)
        assert error.value.status == 403
        assert (await site.command({'action': 'follow'}, Origin=origin))[0] == 403
    assert site.robot.commands == [] and not site.app.viewers


@on_site()
async def test_a_name_given_to_loopback_by_another_site_is_refused(site):
    evil = {'Host': 'evil.example', 'Origin': 'http://evil.example'}
    async with site.client.get('/', headers=evil) as answer:
        assert answer.status == 403
    assert (await site.command({'action': 'follow'}, **evil))[0] == 403


@on_site()
async def test_commands_and_those_that_cannot_be_read(site):
    assert await site.command({'action': 'pause'}) == (200, {'ok': True, 'message': 'done'})
    site.robot.reply = Reply(False, 'The box is too small.')
    assert await site.command({'action': 'reset'}) == (
        200, {'ok': False, 'message': 'The box is too small.'})
    count = len(site.robot.commands)
    for bad in (b'', b'stop', b'{"action": "fly"}', b'\xff', {'action': 'target'}):
        status, answer = await site.command(bad)
        assert status == 400 and not answer['ok'] and answer['message'].endswith('.')
    async with site.client.post('/command', data=bytes(5000),
                                headers={'Origin': site.origin}) as answer:
        assert answer.status == 413
    assert len(site.robot.commands) == count
