// The WebSocket to the panel, opened again when it is lost, and the commands.

const RETRY_MS = 1000;
const SILENCE_MS = 4000;
const COMMAND_MS = 15000;
const STOP_MS = 6000;

export class Connection {
  // handlers: hello(message), state(message), image(header, jpeg), link(up)
  constructor(handlers) {
    this.handlers = handlers;
    this.viewer = '';
    this.heard = 0;
    setInterval(() => this.look(), 1000);
    document.addEventListener('visibilitychange', () => this.look());
    this.open();
  }

  open() {
    const address = new URL('socket', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = '';
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heard = performance.now();
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = () => this.lost(socket);
  }

  take(data) {
    this.heard = performance.now();
    this.say(true);
    if (typeof data !== 'string') {
      const length = new DataView(data).getUint32(0);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      this.handlers.image(header, new Blob([new Uint8Array(data, 4 + length)], {type: 'image/jpeg'}));
      return;
    }
    const message = JSON.parse(data);
    if (message.type === 'hello') this.viewer = message.viewer;
    this.handlers[message.type](message);
  }

  // The page has shown the last image and wants the newest one.
  next() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send('next');
  }

  // Tell the panel that the page is awake, and see whether the panel is.
  look() {
    if (!this.waiting && this.socket.readyState === WebSocket.CLOSED && !document.hidden) this.open();
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send('alive');
    if (this.socket.readyState <= WebSocket.OPEN && performance.now() - this.heard > SILENCE_MS) {
      this.socket.close();
      this.lost(this.socket);
    }
  }

  lost(socket) {
    if (socket !== this.socket || this.waiting) return;
    this.viewer = '';
    this.say(false);
    if (document.hidden) return;
    this.waiting = setTimeout(() => { this.waiting = null; this.open(); }, RETRY_MS);
  }

  say(up) {
    if (up !== this.up) this.handlers.link(this.up = up);
  }

  // Ask for something; returns {ok, message, lost}. It goes its own way, so that no image delays a stop.
  async command(action, values = {}) {
    try {
      const answer = await fetch('command', {
        method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({action, viewer: this.viewer, ...values}),
        keepalive: true, signal: AbortSignal.timeout(action === 'stop' ? STOP_MS : COMMAND_MS)});
      return await answer.json();
    } catch {
      return {ok: false, lost: true, message: `The panel did not answer to "${action}".`};
    }
  }
}
