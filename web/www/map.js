// The heap map: cells in reading order, painted by the module, scaled here; zoom, pan, outlines, and words from close by.
//
// A row is a power of two of bytes, so addresses at its start are round. Zooming halves the bytes of a cell down to a word
// of 8 bytes, then the cells of a row, until a word is wide enough to be read.

import { bytes } from './format.js';
import { bindGestures } from './gestures.js';
import { AXIS, drawOverlay } from './overlay.js';
import { colour } from './palette.js';

/** Bytes of the finest cell: the alignment of headers. */
const WORD = 8;
/** A word of this width, in CSS pixels, has room for its field. */
const READABLE = 76;

export class HeapMap {
  #base;
  #overlay;
  #extent = 65536;
  #zoom = 0;
  #from = 0;
  #shown = null;
  /** What is drawn on top: `{ position, bytes, colour }`. */
  outlines = [];
  /** Arenas and spans, and what is to be read from close by. */
  regions = [];
  close = null;
  /** Called when another window is to be painted. */
  onWindow = () => {};
  /** Called with a position under the pointer, or null. */
  onHover = () => {};
  /** Called with a position that was clicked, or null. */
  onClick = () => {};

  constructor(box, label) {
    this.#base = box.querySelector('.cells');
    this.#overlay = box.querySelector('.overlay');
    this.box = box;
    this.label = label;
    new ResizeObserver(() => this.onWindow()).observe(box);
    this.#listen();
  }

  /** Bytes of address space that the whole map covers. */
  set extent(top) {
    this.#extent = Math.max(4096, top);
  }

  get zoomLevel() {
    return this.#zoom;
  }

  get from() {
    return this.#from;
  }

