// What is drawn over the cells of the map: grid, arenas, words, outlines, addresses.
//
// Each function takes the window (`from`, `cell`, `columns`, `rows`) and the size of a cell (`wide`, `tall`) in CSS pixels.

import { address, count } from './format.js';
import { colour } from './palette.js';

/** Width of the column of addresses, in CSS pixels. */
export const AXIS = 92;

/** All of it. `shown` has `regions`, `close` (fields and blocks, or null), `outlines` and `extent`. */
export function drawOverlay(context, window, grid, shown) {
  if (grid.wide >= 12 && grid.tall >= 8) gridLines(context, window, grid);
  regionLines(context, shown.regions, window, grid);
  if (shown.close) words(context, shown.close, window, grid);
  for (const one of shown.outlines) outline(context, window, grid, one);
  axis(context, shown.extent, window, grid);
}

function gridLines(context, { columns, rows }, { wide, tall }) {
  context.strokeStyle = colour('--panel');
  context.lineWidth = 1;
  context.beginPath();
  for (let column = 0; column <= columns; column += 1) {
    const x = Math.round(AXIS + column * wide) - 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, rows * tall);
  }
  for (let row = 0; row <= rows; row += 1) {
    const y = Math.round(row * tall) - 0.5;
    context.moveTo(AXIS, y);
    context.lineTo(AXIS + columns * wide, y);
  }
  context.stroke();
}

/** A notch where an arena or a span begins, and a line beside the addresses as far as it goes. */
function regionLines(context, regions, { from, cell, columns, rows }, { wide, tall }) {
  const line = cell * columns;
  const end = from + line * rows;
  regions.forEach((region, index) => {
    if (region.position >= end || region.position + region.bytes <= from) return;
    const first = (region.position - from) / line;
    const last = (region.position + region.bytes - from) / line;
    context.fillStyle = colour(region.arena ? '--arena' : '--span');
    context.globalAlpha = index % 2 === 0 ? 1 : 0.55;
    const [top, bottom] = [Math.max(0, first) * tall, Math.min(rows, last) * tall];
    context.fillRect(AXIS - 7, top, 4, Math.max(1.5, bottom - top - 0.5));
    context.globalAlpha = 1;
    if (first < 0 || bottom - top < 3 * tall) return;
    const x = AXIS + ((region.position % line) / cell) * wide;
    context.fillRect(x - 0.5, Math.floor(first) * tall, 1.5, tall);
  });
}

function axis(context, extent, { from, cell, columns, rows }, { tall }) {
  context.fillStyle = colour('--muted');
  context.font = '11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const every = 2 ** Math.max(0, Math.ceil(Math.log2(26 / tall)));
  const line = columns * cell;
  // Round addresses, wherever the window begins.
  const start = (every - (Math.floor(from / line) % every)) % every;
  for (let row = start; row < rows; row += every) {
    const position = from + row * line;
    if (position >= extent) break;
    context.fillText(address(position), 4, Math.max(6, (row + 0.5) * tall));
  }
}

/** Fields of headers, and whose the blocks are. */
function words(context, close, { from, cell, columns, rows }, { wide, tall }) {
  const place = (position) => {
    const index = Math.floor((position - from) / cell);
    return [AXIS + (index % columns) * wide, Math.floor(index / columns) * tall, index >= 0 && index < columns * rows];
  };
  context.save();
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  for (const { position, bytes: width, name, meaning } of close.fields) {
    const [x, y, seen] = place(position);
    if (!seen) continue;
    const [left, room] = [x + ((position % cell) / cell) * wide, (width / cell) * wide];
    context.save();
    context.beginPath();
    context.rect(left + 1, y, room - 2, tall);
    context.clip();
    context.fillStyle = colour('--header-ink');
    // A narrow field has room for the first thing that it says, a very narrow one for its number.
    const tight = room < 40;
    const first = width < cell ? meaning.split(', ')[0] : meaning;
    const says = tight ? /^[\d,]+/.exec(first)?.[0] ?? first : first;
    const pad = tight ? 1.5 : 4;
    if (tall >= 26) {
      context.globalAlpha = 0.75;
      context.font = '9px system-ui, sans-serif';
      context.fillText(name, left + pad, y + tall * 0.3);
      context.globalAlpha = 1;
      context.font = '600 10px system-ui, sans-serif';
      context.fillText(says, left + pad, y + tall * 0.7);
    } else {
      context.font = '10px system-ui, sans-serif';
      context.fillText(says, left + pad, y + tall / 2);
    }
    context.strokeStyle = colour('--panel');
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, y + 0.5, room - 1, tall - 1);
    context.restore();
  }
  for (const [payload, end, asked, maker] of close.blocks) {
    const [x, y, seen] = place(Math.max(payload, from));
    const [lastX, lastY] = place(end - 1);
    if (!seen) continue;
    const room = lastY > y ? AXIS + columns * wide - x : lastX + wide - x;
    context.save();
    context.beginPath();
    context.rect(x + 1, y, room - 2, tall);
    context.clip();
    context.fillStyle = colour('--block-ink');
    context.font = '600 11px system-ui, sans-serif';
    context.fillText(`#${count(maker)} · ${count(asked)} B`, x + 6, y + tall / 2);
    context.restore();
  }
  context.restore();
}

/** A range of cells in reading order is up to three rectangles; its outline is the border of their union. */
function outline(context, { from, cell, columns, rows }, { wide, tall }, { position, bytes: length, colour: name }) {
  const first = Math.floor((position - from) / cell);
  const last = Math.floor((position + Math.max(1, length) - 1 - from) / cell);
  if (last < 0 || first >= columns * rows) return;
  const [x, y] = [(index) => AXIS + (index % columns) * wide, (index) => Math.floor(index / columns) * tall];
  const [start, end] = [Math.max(0, first), Math.min(columns * rows - 1, last)];
  const [left, right] = [AXIS, AXIS + columns * wide];
  const [top, bottom, from0, to0] = [y(start), y(end) + tall, x(start), x(end) + wide];
  const path = new Path2D();
  const lines = Math.floor(end / columns) - Math.floor(start / columns);
  if (lines === 0) {
    // Something to see even where a block is less than a cell.
    const grow = Math.max(0, 4 - Math.min(to0 - from0, tall)) / 2;
    path.rect(from0 - grow, top - grow, to0 - from0 + 2 * grow, tall + 2 * grow);
  } else if (lines === 1 && to0 <= from0) {
    path.rect(from0, top, right - from0, tall);
    path.rect(left, top + tall, to0 - left, tall);
  } else {
    path.moveTo(from0, top);
    for (const [px, py] of [[right, top], [right, bottom - tall], [to0, bottom - tall], [to0, bottom], [left, bottom], [left, top + tall], [from0, top + tall]]) path.lineTo(px, py);
    path.closePath();
  }
  context.strokeStyle = colour('--panel');
  context.lineWidth = 4;
  context.stroke(path);
  context.strokeStyle = colour(name);
  context.lineWidth = 2;
  context.stroke(path);
}
