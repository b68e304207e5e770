// The panels beside the map: the last event, the heap in numbers, the block under the pointer.

import { address, bytes, count, percent, plural, time } from './format.js';

const byId = (id) => document.getElementById(id);

/** Fills a definition list with `[term, value]`; a term may be `[swatch, text]`. */
function fill(list, rows) {
  list.replaceChildren(...rows.filter(Boolean).flatMap(([term, value]) => {
    const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
    if (Array.isArray(term)) {
      const swatch = document.createElement('i');
      swatch.className = `swatch ${term[0]}`;
      dt.append(swatch, term[1]);
    } else {
      dt.textContent = term;
    }
    dd.textContent = value;
    return [dt, dd];
  }));
}

/** Buttons that lead to events: `[label, position]`. */
function jumps(box, list, goTo) {
  box.replaceChildren(...list.filter(Boolean).map(([label, position]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => goTo(position));
    return button;
  }));
}

/** An event as a line of code. */
function call(event) {
  const size = event.size === null ? '' : count(event.size);
  switch (event.kind) {
    case 'malloc': case 'calloc': return `${event.kind}(${size})`;
    case 'aligned_alloc': return `aligned_alloc(${count(event.align)}, ${size})`;
    case 'realloc': return event.made_by ? `realloc(#${count(event.made_by[0])}, ${size})` : `realloc(?, ${size})`;
    case 'free': return event.made_by ? `free(#${count(event.made_by[0])})` : 'free(?)';
    case 'refused request': return `malloc(${size}) = null`;
    default: return event.detail ? `${event.kind}: ${event.detail}` : event.kind;
  }
}

/** The last event that touched the heap; null before the first. `goTo(position)` is for its buttons. */
export function showEvent(event, goTo) {
  const [line, facts, links] = [byId('call'), byId('event-facts'), byId('event-jumps')];
  if (!event) {
    line.textContent = 'nothing yet';
    fill(facts, []);
    links.replaceChildren();
    return;
  }
  line.textContent = call(event);
  const lifetime = event.released_by ? `at #${count(event.released_by[0])}, thread ${event.released_by[1]}` : 'never on this tape';
  fill(facts, [
    ['event', `#${count(event.event)}`],
    ['time', time(event.time_ns)],
    ['thread', `${event.thread}`],
    event.released_size !== null && ['releases', bytes(event.released_size)],
    event.made_by && ['made', `at #${count(event.made_by[0])}, thread ${event.made_by[1]}`],
    event.size !== null && event.kind !== 'refused request' && ['released', lifetime],
    event.position !== null && ['lies at', address(event.position)],
  ]);
  jumps(links, [
    event.made_by && ['Its malloc', event.made_by[0] + 1],
    event.released_by && ['Its free', event.released_by[0] + 1],
  ], goTo);
}

/** How the heap stands. */
export function showHeap(standing) {
  const footprint = standing.footprint_bytes;
  const rounding = Math.max(0, standing.current_bytes - standing.requested_bytes);
  const rest = Math.max(0, footprint - standing.current_bytes - standing.cached_bytes);
  const parts = [['in-use', standing.requested_bytes], ['rounding', rounding], ['cached', standing.cached_bytes], ['rest', rest]];
  const stack = byId('stack');
  stack.replaceChildren(...parts.map(([name, size]) => {
    const part = document.createElement('i');
    part.className = name;
    part.style.width = `${footprint > 0 ? (size / footprint) * 100 : 0}%`;
    return part;
  }));
  stack.ariaLabel = `Of ${bytes(footprint)}, ${percent(standing.requested_bytes, footprint)} is what the program asked for`;
  fill(byId('heap-facts'), [
    ['footprint', bytes(footprint)],
    [['in-use', 'asked for'], `${bytes(standing.requested_bytes)} · ${percent(standing.requested_bytes, footprint)}`],
    [['rounding', 'rounding'], bytes(rounding)],
    [['cached', 'in the cache'], bytes(standing.cached_bytes)],
    [['rest', 'free, headers'], bytes(rest)],
    ['live blocks', count(standing.live_blocks)],
    ['arenas, spans', `${count(standing.arenas)}, ${count(standing.spans)}`],
    ['mallocs, frees', `${count(standing.alloc_calls)}, ${count(standing.free_calls)}`],
    ['splits, coalesces', `${count(standing.splits)}, ${count(standing.coalesces)}`],
    ['refills, flushes', `${count(standing.refills)}, ${count(standing.flushes)}`],
    standing.refused > 0 && ['refused', count(standing.refused)],
  ]);
}

/** What lies at a place; null clears the panel. */
export function showPlace(place, pinned, goTo) {
  byId('place-title').classList.toggle('pinned', pinned);
  byId('place-title').textContent = pinned ? 'Block' : 'Under the pointer';
  byId('place-hint').hidden = place !== null;
  if (!place) {
    fill(byId('place-facts'), []);
    byId('place-jumps').replaceChildren();
    return;
  }
  const made = place.made;
  fill(byId('place-facts'), [
    ['state', place.state],
    ['lies at', address(place.position)],
    ['length', `${count(place.bytes)} B`],
    place.header_bytes > 0 && ['of it header', `${count(place.header_bytes)} B`],
    place.requested !== null && ['asked for', `${count(place.requested)} B`],
    place.bin !== null && ['bin', `${place.bin} (${place.bin * 16} B)`],
    ['in region', `${place.region[0]}, from ${address(place.region[1])}`],
    made && ['made', `#${count(made.event)}, ${made.kind}`],
    made && ['by thread', `${made.thread}, at ${time(made.time_ns)}`],
    made && ['released', made.released_by ? `#${count(made.released_by[0])}, thread ${made.released_by[1]}` : 'never on this tape'],
  ]);
  jumps(byId('place-jumps'), [
    made && ['Its malloc', made.event + 1],
    made?.released_by && ['Its free', made.released_by[0] + 1],
  ], goTo);
}

/** The tape in the bar, and the choice of heaps. */
export function showTape(name, summary) {
  byId('tape').hidden = false;
  byId('tape-name').textContent = summary.name || name;
  byId('tape-facts').textContent = [
    plural(summary.threads.length, 'thread'), plural(summary.events, 'event'), time(summary.duration_ns),
    `${bytes(summary.peak_live_bytes)} live at the peak`, `${bytes(summary.tape_bytes)} of tape`,
  ].join(' · ');
  document.title = `${summary.name || name} · heaptape`;
  byId('heap').replaceChildren(...summary.threads.map((thread) => {
    const option = document.createElement('option');
    option.value = thread.index;
    const label = thread.name ? `thread ${thread.index} ${thread.name}` : `thread ${thread.index}`;
    option.textContent = `${label} · ${plural(thread.heap_events, 'event')} · ${bytes(thread.peak_live_bytes)}`;
    return option;
  }));
}
