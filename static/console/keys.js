// Secret keys: made and shown once, when they were used last, retired.

import { get, part, post } from './api.js';
import { ask, openForm, openNote } from './dialog.js';
import { badge, button, copy, field, h, head, say, select, status, table, text, when } from './ui.js';
import { t } from './words.js';

export const showKeys = async (view, { again }) => {
  const [{ keys }, { orgs }] = await Promise.all([get('/keys'), get('/orgs')]);
  const scope = (key) => (key.org === null ? t.wholeServer : orgs.find((org) => org.id === key.org)?.name ?? String(key.org));
  const create = async () => {
    const [labelRow, label] = field(t.label, text({ required: true }), t.labelHint);
    const [orgRow, org] = field(t.goodFor, select([['', t.wholeServer], ...orgs.map((one) => [String(one.id), one.name])]));
    const made = await openForm({
      title: t.newKey, rows: [labelRow, orgRow], label: t.create, act: () => post('/keys', { label: label.value.trim(), org: org.value }),
    });
    if (!made) return;
    await openNote(t.keyMade, h('p', { class: 'lead' }, t.keyOnce),
      h('div', { class: 'beside secret' }, h('code', { id: 'new-key', tabindex: 0 }, made.secret_key), button(t.copy, () => copy(made.secret_key))));
    again();
  };
  const retire = async (key) => {
    try {
      const { total } = await get('/sessions', { key: key.id, limit: 0 });
      if (!await ask(t.retireKey(key.label), t.retireLead(total), t.retire, () => post(`/keys/${part(key.id)}/retire`))) return;
      await again();
      say(t.keyRetired);
    } catch (error) {
      say(error.message);
    }
  };
  // Those that work first, the youngest in front.
  const sorted = keys.toSorted((one, other) => Boolean(one.retired_at) - Boolean(other.retired_at) || other.created_at - one.created_at);
  view.append(
    head(t.keys, t.keysLead, button(t.newKey, create, 'main')),
    h('div', { class: 'panel flush' }, table(t.keys, [
      [t.label, (key) => key.label || key.id],
      [t.goodFor, scope],
      [t.created, (key) => when(key.created_at)],
      [t.lastUsed, (key) => when(key.last_used_at)],
      [t.status, (key) => (key.retired_at ? h('span', {}, badge(t.retired, 'off'), ' ', when(key.retired_at)) : status('active'))],
      ['', (key) => h('span', { class: 'row-buttons' },
        h('a', { href: `#/sessions?key=${key.id}`, class: 'button small', 'aria-label': `${t.sessions}: ${key.label}` }, t.sessions),
        !key.retired_at && button(t.retire, () => retire(key), 'danger', { 'aria-label': `${t.retire} ${key.label}` }))],
    ], sorted, t.noKeys)),
  );
};
