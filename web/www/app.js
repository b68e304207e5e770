// The page: opening tapes, links to views, and what a person does.

import { CLICKS, makeActions } from './actions.js';
import { bindExports } from './exporting.js';
import { count } from './format.js';
import { bindKeys } from './keys.js';
import { formatLink, parseLink } from './link.js';
import { bindTabs, showTab } from './lists.js';
import { alertUser, dismiss, enter, note, progress } from './messages.js';
import { ask, listen, named, offer } from './open.js';
import { isDark, onThemeChange } from './palette.js';
import { showTape } from './panels.js';
import { Player } from './player.js';
import { chooseRange, drawWhole, hideWhole, showWhole, WHOLE } from './range.js';
import { bindSearch } from './searching.js';
import { TapeSession } from './session.js';
import { View } from './view.js';

const byId = (id) => document.getElementById(id);

const view = new View();
/** Where the open tape came from, and what was opened to get it. */
let source = null;
/** Counts openings, so that what belongs to an earlier one can tell. */
let opening = 0;

const player = new Player({
  advance: (by) => view.advance(by),
  atEnd: () => !view.standing || view.standing.done >= view.standing.of,
  total: () => view.standing?.of ?? 0,
});

function failed(error) {
  player.pause();
  console.error(error);
  alertUser('Something went wrong', error?.message ?? String(error));
}

/* The view in the address */

function currentLink() {
  const { summary } = view.session;
  const [from, to] = summary.range;
  const whole = from === 0 && to === summary.events;
  return formatLink({
    heap: view.heap,
    event: view.position,
    at: view.pinned && view.place ? view.place.position + view.place.header_bytes : null,
    pane: view.pinned?.pane ?? 0,
    zoom: view.map.zoomLevel,
    from: view.map.from,
    colour: view.colouring,
    panes: view.policies,
    tab: view.tab,
    chart: view.timeline.what,
    whole: view.short && !view.timeline.life,
    range: whole ? null : summary.range,
    // What a server gives is named by the address; a file is not.
    tape: source.file ? summary.id : null,
    name: source.file ? source.name : null,
  });
}

/** Keeps the view in the address, so that a reload or a link comes back to it. */
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => { if (view.session) history.replaceState(null, '', currentLink()); }, 200);
}
view.onDrawn = remember;

/** Goes to what a link names; the heap's survey reports how far it is. */
async function follow(link, report) {
  const { summary } = view.session;
  const known = link.heap !== null && link.heap < summary.threads.length;
  const heap = known ? link.heap : largest(summary);
  await choose(heap, link.panes ?? [''], report);
  if (link.colour) view.setColouring(link.colour);
  setTab(link.tab ?? view.tab);
  setChart(link.chart ?? 'heap', !link.whole);
  enter('ready');
  for (const { map } of view.panes) map.goTo(link.zoom ?? 0, link.from ?? 0);
  view.position = Math.max(summary.range[0], Math.min(summary.range[1], link.event ?? summary.threads[heap]?.peak ?? 0));
  await view.refresh();
  if (link.at !== null) await view.pin({ pane: Math.min(link.pane ?? 0, view.policies.length - 1), position: link.at });
}

/** The thread whose heap is worth a look first: the one that holds the most at its peak. */
function largest({ threads }) {
  return threads.reduce((best, thread) => (thread.peak_live_bytes > threads[best].peak_live_bytes ? thread.index : best), 0);
}

/* Opening */

async function open(next, link = parseLink('')) {
  opening += 1;
  const mine = opening;
  player.pause();
  dismiss();
  const [before, beforeSource] = [view.session, source];
  const { name } = next;
  let opened = null;
  enter('loading');
  byId('range-form').hidden = true;
  try {
    progress(`Opening ${name}`, 0);
    opened = await TapeSession.open(next, (share) => progress(`Getting ${name}`, share));
    if (mine !== opening) {
      opened.close();
      return;
    }
    const { events, damage } = opened.summary;
    if (events === 0) throw new Error(damage ?? `${name} is a sound tape without events.`);
    view.attach(null);
    source = next;
    showWhole(opened, name);
    const range = link.range ?? (events <= WHOLE ? [0, events] : null);
    await start(opened, link, range);
    before?.close();
  } catch (error) {
    if (mine !== opening) return;
    opened?.close();
    // A file that is no tape must not cost the one that was open.
    [source] = [beforeSource];
    view.attach(before);
    enter(before ? 'ready' : 'empty');
    alertUser(`${name} can't be shown`, error.message ?? String(error));
    if (before) {
      view.timeline.draw();
      view.refresh();
    }
  }
}

