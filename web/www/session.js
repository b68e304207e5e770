// A tape opened in a worker of its own. Every method is asynchronous and takes and gives plain values.

export class TapeSession {
  #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  #waiting = new Map();
  #next = 0;
  /** What is known of the tape, and of what is loaded of it. */
  summary = null;

  constructor() {
    this.#worker.onmessage = ({ data: { id, result, error, share } }) => {
      const call = this.#waiting.get(id);
      if (!call) return;
      if (share !== undefined) {
        call.report?.(share);
        return;
      }
      this.#waiting.delete(id);
      if (error === undefined) call.resolve(result);
      else call.reject(new Error(error));
    };
    this.#worker.onerror = (event) => {
      const error = new Error(`The replay could not start: ${event.message || 'its worker does not load'}. Reload the page.`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  /** Opens a tape: `{ name, file }` or `{ name, address }`. Reads its index only. */
  static async open(source, report) {
    const session = new TapeSession();
    try {
      session.summary = await session.#call('open', source, report);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  #call(method, args, report) {
    return new Promise((resolve, reject) => {
      this.#next += 1;
      this.#waiting.set(this.#next, { resolve, reject, report });
      this.#worker.postMessage({ id: this.#next, method, args });
    });
  }

  /** Ends the worker; its memory goes back. Calls under way are never answered. */
  close() {
    this.#worker.terminate();
    this.#waiting.clear();
  }

  /** Reads the events `from` to `to`. False when another long call came in between. */
  async load(from, to, report) {
    const summary = await this.#call('load', { from, to }, report);
    if (summary) this.summary = summary;
    return summary !== null;
  }

  scan(report) { return this.#call('scan', {}, report); }

  /** Chooses a thread's heap under one or two policies; the most address space of each, and whether the heap lives shortly; null when another call came. */
  select(heap, policies, report) { return this.#call('select', { heap, policies }, report); }

  surveyAll(report) { return this.#call('surveyAll', {}, report); }
  look(args) { return this.#call('look', args); }
  /** A chart of `what`; with `life`, of the heap's own life, if that is short. */
  chart(args) { return this.#call('chart', { life: false, ...args }); }
  chartAt(what, event, life = false) { return this.#call('chartAt', { what, event, life }); }
  svg(args) { return this.#call('svg', { life: false, ...args }); }

  /** Goes to the state after `events` events; returns how the heap stands there. */
  seek(position) { return this.#call('seek', { position }); }

  /** The position `by` events of the heap from `from`. */
  step(from, by) { return this.#call('step', { from, by }); }

  /** The position of the next (or last) `coalesce`, `split`, `arena` or `refusal`, or null. */
  find(from, what, forward) { return this.#call('find', { from, what, forward }); }

  firstFailure() { return this.#call('firstFailure'); }
  peakOfAll() { return this.#call('peakOfAll'); }
  event(number) { return this.#call('event', { number }); }
  place(pane, at) { return this.#call('place', { pane, at }); }
  neighbour(pane, at, forward) { return this.#call('neighbour', { pane, at, forward }); }
  search(pane, query) { return this.#call('search', { pane, query }); }

  /** The digest of the heap's layout, 16 hexadecimal digits. */
  digest(pane = 0) { return this.#call('digest', { pane }); }

  /** The first broken invariant of the heap, or the empty string. */
  broken(pane = 0) { return this.#call('broken', { pane }); }
}
