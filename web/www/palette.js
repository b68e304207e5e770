// The map's colours, read from the style sheet so that a theme is defined in one place.

const NAMES = [
  '--in-use', '--cached', '--home', '--free', '--fresh', '--header', '--none',
  '--scale-1', '--scale-2', '--scale-3', '--scale-4', '--scale-5', '--scale-6',
  '--thread-1', '--thread-2', '--thread-3', '--thread-4', '--thread-5', '--thread-6', '--thread-7', '--thread-8',
];

const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const known = new Map();
const listeners = [];
const darkness = matchMedia('(prefers-color-scheme: dark)');

/** The theme that the person chose; null follows the system. */
let chosen = null;

function changed() {
  known.clear();
  for (const listener of listeners) listener();
}

darkness.addEventListener('change', changed);

/** Whether the page is dark now. */
export const isDark = () => (chosen === null ? darkness.matches : chosen === 'dark');

/** Changes between light and dark. */
export function toggleTheme() {
  chosen = isDark() ? 'light' : 'dark';
  document.documentElement.style.colorScheme = chosen;
  changed();
}

/** A colour property as red, green, blue. What `light-dark()` means is asked of the browser. */
function channels(name) {
  let found = known.get(name);
  if (!found) {
    const element = document.createElement('i');
    element.style.color = `var(${name})`;
    document.body.append(element);
    probe.fillStyle = getComputedStyle(element).color;
    element.remove();
    probe.fillRect(0, 0, 1, 1);
    found = probe.getImageData(0, 0, 1, 1).data.slice(0, 3);
    known.set(name, found);
  }
  return found;
}

/** A colour property as a value that a canvas takes. */
export const colour = (name) => `rgb(${channels(name).join(' ')})`;

/** The map's colours, three bytes each, in the order that the module asks for. */
export function mapPalette() {
  const all = new Uint8Array(NAMES.length * 3);
  NAMES.forEach((name, index) => all.set(channels(name), index * 3));
  return all;
}

/** Calls back when the theme changes. */
export function onThemeChange(listener) {
  listeners.push(listener);
}
