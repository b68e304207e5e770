// Playing: so many events of the heap each second, in steps of one frame.

/** Seconds in which the speed `auto` plays the whole heap. */
const WHOLE = 20;

export class Player {
  #tape;
  #playing = false;
  #speed = 'auto';
  /** Called with whether it plays now. */
  onChange = () => {};

  /** `tape` knows `advance(by)`, `atEnd()` and `total()`, the number of the heap's events. */
  constructor(tape) {
    this.#tape = tape;
  }

  get playing() {
    return this.#playing;
  }

  /** Events a second, or `auto`. */
  set speed(value) {
    this.#speed = value;
  }

  toggle() {
    if (this.#playing) this.pause();
    else this.#play();
  }

  pause() {
    if (!this.#playing) return;
    this.#playing = false;
    this.onChange(false);
  }

  async #play() {
    this.#playing = true;
    this.onChange(true);
    let owed = 0;
    let last = performance.now();
    try {
      while (this.#playing && !this.#tape.atEnd()) {
        const now = performance.now();
        const rate = this.#speed === 'auto' ? Math.max(1, this.#tape.total() / WHOLE) : Number(this.#speed);
        // A page that was hidden must not jump.
        owed += rate * Math.min(0.25, Math.max(0, now - last) / 1000);
        last = now;
        const by = Math.floor(owed);
        if (by === 0) {
          await new Promise(requestAnimationFrame);
          continue;
        }
        owed -= by;
        // Draws no more than once a frame.
        await this.#tape.advance(by);
      }
    } finally {
      this.pause();
    }
  }
}
