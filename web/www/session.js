// A tape opened in the WebAssembly module. Every method is asynchronous and takes and gives plain values only, so the
// module can move to a worker without a change to those who call.

/** How long the page may stand still at a time, in milliseconds. */
const SLICE_MS = 12;

const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

let instances = 0;

/** A fresh module for each tape: memory of the last one goes back to the system, and what broke it is gone. */
async function freshModule() {
  const again = instances === 0 ? '' : `?instance=${instances}`;
  instances += 1;
  const module = await import(`./wasm/web.js${again}`);
  await module.default({ module_or_path: new URL('./wasm/web_bg.wasm', import.meta.url) });
  return module;
}

/** Repeats `work(budget)`, which returns a share, until the share is 1; yields to the page in between. */
async function inSlices(work, progress, stopped = () => false) {
  let budget = 2000;
  for (;;) {
    const start = performance.now();
    const share = work(budget);
    const spent = performance.now() - start;
    if (share >= 1) return true;
    // Towards slices that just fill their time.
    budget = Math.max(200, Math.min(4_000_000, Math.round(budget * Math.min(4, SLICE_MS / Math.max(spent, 0.5)))));
    progress(share);
    await nextTurn();
    if (stopped()) return false;
  }
}

export class TapeSession {
  #inner;
  #dead = null;
  /** What is known of the tape. */
  summary;

  /** Opens the tape in `data` (a Uint8Array); calls `progress(share)` on the way. */
  static async open(data, progress) {
    const module = await freshModule();
    const session = new TapeSession();
    session.#inner = session.#guard(() => new module.Session(data));
    await inSlices((budget) => session.#call('load', budget), progress);
    session.summary = JSON.parse(session.#call('summary'));
    return session;
  }

  /** Lets errors through, and turns the end of the module into one that says what to do. */
  #guard(work) {
    if (this.#dead) throw this.#dead;
    try {
      return work();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        this.#dead = new Error(`The replay module stopped (${error.message}). This is a defect in heaptape, or the browser ran out of memory; open the tape again, or a shorter one.`);
        throw this.#dead;
      }
      throw error;
    }
  }

  #call(method, ...args) {
    return this.#guard(() => this.#inner[method](...args));
  }

  /** Chooses a thread's heap and learns its course; calls `progress(share)` on the way. */
  async select(heap, progress) {
    this.#call('select', heap);
    await inSlices((budget) => this.#call('survey', budget), progress);
  }

  /** Learns the course of all heaps; `progress(share)` on the way. False if `stopped()` said so. */
  async surveyAll(progress, stopped) {
    return inSlices((budget) => this.#call('surveyAll', budget), progress, stopped);
  }

  /** Goes to the state after `events` events; returns how the heap stands there. */
  async seek(events) {
    this.#call('seek', events);
    return JSON.parse(this.#call('standing'));
  }

  /** The position `by` events of the heap from `from`. */
  async step(from, by) {
    return this.#call('step', from, by);
  }

  /** The position right after the heap's peak. */
  async peak() {
    return this.#call('peak');
  }

  /** An event, or null. */
  async event(number) {
    return JSON.parse(this.#call('event', number));
  }

  /** What lies at a byte of the heap, or null. */
  async place(at) {
    return JSON.parse(this.#call('place', at));
  }

  /** The map's pixels: `columns * rows` cells of red, green, blue, opacity. */
  async paint({ from, cell, columns, rows }, palette) {
    return this.#call('paint', from, cell, columns, rows, palette);
  }

  /** The most address space that the heap ever uses, in bytes. */
  async extent() {
    return this.#call('extent');
  }

  /** Live bytes and footprint of each bucket of `width` events. */
  async course(all) {
    return {
      width: this.#call('bucketWidth'),
      live: this.#call('live', all),
      footprint: this.#call('footprint', all),
    };
  }

  /** The digest of the heap's layout, 16 hexadecimal digits. */
  async digest() {
    return this.#call('digest');
  }

  /** The first broken invariant of the heap, or the empty string. */
  async broken() {
    return this.#call('broken');
  }
}
