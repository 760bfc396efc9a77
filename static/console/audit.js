// The audit trail: filtered, followed while it grows, exported for a spreadsheet.

import { fileUrl, get } from './api.js';
import { badge, field, h, head, say, select, table, text, tick, when } from './ui.js';
import { t } from './words.js';

const POLL = 2_000;
const SHOWN = 200;

const OWN = ['ts', 'event', 'user', 'user_id', 'client', 'agent', 'dialect', 'incident', 'number', 'why', 'reason', 'what'];

const outcome = (event) => {
  const word = event.why ?? event.reason ?? event.what;
  const isRefused = event.event?.endsWith('_refused');
  return word ? badge(word.replaceAll('_', ' '), isRefused ? 'bad' : '') : badge(t.okOnly, 'good');
};

/** What else an event says, to be opened. */
const more = (event) => {
  const rest = Object.entries(event).filter(([name, value]) => !OWN.includes(name) && value !== null && value !== '');
  const all = [...rest, ['user_id', event.user_id], ['agent', event.agent], ['dialect', event.dialect], ['incident', event.incident]]
    .filter(([, value]) => value);
  return h('details', {}, h('summary', {}, rest.map(([name, value]) => `${name} ${value}`).join(', ') || t.more),
    h('dl', { class: 'facts' }, all.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value))))));
};

const millis = (input) => (input.value ? new Date(input.value).getTime() : '');

export const showAudit = async (view, { parameters }) => {
  const [actRow, act] = field(t.act, select([['', t.any], ...t.acts.map((word) => [word, word.replaceAll('_', ' ')])], parameters.get('act') ?? ''));
  const [userRow, user] = field(t.user, text({ type: 'search', value: parameters.get('user') ?? '' }));
  const [resultRow, result] = field(t.result, select([['', t.any], ['ok', t.okOnly], ['refused', t.refusedOnly]], parameters.get('result') ?? ''));
  const [fromRow, from] = field(t.since, h('input', { type: 'datetime-local' }));
  const [toRow, to] = field(t.until, h('input', { type: 'datetime-local' }));
  const [followRow, follow] = tick(t.follow, { checked: true });
  const download = h('a', { class: 'button small', download: 'vestibule-audit.csv' }, t.exportCsv);
  const place = h('div', { class: 'panel flush' });
  const note = h('p', { class: 'count', role: 'status' });
  const whose = h('p', { class: 'hint' });
  let events = [];
  let node = null;
  let newest = 0;
  let generation = 0;

  const wanted = () => ({ act: act.value, user: user.value.trim(), result: result.value, from: millis(from), to: millis(to) });
  const draw = () => {
    const open = new Set([...place.querySelectorAll('details[open]')].map((details) => details.dataset.number));
    place.replaceChildren(table(t.audit, [
      [t.time, (event) => when(Date.parse(event.ts), true)],
      [t.event, (event) => (event.event ?? '').replaceAll('_', ' ')],
      [t.user, (event) => event.user ?? ''],
      [t.result, outcome],
      [t.address, (event) => (event.client === '-' ? '' : event.client ?? '')],
      [t.more, (event) => {
        const details = more(event);
        details.dataset.number = event.number;
        details.open = open.has(String(event.number));
        return details;
      }],
    ], events, t.noEvents));
  };
  const load = async () => {
    generation += 1;
    const mine = generation;
    download.setAttribute('href', fileUrl('/audit.csv', wanted()));
    const found = await get('/audit', { ...wanted(), limit: SHOWN });
    if (mine !== generation) return;
    events = found.events;
    newest = found.newest;
    node = found.node;
    whose.textContent = t.auditNode(node);
    note.textContent = found.has_more ? t.hasMore : '';
    draw();
  };
  const poll = async () => {
    if (!follow.checked || document.hidden || to.value) return;
    const mine = generation;
    const found = await get('/audit', { ...wanted(), after: newest, limit: SHOWN }).catch(() => null);
    if (!found || mine !== generation) return;
    if (found.node !== node) {
      // Numbers of lines are each node's own, so what is shown cannot be gone on with.
      await load().catch(() => null);
      say(t.nodeChanged(node));
      return;
    }
    if (!found.events.length) return;
    newest = found.newest;
    events = [...found.events, ...events].slice(0, SHOWN);
    draw();
  };
  const filters = h('form', {
    class: 'filters',
    role: 'search',
    onsubmit: (event) => {
      event.preventDefault();
      load().catch((error) => { note.textContent = error.message; });
    },
  }, actRow, userRow, resultRow, fromRow, toRow, h('button', { type: 'submit', class: 'small' }, t.search));
  view.append(head(t.audit, t.auditLead, followRow, download), whose, filters, note, place);
  await load();
  const timer = setInterval(poll, POLL);
  return () => clearInterval(timer);
};
