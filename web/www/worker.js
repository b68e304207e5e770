// The worker: it holds the module and the tape, so that the page never waits. One tape, one worker; see session.js.

import init, { Session } from './wasm/web.js';
import { fetched, fileBytes, OpenError } from './source.js';

/** How long other calls may have to wait for a long one, in milliseconds. */
const SLICE_MS = 30;

let session = null;
/** Counts the long calls: a new one ends the one before, but for that in the background. */
let running = 0;

// A turn of the loop without the browser's four milliseconds.
const channel = new MessageChannel();
const turns = [];
channel.port1.onmessage = () => turns.shift()();
const nextTurn = () => new Promise((resolve) => {
  turns.push(resolve);
  channel.port2.postMessage(null);
});

/** When the page last asked for something. */
let askedAt = 0;

/**
 * Repeats `work(budget)`, which returns a share, until the share is 1; others are heard in between. In the background,
 * slices are short, and few while the page asks for other things.
 */
async function inSlices(work, report, stopped, background = false) {
  const slice = background ? 6 : SLICE_MS;
  let budget = 5000;
  let told = 0;
  for (;;) {
    const start = performance.now();
    const share = work(budget);
    const now = performance.now();
    if (share >= 1) return true;
    // Towards slices that just fill their time.
    const factor = Math.min(4, slice / Math.max(now - start, 0.5));
    budget = Math.max(200, Math.min(4_000_000, Math.round(budget * factor)));
    if (now - told > 50) {
      told = now;
      report(share);
    }
    if (background && now - askedAt < 200) await new Promise((resolve) => setTimeout(resolve, 30));
    else await nextTurn();
    if (stopped()) return false;
  }
}

function long() {
  running += 1;
  const mine = running;
  return () => mine !== running;
}

const parsed = (text) => JSON.parse(text);

const calls = {
  async open({ file, address, name }, report) {
    const module = init({ module_or_path: new URL('./wasm/web_bg.wasm', import.meta.url) });
    // If the bytes can't be had, that is told and not this.
    module.catch(() => {});
    const bytes = file ? await fileBytes(file) : await fetched(address, name, report);
    if (bytes.length === 0) throw new OpenError(`${name} is empty (0 bytes).`);
    await module;
    session = new Session(bytes);
    return parsed(session.summary());
  },

  /** Reads the events `from` to `to`; null when another long call came. */
  async load({ from, to }, report) {
    const stopped = long();
    session.choose(from, to);
    if (!(await inSlices((budget) => session.load(budget), report, stopped))) return null;
    return parsed(session.summary());
  },

  /** Reads all of the tape for its overview alone. */
  async scan(_, report) {
    const stopped = long();
    session.scan();
    return inSlices((budget) => session.load(budget), report, stopped);
  },

  /** Chooses a heap and its policies; null when another long call came. */
  async select({ heap, policies }, report) {
    const stopped = long();
    session.select(heap, policies.join(';'));
    if (!(await inSlices((budget) => session.survey(budget), report, stopped))) return null;
    return { extents: policies.map((_policy, pane) => session.extent(pane)), short: session.isShort() };
  },

  /** Replays all heaps, in the background. */
  async surveyAll(_, report) {
    const mine = running;
    return inSlices((budget) => session.surveyAll(budget), report, () => mine !== running, true);
  },

  /**
   * All that a frame shows: goes to `position`, or on by so many of the heap's events, and looks. `wants` says which rows of
   * the map are to be painted anew (`band`, from and to, or null), whether there is no time for more than these (`quick`),
   * and which list is shown, of which pane.
   */
  look({ position, by, windows, palette, mode, at, wants }) {
    const start = performance.now();
    const target = by ? session.step(position, by) : position;
    session.seek(target);
    // First, since its walk over the heap counts as well what the others ask for.
    const [top, bottom] = wants.band ?? [];
    const pixels = wants.band ? windows.map(({ from, cell, columns }, pane) => (
      session.paint(pane, from + top * cell * columns, cell, columns, bottom - top, palette, mode, wants.quick))) : null;
    const standings = parsed(session.standings(wants.quick));
    const took = performance.now() - start;
    // The last event that this heap saw, not the tape's.
    const last = standings[0].done > 0 ? session.step(target, 0) - 1 : null;
    const event = last === null ? null : parsed(session.event(last));
    const close = windows.map(({ from, cell, columns, rows, words }, pane) => (words ? {
      fields: parsed(session.fields(pane, from, from + cell * columns * rows)),
      blocks: parsed(session.blocks(pane, from, from + cell * columns * rows)),
    } : null));
    const pane = (wanted) => Math.min(wanted, windows.length - 1);
    const place = at === null ? null : parsed(session.place(pane(at.pane), at.position));
    const regions = windows.map((_window, number) => parsed(session.regions(number)));
    const list = wants.list ? parsed(session.list(pane(wants.pane), wants.list)) : null;
    return { position: target, standings, event, place, pixels, close, regions, list, took };
  },

  /** Draws a chart; its picture, and where its curves stand. */
  chart({ what, life, width, height, ratio, dark }) {
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio)));
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [left, right, top, bottom, from, to] = session.chart(what, life, context, width, height, dark);
    return { bitmap: canvas.transferToImageBitmap(), plot: { left, right, top, bottom, from, to } };
  },

  chartAt: ({ what, life, event }) => parsed(session.chartAt(what, life, event)),
  svg: ({ what, life, width, height, dark }) => session.svg(what, life, width, height, dark),
  seek({ position }) {
    session.seek(position);
    return parsed(session.standings(false))[0];
  },
  step: ({ from, by }) => session.step(from, by),
  find: ({ from, what, forward }) => session.find(from, what, forward) ?? null,
  firstFailure: () => session.firstFailure() ?? null,
  peakOfAll: () => session.peakOfAll(),
  event: ({ number }) => parsed(session.event(number)),
  place: ({ pane, at }) => parsed(session.place(pane, at)),
  neighbour: ({ pane, at, forward }) => session.neighbour(pane, at, forward) ?? null,
  search: ({ pane, query }) => parsed(session.search(pane, query)),
  digest: ({ pane }) => session.digest(pane),
  broken: ({ pane }) => session.broken(pane),
};

/** What an answer hands over instead of copying. */
function transferred(result) {
  if (result?.bitmap) return [result.bitmap];
  if (result?.pixels) return result.pixels.map((pixels) => pixels.buffer);
  return [];
}

let dead = null;

addEventListener('message', async ({ data: { id, method, args } }) => {
  if (method !== 'surveyAll') askedAt = performance.now();
  try {
    if (dead) throw dead;
    const result = await calls[method](args ?? {}, (share) => postMessage({ id, share }));
    postMessage({ id, result }, transferred(result));
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      // The module can't be trusted any more.
      dead = new Error(`The replay module stopped (${error.message}). The browser ran out of memory, or this is a defect in heaptape; open the tape again, or choose a smaller range of it.`);
      postMessage({ id, error: dead.message });
    } else {
      postMessage({ id, error: error?.message ?? String(error) });
    }
  }
});
