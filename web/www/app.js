// The page: where one stands on the tape, and everything that follows from it.

import { count, time } from './format.js';
import { bindKeys } from './keys.js';
import { HeapMap } from './map.js';
import { alertUser, dismiss, enter, progress } from './messages.js';
import { listen, OpenError } from './open.js';
import { onThemeChange, statePalette } from './palette.js';
import { showEvent, showHeap, showPlace, showTape } from './panels.js';
import { Player } from './player.js';
import { TapeSession } from './session.js';
import { Timeline } from './timeline.js';

const byId = (id) => document.getElementById(id);

const map = new HeapMap(byId('map'));
const timeline = new Timeline(byId('timeline'));

/** The open tape, or null. */
let session = null;
/** Counts openings, so that what belongs to an earlier one can tell. */
let opening = 0;
let heap = 0;
let position = 0;
let standing = null;
let allThreads = false;
/** Where the pointer is on the map, and which block is pinned: positions in the heap, or null. */
let [hovered, pinned] = [null, null];
/** Where the block of the last event lies, or null. */
let latest = null;

const player = new Player({
  step: (by) => session.step(position, by),
  goTo: (target) => goTo(target),
  atEnd: () => !standing || standing.done >= standing.of,
  total: () => standing?.of ?? 0,
});

/** The next frame; a hidden page has none, so it does not wait for long. */
const nextFrame = () => new Promise((resolve) => {
  requestAnimationFrame(resolve);
  setTimeout(resolve, 100);
});

/* Drawing: one at a time, and once more if something changed meanwhile. */

let drawing = null;
let stale = false;

function refresh() {
  stale = true;
  drawing ??= (async () => {
    while (stale && session) {
      stale = false;
      await draw();
      await nextFrame();
    }
  })().catch(failed).finally(() => { drawing = null; });
  return drawing;
}

async function draw() {
  const current = session;
  const now = await current.seek(position);
  if (current !== session) return;
  standing = now;
  // The last event that this heap saw, not the tape's.
  const last = now.done > 0 ? (await current.step(position, 0)) - 1 : null;
  const event = last === null ? null : await current.event(last);
  const at = pinned ?? hovered;
  const place = at === null ? null : await current.place(at);
  const window = map.window;
  const pixels = await current.paint(window, statePalette());
  if (current !== session) return;
  latest = event?.position ?? null;
  map.outlines = [
    event?.position != null && { position: event.position, bytes: event.size ?? 1, colour: '--ink' },
    place && { position: place.position, bytes: place.bytes, colour: '--accent' },
  ].filter(Boolean);
  map.show(window, pixels);
  timeline.position = position;
  showHeap(now);
  showEvent(event, goTo);
  showPlace(place, pinned !== null, goTo);
  byId('scale').textContent = map.scale;
  byId('scrub').value = position;
  byId('scrub').ariaValueText = `event ${count(position)} of ${count(current.summary.events)}`;
  if (document.activeElement !== byId('number')) byId('number').value = position;
  byId('where').textContent = `of ${count(current.summary.events)} · ${time(now.time_ns)}`;
  byId('map').ariaLabel = `Map of the heap of thread ${heap} after event ${position}: ${now.live_blocks} live blocks`;
  remember();
}

/** Keeps the view in the address, so that a reload or a link comes back to it. */
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, '', `#heap=${heap}&event=${position}`), 250);
}

function remembered() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (/^\d+$/.test(hash.get(name) ?? '') ? Number(hash.get(name)) : null);
  return { heap: number('heap'), event: number('event') };
}

/* Moving */

function goTo(target) {
  position = Math.max(0, Math.min(session.summary.events, Math.round(target)));
  return refresh();
}

async function step(by) {
  player.pause();
  await goTo(await session.step(position, by));
}

async function showCourse() {
  timeline.course = await session.course(allThreads);
}

async function chooseHeap(index, report = () => {}) {
  player.pause();
  const current = session;
  heap = index;
  pinned = null;
  await current.select(index, report);
  if (current !== session) return;
  map.extent = await current.extent();
  map.fit();
  byId('heap').value = index;
  await showCourse();
}

/** The thread whose heap is worth a look first: the one that holds the most at its peak. */
function largest({ threads }) {
  return threads.reduce((best, thread) => (thread.peak_live_bytes > threads[best].peak_live_bytes ? thread.index : best), 0);
}

/* Opening */

async function open(name, read) {
  opening += 1;
  const mine = opening;
  player.pause();
  dismiss();
  const before = session;
  session = null;
  enter('loading');
  try {
    progress(`Getting ${name}`, 0);
    const data = await read((share) => progress(`Getting ${name}`, share));
    const opened = await TapeSession.open(data, (share) => progress(`Reading ${name}`, share));
    if (mine !== opening) return;
    if (opened.summary.events === 0) throw new OpenError(opened.summary.damage ?? `${name} is a sound tape without events.`);
    session = opened;
    await start(name, opened.summary);
  } catch (error) {
    if (mine !== opening) return;
    // A file that is no tape must not cost the one that was open.
    session = before;
    enter(before ? 'ready' : 'empty');
    alertUser(`${name} can't be shown`, error.message ?? String(error));
    if (before) refresh();
  }
}

