// The view of an open tape: where one stands, which heap under which policies, and everything drawn from it.

import { count, time } from './format.js';
import { showLegend } from './legend.js';
import { showList } from './lists.js';
import { HeapMap } from './map.js';
import { isDark, mapPalette } from './palette.js';
import { make, showEvent, showHeap, showPlace } from './panels.js';
import { policyForm } from './policies.js';
import { Timeline } from './timeline.js';

const byId = (id) => document.getElementById(id);

/** How often the lists are drawn while the heap plays, in milliseconds. */
const LISTS_MS = 250;

/** What the worker may take for a frame, and how often all of a large heap is painted while it plays, in milliseconds. */
const FRAME_MS = 11;
const WHOLE_MS = 1000;

/** The next frame; a hidden page has none, so it does not wait for long. */
const nextFrame = () => new Promise((resolve) => {
  requestAnimationFrame(resolve);
  setTimeout(resolve, 100);
});

function pane(number) {
  const box = byId(`pane-${number}`);
  const cells = make('canvas', { class: 'cells', 'aria-hidden': 'true' });
  const overlay = make('canvas', { class: 'overlay', id: `map-${number}`, tabindex: '0', role: 'img', 'aria-label': "Map of the heap's address space" });
  const head = make('div', { class: 'pane-head' });
  const empty = make('p', { class: 'map-empty', hidden: '' });
  const room = make('div', { class: 'map-box' }, cells, overlay, empty);
  box.append(head, room);
  return { box, head, overlay, empty, map: new HeapMap(room) };
}

/** Whether a window shows any of these arenas and spans. */
const showsAny = ({ from, cell, columns, rows }, regions) => regions.some(({ position, bytes }) => position < from + cell * columns * rows && position + bytes > from);

/** Why a map shows nothing. */
function whyEmpty({ ended, done, of, footprint_bytes: footprint }) {
  if (footprint > 0) return 'The heap has no memory here now. Fit (0) shows all of it.';
  if (ended) return 'The thread has ended, and all memory of its heap went back.';
  if (of === 0) return 'Nothing is asked of this heap in what is loaded.';
  return done === 0 ? 'Nothing was asked of this heap yet.' : 'This heap has no memory now.';
}

export class View {
  session = null;
  heap = 0;
  position = 0;
  standings = [];
  policies = [''];
  colouring = 'state';
  tab = 'heap';
  /** Where the pointer is, and which block is pinned: `{ pane, position }` or null. */
  hovered = null;
  pinned = null;
  /** What lies there. */
  place = null;
  playing = false;
  /** Whether the heap lives for a small part of the events only. */
  short = false;
  panes = [pane(1), pane(2)];
  timeline = new Timeline();
  /** Called after each drawing, and with what fails. */
  onDrawn = () => {};
  onError = () => {};
  #pendingBy = 0;
  #latest = null;
  #drawing = null;
  #stale = false;
  /** The frame in which what was drawn last is seen; and how often one has gone somewhere since. */
  #frame = Promise.resolve();
  #moves = 0;
  /** What the map and the list that are shown were made of, to see whether they still hold. */
  #painted = null;
  #listed = null;
  /** Which share of the map a frame has time for, where the next one begins, and when all was painted last. */
  #share = 1;
  #shown = null;
  #row = 0;
  #wholeAt = 0;
  #listedAt = 0;

  constructor() {
    this.panes.forEach(({ map }, number) => {
      map.onWindow = () => {
        // Panes show the same place.
        const other = this.panes[1 - number].map;
        if (this.policies.length > 1 && (other.zoomLevel !== map.zoomLevel || other.from !== map.from)) other.goTo(map.zoomLevel, map.from);
        this.refresh();
      };
      map.onHover = (at) => {
        this.hovered = at === null ? null : { pane: number, position: at };
        if (this.pinned === null) this.refresh();
      };
      map.onClick = (at) => this.pin(at === null ? null : { pane: number, position: at }).catch(this.onError);
    });
    this.setColouring('state');
  }

  get map() {
    return this.panes[0].map;
  }

  get standing() {
    return this.standings[0] ?? null;
  }

