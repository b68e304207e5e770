// What the map's colours mean in each colouring.

import { make } from './panels.js';

const STATES = [['in-use', 'in use'], ['cached', 'cached'], ['home', 'free in its run'], ['free', 'free'], ['header', 'header'], ['fresh', 'never used']];
const SCALES = {
  size: ['16 B', '1 MiB asked for'],
  age: ['new', 'as old as the tape'],
  class: ['bin 1', 'bin 64'],
};

/** The line beside the addresses. */
const REGIONS = [['arena', 'arena'], ['span', 'span']];

/** Fills the legend. */
export function showLegend(list, colouring) {
  const item = (swatch, text) => make('li', {}, make('i', { class: `swatch ${swatch}` }), text);
  const rest = [...STATES.slice(1), ...REGIONS].map(([swatch, text]) => item(swatch, text));
  if (colouring === 'state') {
    list.replaceChildren(item(...STATES[0]), ...rest);
  } else if (colouring === 'thread') {
    const threads = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => make('i', { class: `swatch thread-${number}` }));
    list.replaceChildren(make('li', {}, ...threads, 'freed by thread 0, 1, … (every eighth alike)'), item('none', 'never freed'), ...rest);
  } else {
    const [from, to] = SCALES[colouring];
    const scale = make('li', {}, from, make('i', { class: 'swatch scale' }), to);
    const more = colouring === 'class' ? [item('thread-4', 'chunk'), item('thread-8', 'span')] : [];
    list.replaceChildren(scale, ...more, ...rest);
  }
}
