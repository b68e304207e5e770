// Numbers as people read them.

const whole = new Intl.NumberFormat('en-GB');
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A count with thousands separated. */
export const count = (n) => whole.format(n);

const compact = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumSignificantDigits: 3 });

/** A count in few digits, where it is long: 56.9K. */
export const short = (n) => (n < 10_000 ? count(n) : compact.format(n));

/** Bytes in the largest unit that leaves at least 1, three digits. */
export function bytes(n) {
  let unit = 0;
  let value = n;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Nanoseconds as ns, µs, ms, s or minutes. */
export function time(ns) {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(2)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(3)} ms`;
  if (ns < 60e9) return `${(ns / 1e9).toFixed(4)} s`;
  return `${Math.floor(ns / 60e9)} min ${((ns % 60e9) / 1e9).toFixed(2)} s`;
}

/** A position in the heap, in hexadecimal, four digits a group. */
export function address(n) {
  const digits = n.toString(16).padStart(n < 0x10000 ? 4 : 8, '0');
  return `0x${digits.replace(/\B(?=(....)+$)/g, '_')}`;
}

/** A share as per cent. */
export const percent = (part, of) => (of > 0 ? `${((part / of) * 100).toFixed(1)} %` : '–');

/** "1 event", "2 events". */
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;
