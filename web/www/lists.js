// The lists of a heap: bins, free chunks by size, arenas, and the heaps of all threads.

import { address, bytes, count, percent, plural, short } from './format.js';
import { make } from './panels.js';

const byId = (id) => document.getElementById(id);

const TITLES = { bins: 'Bins of small blocks', free: 'Free chunks by size', arenas: 'Arenas and spans', threads: 'Heaps of all threads' };

function table(caption, head, rows) {
  const header = make('tr', {}, ...head.map((name) => make('th', { scope: 'col' }, name)));
  return make('table', { class: 'list' }, make('caption', { class: 'visually-hidden' }, caption), make('thead', {}, header), make('tbody', {}, ...rows));
}

const row = (...cells) => make('tr', {}, ...cells.map((cell) => (cell instanceof Element && cell.matches('td') ? cell : make('td', {}, cell))));

/** A chain of places in the heap, each a button; the first one is the next to be handed out. */
function chain(label, places, more, goTo) {
  const links = places.flatMap((at, index) => [
    ...(index > 0 ? [' → '] : []),
    make('button', { type: 'button', class: 'link', on: () => goTo(at) }, address(at)),
  ]);
  return make('details', {}, make('summary', {}, label), make('p', { class: 'chain' }, ...links, ...(more ? [' → …'] : [])));
}

function bins({ bins: list }, goTo) {
  return table(TITLES.bins, ['bin', 'used', 'cached', 'runs', 'home'], list.map(({ bin, payload_bytes: size, counts, cached }) => {
    const [used, held, limit, runs, home] = counts;
    const name = `${bin} · ≤ ${count(size)} B`;
    const most = `${short(held)} / ${short(limit)}`;
    const shown = held === 0 ? most : chain(most, cached, held > cached.length, goTo);
    const exact = (n) => make('td', { title: count(n) }, short(n));
    return row(name, exact(used), shown, exact(runs), exact(home));
  }));
}

function free({ free: classes }, goTo) {
  return table(TITLES.free, ['from', 'chunks', 'bytes'], [...classes].reverse().map(({ chunks, bytes: size, first }) => {
    const least = Math.min(...first.map(([, length]) => length));
    return row(bytes(least), chain(count(chunks), first.map(([at]) => at), chunks > first.length, goTo), bytes(size));
  }));
}

function arenas({ arenas: regions }, goTo) {
  return table(TITLES.arenas, ['number', 'from', 'bytes', 'in use'], regions.map(({ number, position, bytes: size, arena, used }) => {
    const bar = make('td', { class: 'bar-cell' }, make('span', {}, percent(used, size)));
    bar.style.setProperty('--share', `${size > 0 ? (used / size) * 100 : 0}%`);
    return row(`${arena ? 'arena' : 'span'} ${number}`, make('button', { type: 'button', class: 'link', on: () => goTo(position) }, address(position)), bytes(size), bar);
  }));
}

function threads({ threads: list }, { heap, position, summary: { threads: all, sums_all: sums } }, choose) {
  if (!sums) return make('p', { class: 'hint' }, 'The heaps of the other threads are not replayed for a range that begins so late on a tape of so many threads.');
  const rows = list.map(({ thread, arenas: held, footprint }) => {
    const { name, end } = all[thread];
    const button = make('button', { type: 'button', class: 'link', on: () => choose(thread), title: name || `thread ${thread}` }, `${thread}`);
    if (thread === heap) button.setAttribute('aria-current', 'true');
    return row(button, end && end.event < position ? `#${count(end.event)}` : '', count(held), bytes(footprint));
  });
  const waiting = list.length < all.length ? [make('p', { class: 'hint' }, `${plural(all.length - list.length, 'more heap')} still to be replayed.`)] : [];
  return make('div', {}, ...(list.length > 0 ? [table(TITLES.threads, ['thread', 'ended', 'arenas', 'footprint'], rows)] : []), ...waiting);
}

/** Shows the heap itself or the list of a tab. */
export function showTab(tab) {
  byId('heap-box').hidden = tab !== 'heap';
  byId('lists').hidden = tab === 'heap';
}

/**
 * Shows the list that the module gave. `now` is the heap that is looked at, the position, and what is
 * known of the tape; `goTo(position)` is for places, `choose(thread)` for heaps.
 */
export function showList(lists, now, goTo, choose) {
  const [tab] = Object.keys(lists);
  const box = byId('lists');
  // What is open stays open while the heap goes on.
  const open = new Set([...box.querySelectorAll('details[open]')].map((element) => element.closest('tr').rowIndex));
  if (box.contains(document.activeElement) && document.activeElement !== box) return;
  const list = { bins: () => bins(lists, goTo), free: () => free(lists, goTo), arenas: () => arenas(lists, goTo), threads: () => threads(lists, now, choose) }[tab]();
  const empty = list.matches('table') && list.tBodies[0].rows.length === 0;
  box.replaceChildren(empty ? make('p', { class: 'hint' }, 'Nothing now.') : list);
  if (box.dataset.tab === tab) for (const details of box.querySelectorAll('details')) details.open = open.has(details.closest('tr').rowIndex);
  box.dataset.tab = tab;
}

/** The tabs as a person with a keyboard or a screen reader expects them. */
export function bindTabs(onTab) {
  const tabs = [...byId('tabs').querySelectorAll('[role="tab"]')];
  const select = (name) => {
    for (const tab of tabs) {
      const mine = tab.dataset.tab === name;
      tab.setAttribute('aria-selected', mine);
      tab.tabIndex = mine ? 0 : -1;
      if (mine) byId('about').setAttribute('aria-labelledby', tab.id);
    }
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => onTab(tab.dataset.tab));
    tab.addEventListener('keydown', ({ key }) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (!by) return;
      const next = tabs[(index + by + tabs.length) % tabs.length];
      next.focus();
      onTab(next.dataset.tab);
    });
  });
  return select;
}