  get #room() {
    return { width: Math.max(40, this.box.clientWidth - AXIS), height: Math.max(24, this.box.clientHeight) };
  }

  /** What a zoom level shows: bytes of a cell, cells of a row, and the size of a cell in CSS pixels. */
  #level(zoom) {
    const { width, height } = this.#room;
    const most = 2 ** Math.max(4, Math.floor(Math.log2(width / 3)));
    let cell = WORD;
    while (cell * most * Math.floor(height / 3) < this.#extent) cell *= 2;
    const rows = Math.ceil(this.#extent / (cell * most));
    let columns = most;
    let tall = Math.max(3, Math.min(16, height / rows));
    for (let left = zoom; left > 0; left -= 1) {
      if (cell > WORD) cell /= 2;
      else if (width / columns < READABLE && columns > 2) columns /= 2;
      else break;
      tall = Math.max(tall, Math.min(8, tall * 1.3));
    }
    const wide = width / columns;
    if (cell === WORD && columns < most) tall = Math.max(tall, Math.min(34, 8 + wide / 3));
    return { cell, columns, wide, tall, rows: Math.max(1, Math.floor(height / tall)), words: cell === WORD && wide >= READABLE };
  }

  get #grid() {
    return this.#level(this.#zoom);
  }

  /** The window to paint. */
  get window() {
    const { cell, columns, rows, words } = this.#grid;
    const line = cell * columns;
    const last = Math.max(0, Math.ceil(this.#extent / line) - rows) * line;
    this.#from = Math.min(last, Math.max(0, Math.floor(this.#from / line) * line));
    return { from: this.#from, cell, columns, rows, words };
  }

  /** One line on the scale. */
  get scale() {
    const { cell, columns } = this.#grid;
    return `1 cell ${bytes(cell)} · 1 row ${bytes(cell * columns)}`;
  }

  /** Shows pixels that were painted for the window's rows from `top` on; what was painted before still holds for the others. */
  show(window, pixels, top) {
    if (pixels) this.#paint(window, pixels, top);
    const { wide, tall } = this.#grid;
    this.#base.style.width = `${window.columns * wide}px`;
    this.#base.style.height = `${window.rows * tall}px`;
    this.#shown = window;
    // Where all is in view a finger moves the page, not the map.
    this.#overlay.classList.toggle('whole', window.from === 0 && window.rows * window.columns * window.cell >= this.#extent);
    this.#drawOverlay(window);
  }

  #paint({ columns, rows }, pixels, top) {
    if (this.#base.width !== columns || this.#base.height !== rows) {
      this.#base.width = columns;
      this.#base.height = rows;
    }
    const data = new ImageData(new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength), columns);
    this.#base.getContext('2d').putImageData(data, 0, top);
  }

  #drawOverlay(window) {
    const canvas = this.#overlay;
    const context = canvas.getContext('2d');
    const ratio = devicePixelRatio;
    const { width, height } = this.#room;
    const [across, down] = [Math.round((width + AXIS) * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down) {
      canvas.width = across;
      canvas.height = down;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width + AXIS, height);
    this.#drawOn(context, window);
  }

  #drawOn(context, window) {
    const { regions, close, outlines } = this;
    drawOverlay(context, window, this.#grid, { regions, close, outlines, extent: this.#extent });
  }

  /** The map as it is shown, as a picture of its own. */
  async picture() {
    const { width, height } = this.#room;
    const ratio = Math.max(2, devicePixelRatio);
    const canvas = new OffscreenCanvas((width + AXIS) * ratio, height * ratio);
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.fillStyle = colour('--panel');
    context.fillRect(0, 0, width + AXIS, height);
    context.imageSmoothingEnabled = false;
    const { wide, tall } = this.#grid;
    context.drawImage(this.#base, AXIS, 0, this.#base.width * wide, this.#base.height * tall);
    if (this.#shown) this.#drawOn(context, this.#shown);
    return canvas.convertToBlob({ type: 'image/png' });
  }

  /** The position under a point of the page, or null. */
  #position({ clientX, clientY }) {
    const box = this.#overlay.getBoundingClientRect();
    const { wide, tall, cell, columns, rows } = this.#grid;
    const column = Math.floor((clientX - box.left - AXIS) / wide);
    const row = Math.floor((clientY - box.top) / tall);
    if (column < 0 || column >= columns || row < 0 || row >= rows) return null;
    return this.#from + (row * columns + column) * cell;
  }

  /** Where in the page a position is drawn, in CSS pixels, or null when it is out of view. */
  middleOf(position) {
    const { wide, tall, cell, columns, rows } = this.#grid;
    const index = Math.floor((position - this.#from) / cell);
    if (index < 0 || index >= columns * rows) return null;
    const box = this.#overlay.getBoundingClientRect();
    return [box.left + AXIS + ((index % columns) + 0.5) * wide, box.top + (Math.floor(index / columns) + 0.5) * tall];
  }

  /** Goes to a zoom level and a first position. */
  goTo(zoom, from) {
    this.#zoom = Math.max(0, Math.min(40, zoom));
    this.#from = from;
  }

  /** Brings a position into view, zoomed at least so far that its block can be seen. */
  reveal(position, length) {
    let zoom = this.#zoom;
    const fine = () => this.#level(zoom).cell <= Math.max(WORD, length / 2) || this.#level(zoom + 1).cell === this.#level(zoom).cell;
    while (!fine() && zoom < 40) zoom += 1;
    const { cell, columns, rows } = this.#level(zoom);
    const line = cell * columns;
    const inside = zoom === this.#zoom && position >= this.#from && position < this.#from + line * rows;
    this.#zoom = zoom;
    if (!inside) this.#from = (Math.floor(position / line) - Math.floor(rows / 3)) * line;
    this.onWindow();
  }

  /** Zooms by `steps`; what lies at `position` stays in view. */
  zoom(steps, position) {
    const before = this.#grid;
    // A place out of view comes to its middle.
    const [row, middle] = [Math.floor((position - this.#from) / (before.cell * before.columns)), before.rows / 2];
    const pixels = (row >= 0 && row < before.rows ? row : middle) * before.tall;
    const wanted = Math.max(0, Math.min(40, this.#zoom + steps));
    const after = this.#level(wanted);
    // Beyond the widest word there is nothing to see.
    if (steps > 0 && after.cell === before.cell && after.columns === before.columns) return;
    this.#zoom = wanted;
    const line = after.cell * after.columns;
    this.#from = (Math.floor(position / line) - Math.floor(pixels / after.tall)) * line;
    this.onWindow();
  }

  /** The whole heap. */
  fit() {
    this.goTo(0, 0);
    this.onWindow();
  }

  /** Moves by rows. */
  scroll(rows) {
    const { cell, columns } = this.#grid;
    this.#from += rows * cell * columns;
    this.onWindow();
  }

  /** Moves by most of what is shown. */
  page(direction) {
    this.scroll(direction * Math.max(1, Math.floor(this.#grid.rows * 0.8)));
  }

  #listen() {
    const here = this;
    bindGestures(this.#overlay, {
      position: (point) => here.#position(point),
      get rowHeight() { return here.#grid.tall; },
      scroll: (rows) => here.scroll(rows),
      zoom: (steps, position) => here.zoom(steps, position),
      hover: (position) => here.onHover(position),
      click: (position) => here.onClick(position),
    });
  }
}
