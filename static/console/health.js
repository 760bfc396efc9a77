// How the node that answers fares: its stores, clock, LDAP and identity providers, and what a restart would find.

import { get } from './api.js';
import { badge, button, card, facts, h, head, problem, table, when } from './ui.js';
import { t } from './words.js';

const draw = (health) => [
  card(t.thisNode, facts([
    [t.node, health.node],
    [t.status, badge(health.is_ready ? t.ready : t.notReady, health.is_ready ? 'good' : 'bad')],
    [t.version, health.version],
    [t.started, when(health.started_at, true)],
    [t.itsClock, when(health.now, true)],
  ])),
  h('div', { class: 'panel flush' }, table(t.health, [
    [t.lookedAt, (one) => h('code', {}, one.what)],
    [t.status, (one) => badge(one.is_good ? t.good : t.bad, one.is_good ? 'good' : 'bad')],
    [t.detail, (one) => h('ul', { class: 'plain small-print' }, one.lines.map((line) => h('li', {}, line)))],
  ], health.findings, t.none)),
];

export const showHealth = async (view) => {
  const place = h('div', { class: 'stack' });
  const told = h('p', { class: 'count', role: 'status' });
  const check = async () => {
    told.textContent = t.checking;
    try {
      place.replaceChildren(...draw(await get('/health')));
    } catch (error) {
      place.replaceChildren(problem(error));
    }
    told.textContent = '';
  };
  view.append(head(t.health, t.healthLead, button(t.checkAgain, check)), told, place);
  // A server that is away takes its time to be so: the page is there before the answer.
  check();
};
