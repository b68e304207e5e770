// The map's colours, read from the style sheet so that a theme is defined in one place.

const STATES = ['--in-use', '--cached', '--home', '--free', '--fresh', '--header'];

const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const known = new Map();
const listeners = [];

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  known.clear();
  for (const listener of listeners) listener();
});

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

/** The colours of the states, three bytes each, in the order that the module asks for. */
export function statePalette() {
  const all = new Uint8Array(STATES.length * 3);
  STATES.forEach((name, index) => all.set(channels(name), index * 3));
  return all;
}

/** Calls back when the theme changes. */
export function onThemeChange(listener) {
  listeners.push(listener);
}
