// The panels beside the map: the last event, the block under the pointer, the heap in numbers.

import { address, bytes, count, percent, plural, time } from './format.js';

const byId = (id) => document.getElementById(id);

/** An element with text and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') element.addEventListener('click', value);
    else if (name === 'class') element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Fills a definition list with `[term, value]`. */
function fill(list, rows) {
  list.replaceChildren(...rows.filter(Boolean).flatMap(([term, value]) => [make('dt', {}, term), make('dd', {}, value)]));
}

/** Buttons: `[label, action, title]`. */
function buttons(box, list) {
  box.replaceChildren(...list.filter(Boolean).map(([label, action, title]) => (
    make('button', { type: 'button', on: action, ...(title ? { title } : {}) }, label))));
}

/** An event as a line of code. */
export function call(event) {
  const size = event.size === null ? '' : count(event.size);
  switch (event.kind) {
    case 'malloc': case 'calloc': return `${event.kind}(${size})`;
    case 'aligned_alloc': return `aligned_alloc(${count(event.align)}, ${size})`;
    case 'realloc': return event.made_by ? `realloc(#${count(event.made_by[0])}, ${size})` : `realloc(?, ${size})`;
    case 'free': return event.made_by ? `free(#${count(event.made_by[0])})` : 'free(?)';
    case 'free of an unknown block': return 'free(?)';
    case 'refused request': return `malloc(${size}) = null`;
    default: return event.detail ? `${event.kind}: ${event.detail}` : event.kind;
  }
}

/** The last event that touched the heap; null before the first. `goTo(position)` is for its buttons. */
export function showEvent(event, goTo) {
  if (!event) {
    byId('call').textContent = 'nothing yet';
    fill(byId('event-facts'), []);
    byId('event-jumps').replaceChildren();
    return;
  }
  byId('call').textContent = call(event);
  const lifetime = event.released_by ? `#${count(event.released_by[0])} · ${time(event.released_ns)}, thread ${event.released_by[1]}` : 'never, as far as is loaded';
  fill(byId('event-facts'), [
    ['event', `#${count(event.event)} · ${time(event.time_ns)}`],
    ['thread', `${event.thread}`],
    event.released_size !== null && ['releases', bytes(event.released_size)],
    event.made_by && ['made', `#${count(event.made_by[0])}, thread ${event.made_by[1]}`],
    event.size !== null && event.kind !== 'refused request' && ['released', lifetime],
    event.position !== null && ['lies at', address(event.position)],
  ]);
  buttons(byId('event-jumps'), [
    event.made_by && ['Its malloc', () => goTo(event.made_by[0] + 1)],
    event.released_by && ['Its free', () => goTo(event.released_by[0] + 1)],
  ]);
}

/** The rows of the heap's panel: term, and a figure of a standing. */
const HEAP = [
  ['footprint', (s) => bytes(s.footprint_bytes)],
  ['asked for', (s) => bytes(s.requested_bytes), 'in-use'],
  ['of the footprint', (s) => percent(s.requested_bytes, s.footprint_bytes)],
  ['rounding', (s) => bytes(s.rounding_bytes), 'rounding'],
  ['headers', (s) => bytes(s.header_bytes), 'header'],
  ['in the cache', (s) => bytes(s.cached_bytes), 'cached'],
  ['free in runs', (s) => bytes(s.home_bytes), 'home'],
  ['free chunks', (s) => `${bytes(s.free_bytes)} in ${count(s.free_chunks)}`, 'free'],
  ['never used', (s) => bytes(s.fresh_bytes), 'fresh'],
  ['fragmentation', (s) => {
    const free = s.free_bytes + s.fresh_bytes;
    return free > 0 ? percent(free - Math.min(free, s.largest_free), free) : '–';
  }, null, 'share of the free bytes that is not in the largest free chunk'],
  ['live blocks', (s) => count(s.live_blocks)],
  ['arenas, spans', (s) => `${count(s.arenas)}, ${count(s.spans)}`],
  ['made, released', (s) => `${count(s.arenas_made)}, ${count(s.arenas_released)}`, null, 'arenas made and given back'],
  ['mallocs, frees', (s) => `${count(s.alloc_calls)}, ${count(s.free_calls)}`],
  ['splits, coalesces', (s) => `${count(s.splits)}, ${count(s.coalesces)}`],
  ['refills, flushes', (s) => `${count(s.refills)}, ${count(s.flushes)}`],
];

/** Where the heap's thread ends or has ended, and what it leaves. */
function showEnd(thread, ended, goTo) {
  const box = byId('heap-end');
  const { end } = thread;
  box.hidden = !end;
  if (!end) return;
  const left = end.blocks === 0 ? 'no block' : `${plural(end.blocks, 'block')} of ${bytes(end.bytes)}`;
  const place = make('button', { type: 'button', class: 'link', on: () => goTo(end.event + 1) }, `#${count(end.event)}`);
  box.replaceChildren(
    ended ? 'Its thread has ended, at ' : 'Its thread ends at ', place,
    ` (${time(end.time_ns)}), ${ended ? 'and left' : 'and leaves'} ${left}.`,
    ended ? ' What others free goes straight home: the heap has no cache any more.' : '',
  );
}

