// The panel: what comes from the robot is shown, what the operator presses goes to it.

import {Charts} from './charts.js';
import {Connection} from './connection.js';
import {View} from './view.js';

const STATES = {
  OFFLINE: 'No tracker', UNINITIALISED: 'No target', INITIALISING: 'Starting', TRACKING: 'Tracking',
  UNCERTAIN: 'Uncertain', LOST: 'Lost', RELOCALISED: 'Found, confirming', INPUT_STALE: 'No images',
  PAUSED: 'Paused', ERROR: 'Error'};
const MOVES = {
  STANDING: 'Standing', TURNING: 'Turning', FOLLOWING: 'Following', SLOWING: 'Slowing down',
  SEARCHING: 'Searching'};
const NOTE_MS = 8000;
const STOP_TRIES = 5;
const element = (id) => document.getElementById(id);
const charts = new Charts();
let newest = null, noteTimer = null;

const view = new View(element('view'), {
  given: (values) => press('target', values),
  shown: () => connection.next(),
  busy: (drawing) => {
    element('stage-note').toggleAttribute('hidden', !drawing);
    if (drawing) connection.command('hold', view.image);
  },
});

const connection = new Connection({
  hello: (message) => { charts.fill(message.history); connection.next(); },
  state: show,
  image: (header, jpeg) => { element('veil').hidden = true; view.take(header, jpeg); },
  link: (up) => {
    element('link').textContent = up ? 'connected' : 'connection lost, trying again';
    element('link').classList.toggle('up', up);
    if (!up) showOffline();
  },
});

function show(message) {
  const changed = !newest || newest.state !== message.state;
  newest = message;
  document.body.dataset.state = message.state;
  write('state', STATES[message.state] ?? message.state);
  write('reason', message.image_error || message.reason);
  if (changed) announce(`${STATES[message.state] ?? message.state}. ${message.reason}`);
  showFollower(message.follower);
  toggle('pause', message.state === 'PAUSED', 'Resume', 'Pause');
  charts.add(message);
}

function showFollower(follower) {
  const enabled = Boolean(follower?.enabled), moves = enabled && follower.state !== 'STANDING';
  const line = element('drive').parentElement;
  line.classList.toggle('on', moves);
  line.classList.toggle('held', enabled && !moves);
  const doing = !follower ? 'No follower' : !enabled ? 'Not following' : MOVES[follower.state];
  const why = enabled ? follower.reason : '';
  if (write('drive', doing)) announce(`${doing}. ${why}`);
  write('why', why);
  toggle('follow', enabled, 'Following', 'Follow');
}

function showOffline() {
  document.body.dataset.state = 'OFFLINE';
  write('state', 'Not connected');
  write('reason', 'What you see is old. A robot that follows goes on following.');
  announce('The connection to the panel is lost.');
  newest = null;
}

function toggle(id, pressed, on, off) {
  element(id).setAttribute('aria-pressed', String(pressed));
  write(id, pressed ? on : off);
}

function write(id, text) {
  if (element(id).textContent === text) return false;
  element(id).textContent = text;
  return true;
}

function announce(text) {
  element('announcer').textContent = text;
}

function note(text, fine) {
  clearTimeout(noteTimer);
  const place = element('note');
  place.textContent = text;
  place.classList.toggle('fine', fine);
  place.hidden = !text;
  if (fine) noteTimer = setTimeout(() => { place.hidden = true; }, NOTE_MS);
}

// Ask the robot for something and show what came of it.
async function press(action, values) {
  const answer = await connection.command(action, values);
  if (answer.ok) note({target: 'Target accepted.', stop: 'Stopped.'}[action] ?? '', true);
  else note(answer.message, false);
  return answer;
}

// A stop that got lost on its way is sent again.
async function stop() {
  view.cancel();
  for (let left = STOP_TRIES; left > 0; left--) {
    if (!(await press('stop')).lost) return;
  }
}

const isOn = (id) => element(id).getAttribute('aria-pressed') === 'true';
const actions = {
  stop,
  follow: () => isOn('follow') ? stop() : press('follow'),
  pause: () => press(isOn('pause') ? 'resume' : 'pause'),
  reset: () => press('reset'),
};
for (const [id, act] of Object.entries(actions)) element(id).addEventListener('click', act);

const keys = {s: 'stop', f: 'follow', p: 'pause', r: 'reset', escape: 'stop'};
addEventListener('keydown', (event) => {
  const id = keys[event.key.toLowerCase()];
  if (!id || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  actions[id]();
});
