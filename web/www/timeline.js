// The chart below the map: drawn by the module, with the cursor, the tip and scrubbing on top.

import { count } from './format.js';
import { isDark } from './palette.js';

const byId = (id) => document.getElementById(id);

/** Width of the slider's thumb, as the style sheet has it, in CSS pixels. */
const THUMB = 16;

/** How far a finger goes aside before it scrubs, in CSS pixels. */
const ASIDE = 8;

/** Shows a picture that the worker drew for a canvas. */
export function showBitmap(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('bitmaprenderer').transferFromImageBitmap(bitmap);
}

export class Timeline {
  #box = byId('timeline-box');
  #canvas = byId('timeline');
  #cursor = byId('cursor');
  #tip = byId('tip');
  #session = null;
  #plot = null;
  #position = 0;
  #drawing = null;
  #stale = false;
  #hover = null;
  #asking = false;
  /** Which chart it is, and whether of the heap's own life only, if that is short. */
  what = 'heap';
  life = true;
  /** Called with an event number when one scrubs. */
  onScrub = () => {};

  constructor() {
    new ResizeObserver(() => this.draw()).observe(this.#box);
    this.#listen();
  }

  set session(session) {
    this.#session = session;
    this.#plot = null;
  }

  set position(position) {
    this.#position = position;
    this.#place();
  }

  get size() {
    return { width: this.#box.clientWidth, height: this.#box.clientHeight };
  }

  /** Where an event stands, in CSS pixels of the box. */
  x(event) {
    const { left, right, from, to } = this.#plot;
    return left + ((event - from) / Math.max(1, to - from)) * (right - left);
  }

  #place() {
    if (!this.#plot) return;
    const { top, bottom, left, right, from, to } = this.#plot;
    this.#cursor.hidden = this.#position < from || this.#position > to;
    this.#cursor.style.transform = `translate(${this.x(this.#position)}px, ${top - 6}px)`;
    this.#cursor.style.height = `${bottom - top + 6}px`;
    // The slider's thumb stands below the cursor: its way is shorter than the slider by the thumb's width.
    const scrub = byId('scrub');
    scrub.style.marginLeft = `${left - THUMB / 2}px`;
    scrub.style.width = `${right - left + THUMB}px`;
    [scrub.min, scrub.max, scrub.value] = [from, to, this.#position];
  }

  /** Draws the chart again; calls that come meanwhile are one. */
  draw() {
    this.#stale = true;
    this.#drawing ??= this.#drawAll().finally(() => { this.#drawing = null; });
    return this.#drawing;
  }

  async #drawAll() {
    while (this.#stale && this.#session) {
      this.#stale = false;
      const { width, height } = this.size;
      if (width < 40 || height < 20) return;
      const session = this.#session;
      const { bitmap, plot } = await session.chart({ what: this.what, life: this.life, width, height, ratio: devicePixelRatio, dark: isDark() });
      if (session !== this.#session) return;
      showBitmap(this.#canvas, bitmap);
      this.#plot = plot;
      this.#place();
    }
  }

  async #showTip() {
    if (this.#hover === null || !this.#plot || this.#asking) return;
    this.#asking = true;
    const [event, session] = [this.#hover, this.#session];
    try {
      const values = await session.chartAt(this.what, event, this.life);
      if (this.#hover === null || session !== this.#session) return;
      const figure = (name, value) => `${name} ${this.#figure(value)}`;
      this.#tip.textContent = [`#${count(event)}`, ...values.map(([name, value]) => figure(name, value))].join(' · ');
      this.#tip.hidden = false;
      const x = Math.min(this.x(event) + 10, this.size.width - this.#tip.offsetWidth - 4);
      this.#tip.style.transform = `translate(${Math.max(0, x)}px, ${this.#plot.top + 4}px)`;
    } finally {
      this.#asking = false;
    }
    if (this.#hover !== null && this.#hover !== event) await this.#showTip();
  }

  #figure(value) {
    if (this.what === 'rate' || this.what === 'splits') return count(Math.round(value));
    const [sign, size] = value < 0 ? ['−', -value] : ['', value];
    const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, size)) / 10));
    return `${sign}${(size / 1024 ** unit).toPrecision(3)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
  }

  #listen() {
    const box = this.#box;
    /** Where the pointer that scrubs went down, and whether it scrubs already. */
    let down = null;
    const at = (event) => {
      const { left, right, from, to } = this.#plot;
      const x = event.clientX - box.getBoundingClientRect().left;
      const share = Math.max(0, Math.min(1, (x - left) / (right - left)));
      return Math.round(from + share * (to - from));
    };
    box.addEventListener('pointerdown', (event) => {
      if (!this.#plot) return;
      // A finger may be about to move the page; what it is for shows as it goes aside or is lifted.
      down = { x: event.clientX, scrubs: event.pointerType !== 'touch' };
      box.setPointerCapture(event.pointerId);
      if (down.scrubs) this.onScrub(at(event));
    });
    box.addEventListener('pointermove', (event) => {
      if (!this.#plot) return;
      this.#hover = at(event);
      if (down && Math.abs(event.clientX - down.x) > ASIDE) down.scrubs = true;
      if (down?.scrubs) this.onScrub(this.#hover);
      this.#showTip();
    });
    box.addEventListener('pointerup', (event) => {
      if (down && this.#plot) this.onScrub(at(event));
      down = null;
    });
    box.addEventListener('pointercancel', () => { down = null; });
    box.addEventListener('pointerleave', () => {
      this.#hover = null;
      this.#tip.hidden = true;
    });
  }
}
