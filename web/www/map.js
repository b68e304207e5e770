// The heap map: cells in reading order, drawn by the module, scaled here; zoom, pan, and outlines of blocks.

import { address, bytes } from './format.js';
import { colour } from './palette.js';

/** Width of the column of addresses, in CSS pixels. */
const AXIS = 84;
/** Fewest bytes of a cell: the alignment of headers. */
const FINEST = 8;
/** Least and most CSS pixels of a cell. */
const [SMALL, LARGE] = [3, 18];

export class HeapMap {
  #canvas;
  #context;
  #image = new OffscreenCanvas(1, 1);
  #extent = 65536;
  #zoom = 0;
  #from = 0;
  #outlines = [];
  /** Called when another window is to be painted. */
  onWindow = () => {};
  /** Called with a position under the pointer, or null. */
  onHover = () => {};
  /** Called with a position that was clicked. */
  onClick = () => {};

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    new ResizeObserver(() => this.onWindow()).observe(canvas.parentElement);
    this.#listen();
  }

  /** Bytes of address space that the whole map covers. */
  set extent(top) {
    this.#extent = Math.max(65536, top);
  }

  get #room() {
    const box = this.#canvas.parentElement;
    return { width: Math.max(40, box.clientWidth - AXIS), height: Math.max(20, box.clientHeight) };
  }

  /** Size and bytes of a cell: the whole heap fills the room at zoom 0; each further step halves the bytes, then
   * doubles the size. */
  get #grid() {
    const { width, height } = this.#room;
    const fits = (size, cell) => Math.floor(width / size) * Math.floor(height / size) * cell >= this.#extent;
    let cell = FINEST;
    while (!fits(SMALL, cell)) cell *= 2;
    // Quarters between the powers of two, so that the heap fills the room.
    if (cell >= 8 * FINEST) cell = [5, 6, 7, 8].map((quarters) => (cell / 8) * quarters).find((finer) => fits(SMALL, finer));
    let size = SMALL;
    while (size < LARGE && fits(size + 1, cell)) size += 1;
    let zoom = this.#zoom;
    if (zoom > 0) cell = 2 ** Math.floor(Math.log2(cell));
    for (; zoom > 0 && cell > FINEST; zoom -= 1) cell /= 2;
    if (zoom > 0) size = Math.min(LARGE, size * 2 ** zoom);
    return { size, cell, columns: Math.floor(width / size), rows: Math.floor(height / size) };
  }

  /** The window to paint. */
  get window() {
    const { cell, columns, rows } = this.#grid;
    const line = cell * columns;
    const last = Math.max(0, Math.ceil(this.#extent / line) - rows) * line;
    this.#from = Math.min(last, Math.max(0, Math.round(this.#from / line) * line));
    return { from: this.#from, cell, columns, rows };
  }

  /** One line on the scale. */
  get scale() {
    return `1 cell = ${bytes(this.#grid.cell)}`;
  }

  get zoomed() {
    return this.#zoom > 0;
  }

  /** Shows pixels that were painted for `window`. */
  show(window, pixels) {
    const { columns, rows } = window;
    this.#image.width = columns;
    this.#image.height = rows;
    const data = new ImageData(new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength), columns, rows);
    this.#image.getContext('2d').putImageData(data, 0, 0);
    this.#draw(window);
  }

  /** Outlines parts of the heap: `{ position, bytes, colour }`. Takes effect with the next `show`. */
  set outlines(list) {
    this.#outlines = list;
  }

  #draw(window) {
    const [canvas, context] = [this.#canvas, this.#context];
    const { size } = this.#grid;
    const ratio = devicePixelRatio;
    const { width, height } = this.#room;
    canvas.width = Math.round((width + AXIS) * ratio);
    canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#image, AXIS, 0, window.columns * size, window.rows * size);
    if (size >= 6) this.#gridLines(window, size);
    for (const outline of this.#outlines) this.#outline(window, size, outline);
    this.#axis(window, size);
  }

  #gridLines({ columns, rows }, size) {
    const context = this.#context;
    context.strokeStyle = colour('--panel');
    context.lineWidth = 1;
    context.beginPath();
    for (let column = 0; column <= columns; column += 1) {
      context.moveTo(AXIS + column * size - 0.5, 0);
      context.lineTo(AXIS + column * size - 0.5, rows * size);
    }
    for (let row = 0; row <= rows; row += 1) {
      context.moveTo(AXIS, row * size - 0.5);
      context.lineTo(AXIS + columns * size, row * size - 0.5);
    }
    context.stroke();
  }

  #axis({ from, cell, columns, rows }, size) {
    const context = this.#context;
    context.fillStyle = colour('--muted');
    context.font = `11px ${getComputedStyle(this.#canvas).getPropertyValue('--mono')}`;
    context.textBaseline = 'middle';
    const every = Math.max(1, Math.ceil(44 / size));
    for (let row = 0; row < rows; row += every) {
      const position = from + row * columns * cell;
      if (position >= this.#extent) break;
      context.fillText(address(position), 0, Math.max(6, (row + 0.5) * size));
    }
  }

  /** A range of cells in reading order is up to three rectangles; its outline is the border of their union. */
  #outline({ from, cell, columns, rows }, size, { position, bytes: length, colour: name }) {
    const first = Math.floor((position - from) / cell);
    const last = Math.floor((position + Math.max(1, length) - 1 - from) / cell);
    if (last < 0 || first >= columns * rows) return;
    const [x, y] = [(index) => AXIS + (index % columns) * size, (index) => Math.floor(index / columns) * size];
    const [start, end] = [Math.max(0, first), Math.min(columns * rows - 1, last)];
    const [left, right] = [AXIS, AXIS + columns * size];
    const [top, bottom, from0, to0] = [y(start), y(end) + size, x(start), x(end) + size];
    const context = this.#context;
    const path = new Path2D();
    const lines = Math.floor(end / columns) - Math.floor(start / columns);
    if (lines === 0) {
      path.rect(from0, top, to0 - from0, size);
    } else if (lines === 1 && to0 <= from0) {
      path.rect(from0, top, right - from0, size);
      path.rect(left, top + size, to0 - left, size);
    } else {
      path.moveTo(from0, top);
      for (const [px, py] of [[right, top], [right, bottom - size], [to0, bottom - size], [to0, bottom], [left, bottom], [left, top + size], [from0, top + size]]) path.lineTo(px, py);
      path.closePath();
    }
    context.strokeStyle = colour('--panel');
    context.lineWidth = 4;
    context.stroke(path);
    context.strokeStyle = colour(name);
    context.lineWidth = 2;
    context.stroke(path);
  }

  /** The position under a pointer event, or null. */
  #position(event) {
    const box = this.#canvas.getBoundingClientRect();
    const { size, cell, columns, rows } = this.#grid;
    const column = Math.floor((event.clientX - box.left - AXIS) / size);
    const row = Math.floor((event.clientY - box.top) / size);
    if (column < 0 || column >= columns || row < 0 || row >= rows) return null;
    return this.#from + (row * columns + column) * cell;
  }

  /** Where in the window a position is drawn, in CSS pixels, or null when it is out of view. */
  middleOf(position) {
    const { size, cell, columns, rows } = this.#grid;
    const index = Math.floor((position - this.#from) / cell);
    if (index < 0 || index >= columns * rows) return null;
    const box = this.#canvas.getBoundingClientRect();
    return [box.left + AXIS + ((index % columns) + 0.5) * size, box.top + (Math.floor(index / columns) + 0.5) * size];
  }

  /** Zooms by `steps`; what lies at `position` stays in view. */
  zoom(steps, position) {
    const before = this.#grid;
    // A place out of view comes to its middle.
    const [row, middle] = [Math.floor((position - this.#from) / (before.cell * before.columns)), before.rows / 2];
    const pixels = (row >= 0 && row < before.rows ? row : middle) * before.size;
    this.#zoom = Math.max(0, Math.min(24, this.#zoom + steps));
    const after = this.#grid;
    // Beyond the largest cell there is nothing to see.
    if (after.size === before.size && after.cell === before.cell && steps > 0) this.#zoom -= steps;
    const line = after.cell * after.columns;
    this.#from = (Math.floor(position / line) - Math.floor(pixels / after.size)) * line;
    this.onWindow();
  }

  /** The whole heap. */
  fit() {
    this.#zoom = 0;
    this.#from = 0;
    this.onWindow();
  }

  /** Moves by rows. */
  scroll(rows) {
    const { cell, columns } = this.#grid;
    this.#from += rows * cell * columns;
    this.onWindow();
  }

  #listen() {
    const canvas = this.#canvas;
    let drag = null;
    canvas.addEventListener('pointermove', (event) => {
      if (drag) {
        const { size } = this.#grid;
        const rows = Math.round((drag.y - event.clientY) / size);
        if (rows !== 0) {
          drag.y = event.clientY;
          drag.moved = true;
          canvas.classList.add('dragging');
          this.scroll(rows);
        }
      }
      this.onHover(this.#position(event));
    });
    canvas.addEventListener('pointerdown', (event) => {
      drag = { y: event.clientY, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointerup', (event) => {
      canvas.classList.remove('dragging');
      if (drag && !drag.moved) this.onClick(this.#position(event));
      drag = null;
    });
    canvas.addEventListener('pointercancel', () => { drag = null; });
    canvas.addEventListener('pointerleave', () => this.onHover(null));
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const position = this.#position(event);
      if (position !== null && event.deltaY !== 0) this.zoom(event.deltaY < 0 ? 1 : -1, position);
    }, { passive: false });
  }
}
