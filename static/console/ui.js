// Building blocks of the views. What users or servers say only ever becomes text, never markup.

import { t } from './words.js';

/** An element: properties by name (`class`, `on…` listeners, attributes), then children, nodes or text. */
export const h = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name === 'class' ? 'class' : name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

let counter = 0;
const freshId = (start) => {
  counter += 1;
  return `${start}-${counter}`;
};

/** A button: `kind` is `main`, `danger`, `quiet` or nothing. */
export const button = (label, act, kind = '', more = {}) => h('button', { type: 'button', class: `small ${kind}`.trim(), onclick: act, ...more }, label);

/** A labelled input with an optional hint; gives `[row, input]`. */
export const field = (label, input, hint = '') => {
  input.id ||= freshId('field');
  const note = hint && h('p', { class: 'hint', id: freshId('hint') }, hint);
  if (note) input.setAttribute('aria-describedby', note.id);
  return [h('div', { class: 'field' }, h('label', { for: input.id }, label), input, note), input];
};

/** A tick box with its label; gives `[row, input]`. */
export const tick = (label, properties = {}) => {
  const input = h('input', { type: 'checkbox', id: freshId('tick'), ...properties });
  return [h('div', { class: 'tick' }, input, h('label', { for: input.id }, label)), input];
};

export const text = (properties = {}) => h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...properties });
export const area = (properties = {}) => h('textarea', { rows: 3, spellcheck: 'false', autocomplete: 'off', ...properties });
export const select = (choices, chosen = '') => {
  const element = h('select', {}, choices.map(([value, label]) => h('option', { value }, label)));
  element.value = chosen;
  return element;
};

/** The entries of a text with one a line. */
export const lines = (input) => input.value.split('\n').map((line) => line.trim()).filter(Boolean);

const momentFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment, as people say it when it is near, exact when pointed at. */
export const when = (at, isExact = false) => {
  if (!at) return t.never;
  const date = new Date(at);
  const minutes = (Date.now() - at) / 60_000;
  let words = momentFormat.format(date);
  if (isExact) words = exactFormat.format(date);
  else if (minutes >= 0 && minutes < 1) words = t.ago.now;
  else if (minutes >= 0 && minutes < 60) words = t.ago.minutes(Math.floor(minutes));
  else if (minutes >= 0 && minutes < 1440) words = t.ago.hours(Math.floor(minutes / 60));
  return h('time', { datetime: date.toISOString(), title: exactFormat.format(date) }, words);
};

export const badge = (words, kind = '') => h('span', { class: `badge ${kind}`.trim() }, words);
export const status = (word) => (word === 'active' ? badge(t.active, 'good') : badge(t[word] ?? word, 'off'));

/**
 * A table, on a phone a list of cards. Columns are `[title, cell]`, the first names its row; a column
 * without a title has the row's buttons.
 */
export const table = (caption, columns, rows, empty) => {
  if (!rows.length) return h('p', { class: 'empty' }, empty);
  const head = columns.map(([title]) => h('th', { scope: 'col' }, title || h('span', { class: 'for-readers' }, t.actions)));
  const body = rows.map((row) => h('tr', {}, columns.map(([title, cell], index) => {
    const properties = { 'data-label': title, class: title ? '' : 'buttons' };
    return index === 0 ? h('th', { scope: 'row', ...properties }, cell(row)) : h('td', properties, cell(row));
  })));
  // What scrolls must be within reach of the keyboard.
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, h('table', { class: 'list' },
    h('caption', { class: 'for-readers' }, caption), h('thead', {}, h('tr', {}, head)), h('tbody', {}, body)));
};

/** Terms and what they mean, as `[term, value]`. */
export const facts = (rows) => h('dl', { class: 'facts' }, rows.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));

/** A titled part of a view. */
export const card = (title, ...children) => h('section', { class: 'panel' }, title && h('h2', {}, title), children);

/** The head of a view: its title, a sentence, its main buttons. */
export const head = (title, lead, ...buttons) => h('div', { class: 'head' },
  h('div', {}, h('h1', { tabindex: -1 }, title), lead && h('p', { class: 'lead' }, lead)),
  buttons.length ? h('div', { class: 'head-buttons' }, buttons) : null);

const toast = document.getElementById('status');
let fading = null;

/** Says something in passing. */
export const say = (message) => {
  clearTimeout(fading);
  toast.textContent = message;
  fading = setTimeout(() => { toast.textContent = ''; }, 8000);
};

/** Shows in `place` what went wrong. */
export const problem = (error) => h('p', { class: 'error', role: 'alert' }, error.message);

/** Copies a text and says so. */
export const copy = async (words) => {
  try {
    await navigator.clipboard.writeText(words);
    say(t.copied);
  } catch { /* without permission it is there to be selected by hand */ }
};

/** A random password people can read aloud: no letters that look alike. */
export const suggestPassword = () => {
  const alphabet = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789';
  // 216 is the greatest multiple of 54 in a byte: every letter is as likely as any other.
  const drawn = [];
  while (drawn.length < 20) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) if (byte < 216 && drawn.length < 20) drawn.push(alphabet[byte % 54]);
  }
  return drawn.join('').replace(/(.{5})(?=.)/g, '$1-');
};