/** Loads a range of an opened tape, chosen first if there is none yet, and shows it. */
async function start(opened, link, wanted) {
  const range = wanted ?? await chooseRange(null, false);
  let drawn = performance.now();
  drawWhole();
  byId('progress').hidden = false;
  const loaded = await opened.load(range[0], range[1], (share) => {
    progress(`Reading ${source.name}`, share);
    if (performance.now() - drawn < 400) return;
    drawn = performance.now();
    drawWhole();
  });
  if (!loaded) return;
  const { summary } = opened;
  view.attach(opened);
  showTape(source.name, summary);
  offer(summary.id, source.file ?? null);
  await follow(link, (share) => progress('Replaying the heap', share));
  hideWhole();
  performance.mark('heaptape-ready');
  const trouble = [summary.damage, summary.ending].filter(Boolean);
  if (trouble.length > 0) alertUser(`${source.name} is not whole`, trouble.join('\n'));
  surveyAll();
}

/** Another range of the open tape. */
async function reload() {
  player.pause();
  const { session } = view;
  const { range } = session.summary;
  const link = parseLink(currentLink());
  enter('loading');
  showWhole(session, source.name);
  const chosen = await chooseRange(range, true);
  if (session !== view.session) return;
  // Going back, too, reads again if the overview has taken the place of the events.
  const [from, to] = chosen ?? range;
  view.attach(null);
  await start(session, { ...link, ...(chosen ? { zoom: null, from: null, at: null } : {}) }, [from, to]);
}

/** The footprint of all heaps, in the background; their chart and list fill up meanwhile. */
async function surveyAll() {
  const { session } = view;
  let drawn = performance.now();
  const show = () => {
    drawn = performance.now();
    if (session !== view.session) return;
    if (view.timeline.what === 'all') view.timeline.draw();
    if (view.tab === 'threads' && !view.playing) view.refresh();
  };
  try {
    await session.surveyAll(() => { if (performance.now() - drawn > 500) show(); });
    show();
  } catch (error) {
    // The other heaps' sum stays unfinished; what is looked at does not depend on it.
    if (session === view.session) note(`The heaps of all threads can't be replayed: ${error.message}`);
  }
}

async function choose(heap, policies, report = (share) => progress('Replaying the heap', share)) {
  const done = await view.choose(heap, policies, report);
  if (!done) return false;
  view.showPolicies((pane, policy) => run(async () => {
    const changed = view.policies.with(pane, policy);
    await choose(view.heap, changed);
    await view.refresh();
  }));
  if (policies.length < 2 && ['footprint', 'splits'].includes(view.timeline.what)) setChart('heap');
  else setChart(view.timeline.what);
  surveyAll();
  return true;
}

/* What a person does */

/** Runs an action on the open tape; what fails is shown. */
async function run(action) {
  if (!view.session || document.documentElement.dataset.state !== 'ready') return;
  try {
    await action();
  } catch (error) {
    failed(error);
  }
}
const on = (action) => (...args) => run(() => action(...args));
const pausing = (action) => on(async (...args) => {
  player.pause();
  await action(...args);
});

function setTab(tab) {
  view.tab = tab;
  selectTab(tab);
  showTab(tab);
  view.refresh();
}

function setChart(what, life = view.timeline.life) {
  [view.timeline.what, view.timeline.life] = [what, life];
  for (const button of byId('charts').querySelectorAll('button')) button.ariaPressed = String(button.dataset.chart === what);
  byId('life').hidden = !view.short || !['heap', 'footprint', 'splits'].includes(what);
  byId('life').ariaPressed = String(life);
  view.timeline.draw();
  remember();
}

async function changeHeap(heap) {
  player.pause();
  if (heap < 0 || heap >= view.session.summary.threads.length) return;
  await choose(heap, view.policies);
  for (const { map } of view.panes) map.goTo(0, 0);
  await view.refresh();
}

/** Goes to the number of events, the time or the mark that is written in the field. */
async function goToTyped() {
  const text = byId('number').value.trim();
  const found = await view.session.search(0, text);
  if (found.kind === 'event') await view.goTo(found.position);
  else note(`“${text}” is neither a number of events, nor a time such as 1.5 ms, nor a mark's name.`);
  await view.refresh();
}

