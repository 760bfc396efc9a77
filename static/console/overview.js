// The last hour at a glance: logins, refusals, live sessions, how long look-ups take.

import { get } from './api.js';
import { chart } from './charts.js';
import { h, head, say } from './ui.js';
import { t } from './words.js';

const REFRESH = 10_000;
const MINUTES = 60;

const figure = (label, value, note = '') => h('div', { class: 'panel figure' }, h('p', { class: 'figure-label' }, label), h('p', { class: 'figure-value' }, value), note && h('p', { class: 'hint' }, note));

const draw = ({ minutes }) => {
  const last = minutes.slice(-MINUTES - 1);
  // The hour is always as wide, so that a server just started does not look busy.
  const end = last.at(-1)?.at ?? Date.now();
  const times = Array.from({ length: MINUTES + 1 }, (_, index) => end - (MINUTES - index) * 60_000);
  const by = new Map(last.map((minute) => [minute.at, minute]));
  const values = (name, missing) => times.map((at) => by.get(at)?.[name] ?? missing);
  const sum = (name) => last.reduce((all, minute) => all + minute[name], 0).toLocaleString();
  const live = last.at(-1)?.live ?? null;
  const live60 = values('live', null);
  return [
    h('div', { class: 'figures' },
      figure(t.liveNow, live === null ? t.liveUnknown : live.toLocaleString(), live === null ? t.liveUnknownWhy : ''),
      figure(t.loginsHour, sum('logins')), figure(t.failuresHour, sum('failures')), figure(t.checksHour, sum('checks'))),
    chart({
      title: t.loginsChart,
      isWide: true,
      times,
      series: [{ name: t.logins, kind: 'one', values: values('logins', 0), isBars: true }, { name: t.failures, kind: 'two', values: values('failures', 0), isBars: true }],
    }),
    h('div', { class: 'columns' },
      live60.some((value) => value !== null) && chart({ title: t.liveChart, times, series: [{ name: t.liveSeries, kind: 'one', values: live60 }] }),
      chart({
        title: t.latencyChart,
        times,
        format: (value) => t.micros(value),
        least: 100,
        series: [{ name: t.median, kind: 'one', values: values('median_us', null) }, { name: t.p99, kind: 'two', values: values('p99_us', null) }],
      })),
  ];
};

export const showOverview = async (view) => {
  const place = h('div', { class: 'stack' });
  const first = await get('/trends');
  const top = h('div', {}, head(t.overview, t.lastHour(first.node)));
  let node = first.node;
  view.append(top, place);
  place.replaceChildren(...draw(first));
  const timer = setInterval(async () => {
    // Drawn anew only while nobody reads a table of it.
    if (document.hidden || place.querySelector('details[open]')) return;
    const trends = await get('/trends').catch(() => null);
    if (!trends) return;
    // Behind a balancer the next answer may be another node's.
    if (trends.node !== node) {
      node = trends.node;
      top.replaceChildren(head(t.overview, t.lastHour(node)));
      say(t.nodeChanged(node));
    }
    place.replaceChildren(...draw(trends));
  }, REFRESH);
  return () => clearInterval(timer);
};
