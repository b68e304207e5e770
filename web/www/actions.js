// What a person can do with the open tape: by key, by button, by touch.

import { copyLink } from './exporting.js';
import { note } from './messages.js';
import { toggleTheme } from './palette.js';

const byId = (id) => document.getElementById(id);
const COLOURINGS = ['state', 'size', 'age', 'thread', 'class'];

/** Said where a block is needed and none is pinned or pointed at. */
const POINT = 'Point at a block in use, or pin one, first.';

/** Buttons, and the action of each. */
export const CLICKS = {
  back: 'back', forward: 'forward', play: 'toggle', 'to-start': 'toStart', 'to-end': 'toEnd', 'to-peak': 'toPeak', 'next-coalesce': 'nextCoalesce',
  'next-arena': 'nextArena', 'first-failure': 'firstFailure', 'zoom-in': 'zoomIn', 'zoom-out': 'zoomOut', 'zoom-fit': 'zoomFit', split: 'split',
  'help-button': 'help', theme: 'theme', 'copy-link': 'copyLink', 'range-button': 'range',
};

/** The actions by name. `on(action)` runs one and shows what fails; `pausing(action)` ends the playing first. */
export function makeActions({ view, player, choose, changeHeap, setChart, reload, on, pausing, link }) {
  async function leap(find, missing) {
    const target = await find();
    if (target === null) note(missing);
    else await view.goTo(target);
  }
  const seek = (what, forward, missing) => pausing(() => leap(() => view.session.find(view.position, what, forward), missing));

  const peak = () => view.session.summary.threads[view.heap].peak;
  const made = () => view.place?.made;

  const neighbour = (forward) => on(async () => {
    if (await view.pinNeighbour(forward)) return;
    if (view.standing.live_blocks === 0) note('No block of this heap is in use now.');
    else note(forward ? 'No block in use lies after this place.' : 'No block in use lies before this place.');
  });

  return {
    toggle: on(async () => {
      if (!player.playing && view.standing.done >= view.standing.of) await view.goTo(view.session.summary.range[0]);
      player.toggle();
    }),
    back: pausing(() => view.advance(-1)),
    forward: pausing(() => view.advance(1)),
    backMany: pausing(() => view.advance(-100)),
    forwardMany: pausing(() => view.advance(100)),
    toStart: pausing(() => view.goTo(view.session.summary.range[0])),
    toEnd: pausing(() => view.goTo(view.session.summary.range[1])),
    toPeak: pausing(() => view.goTo(peak())),
    toPeakOfAll: pausing(async () => view.goTo(await view.session.peakOfAll())),
    nextCoalesce: seek('coalesce', true, 'Nothing coalesces from here on.'),
    lastCoalesce: seek('coalesce', false, 'Nothing coalesced before.'),
    nextArena: seek('arena', true, 'No new arena from here on.'),
    lastArena: seek('arena', false, 'No arena was made before.'),
    firstFailure: pausing(() => leap(() => view.session.firstFailure(), 'No request is refused.')),
    toMalloc: pausing(() => leap(async () => (made() ? made().event + 1 : null), POINT)),
    toFree: pausing(() => leap(async () => (made()?.released_by ? made().released_by[0] + 1 : null), made() ? 'Nobody frees this block, as far as is loaded.' : POINT)),
    nextBlock: neighbour(true),
    previousBlock: neighbour(false),
    previousHeap: on(() => (view.heap > 0 ? changeHeap(view.heap - 1) : note('This is the heap of the first thread.'))),
    nextHeap: on(() => (view.heap + 1 < view.session.summary.threads.length ? changeHeap(view.heap + 1) : note('This is the heap of the last thread.'))),
    zoomIn: on(() => view.map.zoom(1, view.focus)),
    zoomOut: on(() => view.map.zoom(-1, view.focus)),
    zoomFit: on(() => view.map.fit()),
    pageUp: on(() => view.map.page(-1)),
    pageDown: on(() => view.map.page(1)),
    nextColour: on(() => view.setColouring(COLOURINGS[(COLOURINGS.indexOf(view.colouring) + 1) % COLOURINGS.length])),
    split: on(async () => {
      await choose(view.heap, view.policies.length > 1 ? view.policies.slice(0, 1) : [view.policies[0], 'coalesce=off']);
      if (view.policies.length > 1) setChart('footprint');
      await view.refresh();
    }),
    range: on(reload),
    number: on(() => { byId('number').focus(); byId('number').select(); }),
    search: on(() => { byId('search').focus(); byId('search').select(); }),
    unpin: on(() => { view.pinned = null; return view.refresh(); }),
    copyLink: on(() => copyLink(link())),
    theme: toggleTheme,
    open: () => byId('file').click(),
    help: () => byId('help').showModal(),
  };
}
