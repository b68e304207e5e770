// Live bytes and footprint over the events of the tape, and the place where one stands.

import { bytes, count } from './format.js';
import { colour } from './palette.js';

/** Width of the column of sizes, and height of the row of event numbers, in CSS pixels. */
const [AXIS, BASE, TOP] = [64, 18, 8];

/** A round step so that about `wanted` of them fill `span`: 1, 2 or 5 times a power of ten, or a power of two for bytes. */
function step(span, wanted, binary) {
  const rough = Math.max(1, span / wanted);
  if (binary) return 2 ** Math.round(Math.log2(rough));
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
}

export class Timeline {
  #canvas;
  #context;
  #events = 0;
  #course = { width: 1, live: [], footprint: [] };
  #marks = [];
  #position = 0;
  #hover = null;
  /** Called with an event number when one scrubs. */
  onScrub = () => {};

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    this.#listen();
  }

  /** A tape of `events` events with marks `[event, name]`. */
  reset(events, marks) {
    this.#events = events;
    this.#marks = marks;
    this.#course = { width: 1, live: [], footprint: [] };
  }

  set course(course) {
    this.#course = course;
    this.draw();
  }

  set position(position) {
    this.#position = position;
    this.draw();
  }

  get #room() {
    const box = this.#canvas.parentElement;
    return { width: Math.max(40, box.clientWidth - AXIS - 8), height: Math.max(20, box.clientHeight - BASE - TOP) };
  }

  #x(event) {
    return AXIS + (event / Math.max(1, this.#events)) * this.#room.width;
  }

  draw() {
    const [canvas, context] = [this.#canvas, this.#context];
    const { width, height } = this.#room;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.parentElement.clientWidth * ratio);
    canvas.height = Math.round(canvas.parentElement.clientHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = '11px system-ui, sans-serif';
    const { live, footprint } = this.#course;
    let most = 1;
    for (const value of live) most = Math.max(most, value);
    for (const value of footprint) most = Math.max(most, value);
    const y = (value) => TOP + height - (value / (most * 1.04)) * height;
    this.#grid(most, y);
    this.#area(live, y);
    this.#line(footprint, y);
    this.#drawMarks(height);
    if (this.#hover !== null) this.#tip(y);
    const here = this.#x(this.#position);
    context.strokeStyle = colour('--ink');
    context.fillStyle = colour('--ink');
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(here, TOP - 4);
    context.lineTo(here, TOP + height);
    context.stroke();
    context.beginPath();
    context.arc(here, TOP - 2, 4, 0, 7);
    context.fill();
    this.#width = width;
  }

  #width = 0;

  #grid(most, y) {
    const context = this.#context;
    const { width, height } = this.#room;
    context.strokeStyle = colour('--edge');
    context.fillStyle = colour('--muted');
    context.lineWidth = 1;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const rise = step(most, 4, true);
    for (let value = 0; value <= most; value += rise) {
      const at = Math.round(y(value)) + 0.5;
      context.beginPath();
      context.moveTo(AXIS, at);
      context.lineTo(AXIS + width, at);
      context.stroke();
      context.fillText(bytes(value), AXIS - 8, at);
    }
    context.textBaseline = 'alphabetic';
    context.textAlign = 'center';
    const stride = step(this.#events, Math.max(2, width / 130), false);
    for (let event = 0; event <= this.#events; event += stride) {
      context.textAlign = event === 0 ? 'left' : this.#x(event) > AXIS + width - 30 ? 'right' : 'center';
      context.fillText(count(event), this.#x(event), TOP + height + 14);
    }
  }

  /** The middle of each bucket. */
  #points(values) {
    const { width } = this.#course;
    return Array.from(values, (value, bucket) => [this.#x(Math.min(this.#events, (bucket + 0.5) * width)), value]);
  }

  #area(values, y) {
    const context = this.#context;
    const points = this.#points(values);
    if (points.length === 0) return;
    context.beginPath();
    context.moveTo(AXIS, y(0));
    for (const [x, value] of points) context.lineTo(x, y(value));
    context.lineTo(this.#x(this.#events), y(0));
    context.closePath();
    context.globalAlpha = 0.3;
    context.fillStyle = colour('--in-use');
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = colour('--in-use');
    context.lineWidth = 1.5;
    context.beginPath();
    points.forEach(([x, value], index) => (index === 0 ? context.moveTo(x, y(value)) : context.lineTo(x, y(value))));
    context.stroke();
  }

  #line(values, y) {
    const context = this.#context;
    context.strokeStyle = colour('--footprint');
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.beginPath();
    this.#points(values).forEach(([x, value], index) => (index === 0 ? context.moveTo(x, y(value)) : context.lineTo(x, y(value))));
    context.stroke();
  }

  #drawMarks(height) {
    const context = this.#context;
    context.strokeStyle = colour('--muted');
    context.fillStyle = colour('--muted');
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.textAlign = 'left';
    let free = 0;
    for (const [event, name] of this.#marks) {
      const x = Math.round(this.#x(event)) + 0.5;
      context.beginPath();
      context.moveTo(x, TOP);
      context.lineTo(x, TOP + height);
      context.stroke();
      // A name that would overlap the one before it is left out; its line stays.
      if (x >= free) {
        context.fillText(name, x + 4, TOP + 9);
        free = x + 12 + context.measureText(name).width;
      }
    }
    context.setLineDash([]);
  }

  #tip(y) {
    const context = this.#context;
    const bucket = Math.min(this.#course.live.length - 1, Math.floor(this.#hover / this.#course.width));
    const [live, footprint] = [this.#course.live[bucket], this.#course.footprint[bucket]];
    if (live === undefined) return;
    const text = `${count(this.#hover)}: ${bytes(live)} live` + (footprint > 0 ? `, ${bytes(footprint)} footprint` : '');
    const x = this.#x(this.#hover);
    const width = context.measureText(text).width + 16;
    const left = Math.max(AXIS, Math.min(x + 10, AXIS + this.#room.width - width));
    context.strokeStyle = colour('--muted');
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, TOP);
    context.lineTo(x, TOP + this.#room.height);
    context.stroke();
    context.fillStyle = colour('--in-use');
    context.beginPath();
    context.arc(x, y(live), 3.5, 0, 7);
    context.fill();
    context.fillStyle = colour('--raised');
    context.strokeStyle = colour('--edge');
    context.beginPath();
    context.roundRect(left, TOP + 2, width, 20, 6);
    context.fill();
    context.stroke();
    context.fillStyle = colour('--ink');
    context.textAlign = 'left';
    context.fillText(text, left + 8, TOP + 16);
  }

  #listen() {
    const canvas = this.#canvas;
    let scrubbing = false;
    const at = (event) => {
      const x = event.clientX - canvas.getBoundingClientRect().left - AXIS;
      return Math.max(0, Math.min(this.#events, Math.round((x / this.#room.width) * this.#events)));
    };
    canvas.addEventListener('pointerdown', (event) => {
      scrubbing = true;
      canvas.setPointerCapture(event.pointerId);
      this.onScrub(at(event));
    });
    canvas.addEventListener('pointermove', (event) => {
      this.#hover = at(event);
      if (scrubbing) this.onScrub(this.#hover);
      else this.draw();
    });
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { scrubbing = false; });
    canvas.addEventListener('pointerleave', () => {
      this.#hover = null;
      this.draw();
    });
  }
}