  /** Shows another tape, or none. */
  attach(session) {
    this.session = session;
    this.timeline.session = session;
    [this.pinned, this.hovered, this.place, this.standings] = [null, null, null, []];
    [this.#painted, this.#listed, this.#shown] = [null, null, null];
    this.#pendingBy = 0;
  }

  /** Draws, and comes back with the frame in which that is seen. */
  async refresh() {
    await this.#redraw();
    await this.#frame;
  }

  /** Draws: one at a time, and once more if something changed meanwhile. The worker is asked while the last frame is still to come. */
  #redraw() {
    this.#stale = true;
    this.#drawing ??= (async () => {
      while (this.#stale && this.session) {
        this.#stale = false;
        await this.#draw();
      }
    })().catch((error) => this.onError(error)).finally(() => { this.#drawing = null; });
    return this.#drawing;
  }

  async #draw() {
    const { session } = this;
    const moves = this.#moves;
    if (this.policies.length === 0 || !session.summary || byId('viewer').hidden) {
      await nextFrame();
      return;
    }
    const windows = this.policies.map((_, number) => this.panes[number].map.window);
    const by = this.#pendingBy;
    this.#pendingBy = 0;
    const at = this.pinned ?? this.hovered;
    const [tab, listed] = [this.tab, JSON.stringify([this.tab, this.heap, this.policies, this.position, by, at?.pane ?? 0])];
    const painted = JSON.stringify([this.heap, this.policies, this.position, by, windows, this.colouring, isDark()]);
    const [band, quick] = this.#band(windows, by !== 0 || painted !== this.#painted);
    const wants = { band, quick, list: this.#wantsList(by, listed) ? tab : null, pane: at?.pane ?? 0 };
    const seen = await session.look({ position: this.position, by, windows, palette: mapPalette(), mode: this.colouring, at, wants });
    await this.#frame;
    if (session !== this.session || seen.standings.length !== this.policies.length) return;
    // Who has gone elsewhere meanwhile stays there.
    if (by && moves === this.#moves) this.position = seen.position;
    this.standings = seen.standings;
    this.place = seen.place;
    this.#painted = by === 0 ? painted : null;
    if (seen.list) {
      [this.#listed, this.#listedAt] = [by === 0 ? listed : null, performance.now()];
      const where = { heap: this.heap, position: seen.position, summary: session.summary };
      showList(seen.list, where, (place) => this.pin({ pane: at?.pane ?? 0, position: place }, true), (thread) => this.onHeap(thread));
    }
    this.#show(windows, seen, band?.[0]);
    this.#frame = nextFrame();
    if (quick || this.#share === 1) this.#share *= Math.max(0.25, Math.min(2, FRAME_MS / Math.max(1, seen.took)));
    this.onDrawn(seen);
  }

  /**
   * Which rows of the map this frame paints, or null, and whether there is time for these only. A heap of a million blocks
   * takes longer than a frame has; while it plays, each frame paints a part of it, and now and then there is one for all.
   */
  #band(windows, stale) {
    if (!stale) return [null, false];
    const [now, shown, { rows }] = [performance.now(), JSON.stringify([windows, this.colouring, isDark()]), windows[0]];
    const changed = shown !== this.#shown;
    this.#shown = shown;
    this.#share = Math.max(0.1, Math.min(1, this.#share));
    if (!this.playing || changed || this.#share === 1 || now - this.#wholeAt > WHOLE_MS) {
      this.#wholeAt = now;
      if (!this.playing) this.#share = 1;
      return [[0, rows], false];
    }
    const top = this.#row < rows ? this.#row : 0;
    this.#row = Math.min(rows, top + Math.ceil(rows * this.#share));
    return [[top, this.#row], true];
  }

  /** Whether the list that is shown, if one is, is to be drawn anew. */
  #wantsList(by, listed) {
    if (this.tab === 'heap') return false;
    if (this.playing) return performance.now() - this.#listedAt > LISTS_MS;
    // That of all threads fills up while their heaps are replayed.
    return by !== 0 || listed !== this.#listed || this.tab === 'threads';
  }

  /** Called with a thread that was chosen in a list. */
  onHeap = () => {};

  #show(windows, { event, place, pixels, close, regions }, top) {
    const [now] = this.standings;
    this.#latest = event?.position ?? null;
    const at = this.pinned ?? this.hovered;
    windows.forEach((window, number) => {
      const { map, overlay, empty } = this.panes[number];
      // Only the first pane's heap is where the last event says.
      map.outlines = [
        number === 0 && event?.position != null && { position: event.position, bytes: event.size ?? 1, colour: '--ink' },
        place && at?.pane === number && { position: place.position, bytes: place.bytes, colour: '--accent' },
      ].filter(Boolean);
      map.regions = regions[number];
      map.close = close[number];
      map.show(window, pixels?.[number], top);
      const standing = this.standings[number];
      empty.hidden = standing.footprint_bytes > 0 && showsAny(window, regions[number]);
      if (!empty.hidden) empty.textContent = whyEmpty(standing);
      overlay.ariaLabel = `Map of the heap of thread ${this.heap} after event ${now.position}: ${standing.live_blocks} live blocks`;
    });
    this.timeline.position = now.position;
    showHeap(this.standings, this.session.summary.threads[this.heap], this.goTo);
    showEvent(event, this.goTo);
    showPlace(place, this.pinned !== null, this.goTo);
    const { range: [from, to], events } = this.session.summary;
    byId('scale').textContent = this.map.scale;
    byId('scrub').ariaValueText = `event ${count(now.position)}, of ${count(from)} to ${count(to)}`;
    if (document.activeElement !== byId('number')) byId('number').value = now.position;
    byId('where').textContent = `of ${count(events)} events · ${time(now.time_ns)}`;
  }

  /** Goes to the state after so many events. */
  goTo = (target) => {
    const [from, to] = this.session.summary.range;
    this.position = Math.max(from, Math.min(to, Math.round(target)));
    this.#pendingBy = 0;
    this.#moves += 1;
    return this.refresh();
  };

  /** Goes on by so many of the heap's events, or back; comes back when that is drawn, before its frame. */
  advance(by) {
    this.#pendingBy += by;
    return this.#redraw();
  }

  /** Pins what lies at a place, where the heap has memory; `show` brings it into view. */
  async pin(at, show = false) {
    const place = at && (await this.session.place(at.pane, at.position));
    // Where the heap has no memory there is nothing to pin.
    this.pinned = place ? at : null;
    if (place && show) this.panes[at.pane].map.reveal(place.position, place.bytes);
    await this.refresh();
    return place;
  }

  /** Pins the next block in use, or the last one before; false when there is none. */
  async pinNeighbour(forward) {
    // Without a place to begin at, the first one is the block of the last event, or else the one at that end of the map.
    const beside = forward ? Math.max(0, (this.#latest ?? 0) - 1) : (this.#latest ?? this.standing.top) + 1;
    const at = this.pinned ?? this.hovered ?? { pane: 0, position: beside };
    const from = this.place && this.pinned ? this.place.position + this.place.header_bytes : at.position;
    const next = await this.session.neighbour(at.pane, from, forward);
    if (next !== null) await this.pin({ pane: at.pane, position: next }, true);
    return next !== null;
  }

  /** The place on the map that a zoom without a pointer keeps in view. */
  get focus() {
    const at = this.pinned && this.place ? this.place.position : this.hovered?.position;
    return Math.min(at ?? this.#latest ?? 0, Math.max(0, (this.standing?.top ?? 1) - 1));
  }

  setColouring(name) {
    this.colouring = name;
    byId('colour').value = name;
    showLegend(byId('legend'), name);
    return this.refresh();
  }

  /** Chooses a heap and its policies; `report(share)` on the way. False when another choice came in between. */
  async choose(heap, policies, report = () => {}) {
    const { session } = this;
    const selected = await session.select(heap, policies, report);
    if (selected === null || session !== this.session) return false;
    this.short = selected.short;
    if (heap !== this.heap) [this.pinned, this.hovered] = [null, null];
    const before = this.policies.length;
    [this.heap, this.policies] = [heap, policies];
    if (policies.length < 2 && this.pinned?.pane === 1) this.pinned = null;
    if (policies.length < 2) this.hovered = null;
    byId('heap').value = heap;
    byId('split').ariaPressed = String(policies.length > 1);
    byId('pane-2').hidden = policies.length < 2;
    byId('panes').classList.toggle('two', policies.length > 1);
    byId('charts').classList.toggle('two', policies.length > 1);
    const extent = Math.max(...selected.extents);
    for (const { map } of this.panes) map.extent = extent;
    if (before < policies.length) this.panes[1].map.goTo(this.map.zoomLevel, this.map.from);
    return true;
  }

  /** The heads of the panes; `onPolicy(pane, policy)` when a form was changed. */
  showPolicies(onPolicy) {
    this.panes.forEach(({ head }, number) => {
      const wanted = this.policies.length > 1 ? this.policies[number] : null;
      if (wanted === null) {
        head.replaceChildren();
        return;
      }
      const open = head.querySelector('details')?.open ?? false;
      const form = policyForm(number + 1, wanted, this.session.summary.policy, (policy) => onPolicy(number, policy));
      form.open = open;
      head.replaceChildren(form);
    });
  }
}
