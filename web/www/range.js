// The whole tape at a glance while it is read, and the choice of a range of it.

import { bytes, count, plural, time } from './format.js';
import { progress } from './messages.js';
import { isDark } from './palette.js';
import { showBitmap } from './timeline.js';

const byId = (id) => document.getElementById(id);

/** Bytes of the page's memory that an event of the range takes. */
const EVENT_BYTES = 22;

/** Tapes up to this are read as a whole without asking. */
export const WHOLE = 16_000_000;

let session = null;
/** Where the curves of each chart stand, by its name. */
let plots = {};
let drawing = false;

/** Draws the two charts of the whole tape, as far as it was read. */
export async function drawWhole() {
  if (!session || drawing) return;
  drawing = true;
  try {
    for (const what of ['whole-live', 'whole-rate']) {
      const canvas = byId(what);
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (width < 40) return;
      const drawn = await session.chart({ what, width, height, ratio: devicePixelRatio, dark: isDark() });
      showBitmap(canvas, drawn.bitmap);
      plots[what] = drawn.plot;
    }
    showBrush();
  } finally {
    drawing = false;
  }
}

/** Shows a tape whose index is read. */
export function showWhole(opened, name) {
  session = opened;
  plots = {};
  const { summary } = opened;
  byId('overview-title').textContent = summary.name || name;
  byId('overview-facts').textContent = [
    plural(summary.threads.length, 'thread'), plural(summary.events, 'event'), time(summary.duration_ns),
    `${bytes(summary.peak_live_bytes)} live at the peak`, `${bytes(summary.tape_bytes)} of tape`,
  ].join(' · ');
  byId('range-form').hidden = true;
  hideBrush();
  byId('progress').hidden = false;
}

/** Nothing is read any more. */
export function hideWhole() {
  session = null;
}

function hideBrush() {
  for (const brush of byId('whole').querySelectorAll('.brush')) brush.hidden = true;
}

const fields = () => [byId('range-from'), byId('range-to')];

function chosen() {
  const [from, to] = fields().map((field) => Math.round(Number(field.value) || 0));
  return [Math.max(0, Math.min(from, to)), Math.min(session.summary.events, Math.max(from, to))];
}

function showBrush() {
  if (!session || byId('range-form').hidden) return;
  const [from, to] = chosen();
  for (const [what, plot] of Object.entries(plots)) {
    const x = (event) => plot.left + ((event - plot.from) / Math.max(1, plot.to - plot.from)) * (plot.right - plot.left);
    const brush = byId(what).nextElementSibling;
    brush.hidden = false;
    brush.style.left = `${x(from)}px`;
    brush.style.width = `${Math.max(2, x(to) - x(from))}px`;
  }
  const events = to - from;
  const { most } = session.summary;
  byId('range-cost').textContent = events > most ? `${plural(events, 'event')}; at most ${count(most)} can be loaded` : `${plural(events, 'event')}, about ${bytes(events * EVENT_BYTES)} of memory`;
  byId('range-load').disabled = events === 0 || events > most;
}

/** Lets a person choose; `[from, to]`, or null when they go back. The overview is read meanwhile. */
export async function chooseRange(current, canGoBack) {
  const { summary } = session;
  const own = session;
  const form = byId('range-form');
  const most = Math.min(summary.most, 4_000_000, summary.events);
  const middle = Math.max(0, Math.min(summary.events - most, Math.round(summary.peak_event - most / 2)));
  const [from, to] = current ?? [middle, middle + most];
  const [fromField, toField] = fields();
  [fromField.value, toField.value] = [from, to];
  for (const field of fields()) field.max = summary.events;
  byId('range-hint').textContent = summary.events > summary.most
    ? `This tape has more events than the page holds at a time (${count(summary.most)}). Choose what to load: drag over the charts, or write the events. What comes before is replayed, so every layout is exact.`
    : 'Choose what to load: drag over the charts, or write the events. What comes before is replayed, so every layout is exact.';
  byId('range-cancel').hidden = !canGoBack;
  form.hidden = false;
  drawWhole();
  // Whoever is quick need not wait for the charts.
  return new Promise((resolve) => {
    const done = new AbortController();
    const finish = (answer) => {
      done.abort();
      form.hidden = true;
      hideBrush();
      resolve(answer);
    };
    const { signal } = done;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      finish(chosen());
    }, { signal });
    byId('range-cancel').addEventListener('click', () => finish(null), { signal });
    form.addEventListener('input', showBrush, { signal });
    dragging(signal);
    scanned(own, signal);
  });
}

/** Reads the tape for its live bytes, if that was not done, while somebody chooses. */
async function scanned(own, signal) {
  const { summary } = own;
  if (summary.range[0] === 0 && summary.range[1] === summary.events && summary.events > 0) {
    byId('progress').hidden = true;
    return;
  }
  byId('progress').hidden = false;
  let drawn = 0;
  await own.scan((share) => {
    if (signal.aborted) return;
    progress('Reading live bytes over the whole tape; a range can be loaded at once', share);
    if (performance.now() - drawn > 400) {
      drawn = performance.now();
      drawWhole();
    }
  });
  if (signal.aborted || own !== session) return;
  byId('progress').hidden = true;
  await drawWhole();
}

function dragging(signal) {
  const box = byId('whole');
  const [fromField, toField] = fields();
  let [start, under] = [null, null];
  const at = (event) => {
    const x = event.clientX - box.getBoundingClientRect().left;
    const plot = plots[under];
    const share = Math.max(0, Math.min(1, (x - plot.left) / (plot.right - plot.left)));
    return Math.round(plot.from + share * (plot.to - plot.from));
  };
  box.addEventListener('pointerdown', (event) => {
    under = event.target.closest('.whole-box')?.querySelector('canvas').id ?? 'whole-live';
    if (!plots[under]) return;
    start = at(event);
    box.setPointerCapture(event.pointerId);
  }, { signal });
  box.addEventListener('pointermove', (event) => {
    if (start === null) return;
    const now = at(event);
    [fromField.value, toField.value] = [Math.min(start, now), Math.max(start, now)];
    showBrush();
  }, { signal });
  for (const end of ['pointerup', 'pointercancel']) box.addEventListener(end, () => { start = null; }, { signal });
}