async function start(name, summary) {
  const link = remembered();
  showTape(name, summary);
  timeline.reset(summary.events, summary.marks);
  byId('scrub').max = summary.events;
  byId('number').max = summary.events;
  allThreads = false;
  showScope();
  const index = link.heap !== null && link.heap < summary.threads.length ? link.heap : largest(summary);
  progress(`Replaying the heap of thread ${index}`, 0);
  await chooseHeap(index, (share) => progress(`Replaying the heap of thread ${index}`, share));
  enter('ready');
  map.fit();
  await goTo(link.event ?? await session.peak());
  await showCourse();
  const trouble = [summary.damage, summary.ending].filter(Boolean);
  if (trouble.length > 0) alertUser(`${name} is not whole`, trouble.join('\n'));
}

function failed(error) {
  player.pause();
  console.error(error);
  alertUser('Something went wrong', error.message ?? String(error));
}

/* The timeline of all threads is made when it is first asked for. */

function showScope() {
  byId('scope-heap').ariaPressed = String(!allThreads);
  byId('scope-all').ariaPressed = String(allThreads);
}

async function setScope(all) {
  allThreads = all;
  showScope();
  await showCourse();
  if (!all) return;
  const current = session;
  let shown = 0;
  await current.surveyAll((share) => {
    if (share - shown < 0.02) return;
    shown = share;
    showCourse().catch(failed);
  }, () => current !== session || !allThreads);
  if (current === session) await showCourse();
}

/* What a person does */

/** Runs an action on the open tape; what fails is shown. */
const on = (action) => async (...args) => {
  if (!session) return;
  try {
    await action(...args);
  } catch (error) {
    failed(error);
  }
};

/** The place on the map that a zoom without a pointer keeps in view. */
const focus = () => Math.min(pinned ?? hovered ?? latest ?? 0, Math.max(0, standing.top - 1));

const actions = {
  toggle: on(async () => {
    if (!player.playing && standing.done >= standing.of) await goTo(0);
    player.toggle();
  }),
  back: on(() => step(-1)),
  forward: on(() => step(1)),
  backMany: on(() => step(-100)),
  forwardMany: on(() => step(100)),
  toStart: on(() => { player.pause(); return goTo(0); }),
  toEnd: on(() => { player.pause(); return goTo(session.summary.events); }),
  toPeak: on(async () => { player.pause(); await goTo(await session.peak()); }),
  previousHeap: on(async () => { if (heap > 0) { await chooseHeap(heap - 1); await refresh(); } }),
  nextHeap: on(async () => { if (heap + 1 < session.summary.threads.length) { await chooseHeap(heap + 1); await refresh(); } }),
  zoomIn: on(() => map.zoom(1, focus())),
  zoomOut: on(() => map.zoom(-1, focus())),
  zoomFit: on(() => map.fit()),
  number: on(() => { byId('number').focus(); byId('number').select(); }),
  unpin: on(() => { pinned = null; return refresh(); }),
  open: () => byId('file').click(),
  help: () => byId('help').showModal(),
};

const clicks = {
  back: 'back', forward: 'forward', play: 'toggle', 'to-start': 'toStart', 'to-end': 'toEnd', 'to-peak': 'toPeak',
  'zoom-in': 'zoomIn', 'zoom-out': 'zoomOut', 'zoom-fit': 'zoomFit', 'help-button': 'help',
};
for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener('click', () => actions[action]());

player.onChange = (playing) => {
  byId('play').ariaPressed = String(playing);
  byId('play').ariaLabel = playing ? 'Pause' : 'Play';
};
byId('speed').addEventListener('change', () => { player.speed = byId('speed').value; });
byId('scrub').addEventListener('input', on(() => { player.pause(); return goTo(Number(byId('scrub').value)); }));
byId('number').addEventListener('change', on(() => { player.pause(); return goTo(Number(byId('number').value) || 0); }));
byId('number').addEventListener('keydown', (event) => { if (event.key === 'Enter') byId('number').blur(); });
byId('heap').addEventListener('change', on(async () => { await chooseHeap(Number(byId('heap').value)); await refresh(); }));
byId('scope-heap').addEventListener('click', on(() => setScope(false)));
byId('scope-all').addEventListener('click', on(() => setScope(true)));

timeline.onScrub = on((event) => { player.pause(); return goTo(event); });
map.onWindow = () => { if (session) refresh(); };
map.onHover = (at) => {
  hovered = at;
  if (session && pinned === null) refresh();
};
map.onClick = on(async (at) => {
  // Where the heap has no memory there is nothing to pin.
  pinned = at !== null && (await session.place(at)) ? at : null;
  await refresh();
});
onThemeChange(() => { if (session) { refresh(); timeline.draw(); } });
addEventListener('hashchange', on(async () => {
  const link = remembered();
  if (link.heap !== null && link.heap !== heap && link.heap < session.summary.threads.length) await chooseHeap(link.heap);
  if (link.event !== null) await goTo(link.event);
}));
addEventListener('error', (event) => failed(event.error ?? event));
addEventListener('unhandledrejection', (event) => failed(event.reason));

bindKeys(actions);
listen(open);

/** For the browser's console, and for tests. */
globalThis.heaptape = {
  get session() { return session; },
  map,
  get position() { return position; },
  get standing() { return standing; },
  goTo: (event) => goTo(event),
  chooseHeap: async (index) => { await chooseHeap(index); await refresh(); },
};
