// Four small charts of the last minute; gaps where a value is not known.

const SPAN_S = 60;
const GAP_S = 1.5;

export const CHARTS = {
  confidence: {top: 1, text: (v) => v.toFixed(2)},
  range: {top: 2, text: (v) => `${v.toFixed(2)} m`},
  age: {top: 0.2, text: (v) => `${Math.round(v * 1000)} ms`},
  rate: {top: 10, text: (v) => `${v.toFixed(1)} Hz`},
};

export class Charts {
  constructor() {
    this.samples = [];
    this.canvases = Object.fromEntries(Object.keys(CHARTS).map(
      (name) => [name, document.querySelector(`[data-chart="${name}"]`)]));
    this.outputs = Object.fromEntries(Object.keys(CHARTS).map(
      (name) => [name, document.getElementById(name)]));
    addEventListener('resize', () => this.draw());
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => this.draw());
  }

  fill(history) {
    this.samples = history;
    this.draw();
  }

  add(sample) {
    this.samples.push(sample);
    while (sample.time - this.samples[0].time > SPAN_S) this.samples.shift();
    for (const [name, output] of Object.entries(this.outputs)) {
      const value = sample[name];
      output.textContent = value === null ? '–' : CHARTS[name].text(value);
    }
    this.draw();
  }

  draw() {
    if (this.planned || document.hidden) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = null;
      for (const name of Object.keys(CHARTS)) this.chart(name);
    });
  }

  chart(name) {
    const canvas = this.canvases[name], ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const style = getComputedStyle(canvas);
    this.grid(pen, width, height, style);
    if (!this.samples.length) return;
    const top = this.scale(name), end = this.samples[this.samples.length - 1].time;
    const points = this.samples.map((sample) => ({
      time: sample.time, state: sample.state, known: sample[name] !== null,
      x: width * (1 - (end - sample.time) / SPAN_S),
      y: 2 + (height - 4) * (1 - Math.min(1, Math.max(0, sample[name]) / top))}));
    this.line(pen, points, height, style);
    pen.fillStyle = style.getPropertyValue('--soft');
    pen.font = `10px ${style.fontFamily}`;
    pen.fillText(CHARTS[name].text(top), 3, 11);
  }

  // The top of the scale: a round number above all values, so that it seldom jumps.
  scale(name) {
    const largest = Math.max(...this.samples.map((sample) => sample[name] ?? 0));
    let top = CHARTS[name].top;
    while (top < largest && top < 1e6) top *= 2;
    return top;
  }

  grid(pen, width, height, style) {
    pen.strokeStyle = style.getPropertyValue('--line');
    pen.lineWidth = 1;
    pen.beginPath();
    for (let second = 0; second <= SPAN_S; second += 15) {
      const x = Math.min(width - 0.5, Math.round(width * second / SPAN_S) + 0.5);
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
    }
    pen.moveTo(0, height - 0.5);
    pen.lineTo(width, height - 0.5);
    pen.stroke();
  }

  line(pen, points, height, style) {
    const tones = {TRACKING: '--good', UNCERTAIN: '--warn', LOST: '--bad', RELOCALISED: '--info'};
    pen.lineWidth = 2;
    pen.lineJoin = 'round';
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1], points[i]];
      if (!a.known || !b.known || b.time - a.time > GAP_S) continue;
      pen.strokeStyle = style.getPropertyValue(tones[b.state] ?? '--idle');
      pen.beginPath();
      pen.moveTo(a.x, a.y);
      pen.lineTo(b.x, b.y);
      pen.stroke();
    }
  }
}
