// Small charts in SVG: lines or bars over the minutes of an hour, with what they show as a table for those who cannot see them.

import { h, table } from './ui.js';
import { t } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 200;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;

const s = (tag, attributes, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

/** The least round number from which the axis has room for `most`. */
const roundUp = (most) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((top) => top >= most);
};

/**
 * A figure. `series` are `{name, kind, values, isBars}`, values null where nothing is known; `format` writes a value.
 */
export const chart = ({ title, times, series, isWide = false, format = (value) => value.toLocaleString(), least = 4 }) => {
  // About as wide as it will be, so that the words in it have the size of words.
  const width = window.innerWidth < 840 ? 340 : isWide ? 900 : 440;
  const all = series.flatMap(({ values }) => values).filter((value) => value !== null);
  const top = roundUp(Math.max(least, ...all));
  const slot = (width - LEFT - RIGHT) / Math.max(times.length, 1);
  const x = (index) => LEFT + slot * (index + 0.5);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const marks = [];
  for (const share of [0, 0.5, 1]) {
    const value = top * share;
    marks.push(s('line', { class: 'axis', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      s('text', { class: 'scale', x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, format(value)));
  }
  times.forEach((at, index) => {
    if (new Date(at).getMinutes() % 15 === 0) marks.push(s('text', { class: 'scale', x: x(index), y: HEIGHT - 6, 'text-anchor': 'middle' }, clock.format(at)));
  });
  series.forEach(({ kind, values, isBars }, place) => {
    if (isBars) {
      const thick = (slot * 0.8) / series.length;
      values.forEach((value, index) => {
        if (value) marks.push(s('rect', { class: `bar-${kind}`, x: x(index) - slot * 0.4 + thick * place, y: y(value), width: thick, height: HEIGHT - BOTTOM - y(value), rx: Math.min(thick / 2, 1.5) }));
      });
      return;
    }
    // Gaps stay gaps: nothing is known of them.
    let path = '';
    values.forEach((value, index) => {
      if (value === null) return;
      const begins = index === 0 || values[index - 1] === null;
      path += `${begins ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      const isAlone = begins && (values[index + 1] ?? null) === null;
      if (isAlone) marks.push(s('circle', { class: `dot-${kind}`, cx: x(index), cy: y(value), r: 2.5 }));
    });
    if (path) marks.push(s('path', { class: `line-${kind}`, d: path }));
  });
  times.forEach((at, index) => {
    const told = series.map(({ name, values }) => `${name}: ${values[index] === null ? t.liveUnknown : format(values[index])}`);
    marks.push(s('rect', { class: 'hover', x: x(index) - slot / 2, y: TOP, width: slot, height: HEIGHT - TOP - BOTTOM },
      s('title', {}, `${clock.format(at)}\n${told.join('\n')}`)));
  });
  const rows = times.map((at, index) => ({ at, index })).filter(({ index }) => series.some(({ values }) => values[index])).reverse();
  const columns = [[t.at, ({ at }) => clock.format(at)], ...series.map(({ name, values }) => [name, ({ index }) => (values[index] === null ? t.liveUnknown : format(values[index]))])];
  return h('figure', { class: 'panel chart' },
    h('figcaption', {}, h('h2', {}, title), h('ul', { class: 'legend' }, series.map(({ name, kind }) => h('li', { class: `key-${kind}` }, name)))),
    s('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': title }, ...marks),
    h('details', {}, h('summary', {}, t.asTable), table(title, columns, rows, t.noData)));
};