const actions = makeActions({ view, player, choose, changeHeap, setChart, reload, on, pausing, link: () => new URL(currentLink(), location.href).href });
for (const [id, action] of Object.entries(CLICKS)) byId(id).addEventListener('click', () => actions[action]());

player.onChange = (playing) => {
  view.playing = playing;
  byId('play').ariaPressed = String(playing);
  byId('play').ariaLabel = playing ? 'Pause' : 'Play';
  if (!playing) view.refresh();
};
byId('speed').addEventListener('change', () => { player.speed = byId('speed').value; });
byId('scrub').addEventListener('input', pausing(() => view.goTo(Number(byId('scrub').value))));
byId('number').addEventListener('change', pausing(goToTyped));
byId('number').addEventListener('keydown', (event) => { if (event.key === 'Enter') byId('number').blur(); });
byId('heap').addEventListener('change', on(() => changeHeap(Number(byId('heap').value))));
byId('colour').addEventListener('change', on(() => view.setColouring(byId('colour').value)));
for (const button of byId('charts').querySelectorAll('button')) button.addEventListener('click', on(() => setChart(button.dataset.chart)));
byId('life').addEventListener('click', on(() => setChart(view.timeline.what, !view.timeline.life)));
view.onHeap = on(changeHeap);
view.onError = failed;
view.timeline.onScrub = pausing((event) => view.goTo(event));
onThemeChange(() => {
  view.refresh();
  view.timeline.draw();
  drawWhole();
});
const selectTab = bindTabs(setTab);
selectTab(view.tab);
showTab(view.tab);

bindSearch({
  search: async (query) => {
    let found = null;
    await run(async () => { found = await view.session.search(view.pinned?.pane ?? 0, query); });
    return found;
  },
  goTo: pausing(async (position, heap) => {
    // Who asks for an event wants to see it, in whosever heap it is.
    if (heap !== null && heap !== view.heap) {
      await changeHeap(heap);
      note(`That event is of the heap of thread ${heap}.`);
    }
    await view.goTo(position);
  }),
  pin: on(async (at) => { if (!(await view.pin({ pane: view.pinned?.pane ?? 0, position: at }, true))) note('The heap has no memory there now.'); }),
  openLink: (address) => { location.hash = address.slice(address.indexOf('#')); },
});
bindExports({
  map: () => view.panes[view.pinned?.pane ?? 0].map.picture(),
  chart: async () => {
    const { width, height } = view.timeline.size;
    const svg = await view.session.svg({ what: view.timeline.what, life: view.timeline.life, width: Math.round(width), height: Math.round(height), dark: isDark() });
    return new Blob([svg], { type: 'image/svg+xml' });
  },
  name: () => `${(view.session.summary.name || 'heap').replace(/[^\w.-]+/g, '-')}-thread-${view.heap}-event-${view.position}`,
});
addEventListener('hashchange', on(() => follow(parseLink(location.hash))));
addEventListener('error', (event) => failed(event.error ?? event));
addEventListener('unhandledrejection', (event) => failed(event.reason));

bindKeys(actions, byId('key-list'));
listen((next) => {
  const link = parseLink(location.hash);
  // A link to this very file keeps its view; another file begins anew.
  const meant = next.file && link.name === next.name;
  if (next.path) history.replaceState(null, '', `?tape=${encodeURIComponent(next.path).replaceAll('%2F', '/')}`);
  open(next, meant ? link : parseLink(''));
});

/** What the address names: a tape on the server, or one that another page has open. */
async function openNamed() {
  const link = parseLink(location.hash);
  const served = named();
  if (served && !link.tape) {
    await open(served, link);
  } else if (link.tape) {
    const file = await ask(link.tape);
    if (file) await open({ name: file.name, file }, link);
    else alertUser(`This link is to a view of ${link.name ?? 'a tape'}`, `Drop or choose that file here, and the view opens at event ${count(link.event ?? 0)}.`);
  }
}
openNamed();

/** For the browser's console, and for tests. */
globalThis.heaptape = {
  view,
  get session() { return view.session; },
  get map() { return view.map; },
  get position() { return view.position; },
  get standing() { return view.standing; },
  goTo: (event) => view.goTo(event),
  chooseHeap: changeHeap,
};
