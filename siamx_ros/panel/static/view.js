// The live image with the box of the target, and drawing a new one on it.

const MIN_SIDE = 6;
const TONES = {
  TRACKING: '#3ddc84', UNCERTAIN: '#ffb938', LOST: '#ff6b5f', RELOCALISED: '#6cb6ff',
  INITIALISING: '#6cb6ff'};

export class View {
  // given(values): a target was drawn; shown(): the next image may come; busy(drawing): a box is drawn
  constructor(canvas, {given, shown, busy}) {
    Object.assign(this, {canvas, given, shown, busy});
    this.header = null;
    this.picture = null;
    this.corners = null;
    this.byKeys = false;
    canvas.addEventListener('pointerdown', (event) => this.press(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.release(event));
    canvas.addEventListener('pointercancel', () => this.cancel());
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('blur', () => this.byKeys && this.cancel());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // Take an image; while a box is drawn, the one that it is drawn on stays.
  async take(header, jpeg) {
    let picture = null;
    try {
      picture = await createImageBitmap(jpeg);
    } catch {
      console.warn('an image could not be decoded');
    }
    if (picture && !this.corners) {
      this.picture?.close();
      [this.header, this.picture] = [header, picture];
      const ratio = header.size[0] / header.size[1];
      document.documentElement.style.setProperty('--ratio', ratio.toFixed(4));
      this.draw();
      requestAnimationFrame(() => this.shown());
    } else {
      picture?.close();
      if (!this.corners) setTimeout(() => this.shown(), 200);
    }
  }

  get size() {
    return this.header.size;
  }

  // Which image it is that is shown.
  get image() {
    const {stamp, size, frame_id} = this.header;
    return {stamp, size, frame_id};
  }

  // A pointer's place in pixels of the camera's image, inside of it.
  point(event) {
    const area = this.canvas.getBoundingClientRect();
    return [(event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height]
      .map((share, i) => Math.min(1, Math.max(0, share)) * this.size[i]);
  }

  press(event) {
    if (!this.picture || !event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.begin([this.point(event), this.point(event)], false);
  }

  move(event) {
    if (!this.corners || this.byKeys || !event.isPrimary) return;
    this.corners[1] = this.point(event);
    this.draw();
  }

  release(event) {
    if (!this.corners || this.byKeys || !event.isPrimary) return;
    this.corners[1] = this.point(event);
    this.give();
  }

  begin(corners, byKeys) {
    this.corners = corners;
    this.byKeys = byKeys;
    this.busy(true);
    this.draw();
  }

  cancel() {
    if (!this.corners) return;
    this.corners = null;
    this.busy(false);
    this.draw();
    this.shown();
  }

  // Hand the box on, with the stamp of the image that it was drawn on.
  give() {
    const [x, y, w, h] = this.box;
    const shortest = MIN_SIDE * this.size[0] / this.canvas.clientWidth;
    if (w >= shortest && h >= shortest) this.given({box: [x, y, w, h], ...this.image});
    this.cancel();
  }

  get box() {
    const [[x0, y0], [x1, y1]] = this.corners;
    return [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  }

  key(event) {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (event.key === 'Enter' && this.picture) {
      if (this.corners) this.give();
      else this.begin([[0.4, 0.3], [0.6, 0.7]].map(([x, y]) => [x * this.size[0], y * this.size[1]]), true);
    } else if (way && this.byKeys && this.corners) {
      this.shift(way.map((step) => step * this.size[0] / 64), event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  }

  // Move the box, or with shift its lower right corner; it stays inside the image.
  shift(step, sizing) {
    const moved = this.corners.map((corner, i) => corner.map(
      (value, axis) => value + (sizing && i === 0 ? 0 : step[axis])));
    const inside = moved.every((corner) => corner.every(
      (value, axis) => value >= 0 && value <= this.size[axis]));
    const [a, b] = moved;
    if (!inside || b[0] - a[0] < this.size[0] / 64 || b[1] - a[1] < this.size[0] / 64) return;
    this.corners = moved;
    this.draw();
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!this.picture) return;
    const pen = canvas.getContext('2d');
    pen.drawImage(this.picture, 0, 0, canvas.width, canvas.height);
    pen.scale(canvas.width / this.size[0], canvas.height / this.size[1]);
    const unit = this.size[0] / canvas.clientWidth;
    if (this.corners) {
      this.rectangle(pen, this.box, '#ffffff', unit, [6 * unit, 4 * unit]);
    } else if (this.header.box) {
      const {xywh, state, measured} = this.header.box;
      const dash = measured && state !== 'LOST' ? [] : [8 * unit, 6 * unit];
      this.rectangle(pen, xywh, TONES[state] ?? '#a4b0bd', unit, dash);
    }
  }

  // A dark line below a bright one, so that it is seen on every picture.
  rectangle(pen, [x, y, w, h], colour, unit, dash) {
    pen.lineJoin = 'round';
    for (const [tone, width, dashes] of [['#000b', 6, []], [colour, 3, dash]]) {
      pen.strokeStyle = tone;
      pen.lineWidth = width * unit;
      pen.setLineDash(dashes);
      pen.strokeRect(x, y, w, h);
    }
  }
}
