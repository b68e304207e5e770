// What if: the settings of a heap, as a form for each pane.

import { bytes } from './format.js';
import { make } from './panels.js';

/** Settings: name, label, and values worth a try with the text of each. */
const SETTINGS = [
  ['coalesce', 'Coalescing', [['on', 'on'], ['off', 'off']]],
  ['fit', 'Fit', [['good', 'good'], ['best', 'best of a few'], ['first', 'first']]],
  ['bins', 'Bins up to', [['1016', '1016 B'], ['512', '512 B'], ['128', '128 B'], ['0', 'no bins']]],
  ['run', 'Runs of', [['1024', '1 KiB'], ['4096', '4 KiB'], ['16384', '16 KiB'], ['65536', '64 KiB']]],
  ['cache', 'Cache of a bin', [['64', '8 blocks'], ['4096', '4 KiB'], ['16384', '16 KiB'], ['131072', '128 KiB']]],
  ['limit', 'Cache grows to', [['64', 'no more'], ['16384', '16 KiB'], ['131072', '128 KiB'], ['1048576', '1 MiB']]],
  ['arena', 'First arena', [['16384', '16 KiB'], ['65536', '64 KiB'], ['1048576', '1 MiB'], ['4194304', '4 MiB']]],
  ['most', 'Largest arena', [['65536', '64 KiB'], ['1048576', '1 MiB'], ['4194304', '4 MiB'], ['67108864', '64 MiB']]],
  ['span', 'Spans above', [['65536', '64 KiB'], ['524288', '512 KiB'], ['16777216', '16 MiB']]],
];

const read = (policy) => new Map(policy.split(',').filter(Boolean).map((setting) => setting.split('=')));
/** A value as the form writes it; one that it does not offer is a number of bytes. */
const inWords = (name, value) => SETTINGS.find(([known]) => known === name)?.[2].find(([known]) => known === value)?.[1]
  ?? (/^\d+$/.test(value) ? bytes(Number(value)) : value);

/** A policy in words. */
export function describe(policy) {
  const given = [...read(policy)].map(([name, value]) => {
    const label = SETTINGS.find(([known]) => known === name)?.[1] ?? name;
    return `${label.toLowerCase()} ${inWords(name, value)}`;
  });
  return given.length > 0 ? given.join(', ') : 'as it ships';
}

/**
 * The head of a pane: what its policy is, and a form to change it. `own` are the allocator's own settings, as pairs;
 * `onChange(policy)` gets the policy as text.
 */
export function policyForm(number, policy, own, onChange) {
  const given = read(policy);
  const shipped = new Map(own);
  const fields = SETTINGS.map(([name, label, values]) => {
    const usual = shipped.get(name);
    const others = values.filter(([value]) => value !== usual);
    const odd = given.has(name) && !values.some(([value]) => value === given.get(name)) ? [[given.get(name), inWords(name, given.get(name))]] : [];
    const all = [['', `${inWords(name, usual)} ✓`], ...others, ...odd];
    const select = make('select', { name, title: 'The one with ✓ is as it ships' }, ...all.map(([value, text]) => make('option', { value }, text)));
    select.value = given.get(name) === usual ? '' : given.get(name) ?? '';
    return make('label', { class: 'field' }, label, select);
  });
  const reset = make('button', { type: 'button', on: () => onChange('') }, 'As it ships');
  const form = make('form', { class: 'policy-fields' }, ...fields, reset);
  form.addEventListener('change', () => {
    const changed = SETTINGS.map(([name]) => [name, form.elements.namedItem(name).value]).filter(([, value]) => value !== '');
    onChange(changed.map((pair) => pair.join('=')).join(','));
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  return make('details', { class: 'policy' }, make('summary', {}, make('b', {}, `Pane ${number}`), ` ${describe(policy)}`), form);
}