/** How the heap of `thread` stands, under each policy. `goTo(position)` is for its end. */
export function showHeap(standings, thread, goTo) {
  const [first] = standings;
  showEnd(thread, first.ended, goTo);
  const parts = [
    ['in-use', first.requested_bytes], ['rounding', first.rounding_bytes], ['header', first.header_bytes], ['cached', first.cached_bytes],
    ['home', first.home_bytes], ['free', first.free_bytes], ['fresh', first.fresh_bytes],
  ];
  const stack = byId('stack');
  stack.replaceChildren(...parts.map(([name, size]) => {
    const part = make('i', { class: name });
    part.style.width = `${first.footprint_bytes > 0 ? (size / first.footprint_bytes) * 100 : 0}%`;
    return part;
  }));
  stack.ariaLabel = `Of ${bytes(first.footprint_bytes)}, ${percent(first.requested_bytes, first.footprint_bytes)} is what the program asked for`;
  const refused = standings.some((s) => s.refused > 0) ? [['refused', (s) => count(s.refused)]] : [];
  const head = standings.length > 1 ? [make('tr', {}, make('td'), ...standings.map((_, pane) => make('th', { scope: 'col' }, `pane ${pane + 1}`)))] : [];
  const rows = [...HEAP, ...refused].map(([term, figure, swatch, title]) => {
    const name = make('th', { scope: 'row', ...(title ? { title } : {}) });
    if (swatch) name.append(make('i', { class: `swatch ${swatch}` }));
    name.append(term);
    return make('tr', {}, name, ...standings.map((s) => make('td', {}, figure(s))));
  });
  byId('heap-facts').replaceChildren(make('table', { class: 'figures' }, make('tbody', {}, ...head, ...rows)));
}

/** What the panel says while there is no place to tell of. */
const HINT = byId('place-hint').textContent;

/** What lies at a place, in a line below the map: on a narrow screen the panel itself is further down. */
function showBrief(place) {
  const brief = byId('brief');
  brief.hidden = !place;
  if (!place) return;
  brief.textContent = [
    place.state, place.requested === null ? bytes(place.bytes) : `${count(place.requested)} of ${count(place.bytes)} B`,
    address(place.position + place.header_bytes), place.made && `made by thread ${place.made.thread}, #${count(place.made.event)}`,
  ].filter(Boolean).join(' · ');
}

byId('brief').addEventListener('click', () => byId('place-title').scrollIntoView({ block: 'start', behavior: 'smooth' }));

/** What lies at a place; null clears the panel. */
export function showPlace(place, pinned, goTo) {
  const title = byId('place-title');
  title.classList.toggle('pinned', pinned);
  title.textContent = pinned ? 'Block' : 'Under the pointer';
  showBrief(place);
  byId('place-hint').hidden = place !== null;
  byId('place-hint').textContent = pinned ? 'The heap has no memory at the pinned place now.' : HINT;
  byId('place-fields').hidden = !place || place.fields.length === 0;
  if (!place) {
    fill(byId('place-facts'), []);
    byId('place-jumps').replaceChildren();
    return;
  }
  const made = place.made;
  const kind = place.state === 'in use' ? (place.bin !== null ? 'small block' : place.position === place.region[1] || place.header_bytes === 0 ? 'span' : 'chunk') : '';
  fill(byId('place-facts'), [
    ['state', kind ? `${place.state}, ${kind}` : place.state],
    ['address', address(place.position + place.header_bytes)],
    place.requested !== null && ['asked for', `${count(place.requested)} B`],
    place.given !== null && ['given', `${count(place.given)} B`],
    ['with header', `${count(place.bytes)} B`],
    place.bin !== null && ['bin', `${place.bin} (${place.bin * 16} B)`],
    ['in', `region ${place.region[0]}, from ${address(place.region[1])}`],
    made && ['made by', `thread ${made.thread}, #${count(made.event)}, ${made.kind}`],
    made && ['made at', time(made.time_ns)],
    made && ['freed by', made.released_by ? `thread ${made.released_by[1]}, #${count(made.released_by[0])}` : 'nobody, as far as is loaded'],
    made?.released_by && ['freed at', time(made.released_ns)],
  ]);
  byId('place-fields').tBodies[0].replaceChildren(...place.fields.map((field) => (
    make('tr', {}, make('th', { scope: 'row' }, field.name), make('td', { class: 'mono' }, field.value), make('td', {}, field.meaning)))));
  buttons(byId('place-jumps'), [
    made && ['Its malloc', () => goTo(made.event + 1), 'To its malloc (B)'],
    made?.released_by && ['Its free', () => goTo(made.released_by[0] + 1), 'To its free (E)'],
  ]);
}

/** The tape in the bar, and the choice of heaps. */
export function showTape(name, summary) {
  byId('tape').hidden = false;
  byId('tape-name').textContent = summary.name || name;
  const [from, to] = summary.range;
  const part = from > 0 || to < summary.events ? `#${count(from)} to #${count(to)} of ${plural(summary.events, 'event')}` : plural(summary.events, 'event');
  byId('tape-facts').textContent = [
    plural(summary.threads.length, 'thread'), part, time(summary.duration_ns),
    `${bytes(summary.peak_live_bytes)} live at the peak`, `${bytes(summary.tape_bytes)} of tape`,
  ].join(' · ');
  document.title = `${summary.name || name} · heaptape`;
  byId('heap').replaceChildren(...summary.threads.map((thread) => {
    const label = thread.name ? `thread ${thread.index} ${thread.name}` : `thread ${thread.index}`;
    const ends = thread.end ? ' · ends' : '';
    return make('option', { value: thread.index }, `${label} · ${plural(thread.heap_events, 'event')} · ${bytes(thread.peak_live_bytes)}${ends}`);
  }));
}
