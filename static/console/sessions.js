// Live sessions: found by user, Org and key, counted, ended one by one or together.

import { get, post } from './api.js';
import { ask } from './dialog.js';
import { badge, button, field, h, head, say, select, table, text, when } from './ui.js';
import { t } from './words.js';

/** Asks, ends one session, and shows what is left. */
export const endOne = async (session, again) => {
  if (!await ask(t.endOne(session.user), t.endOneLead, t.end, () => post('/sessions/revoke', { session: session.id }))) return;
  await again();
  say(t.ended);
};

/** On the page of one user, `endOthers` ends all but one. */
export const sessionTable = (sessions, end, { orgName = String, endOthers = null } = {}) => {
  const hasUser = endOthers === null;
  const columns = [
    [t.from, (session) => h('span', { title: session.agent }, `${session.device} · ${session.address}`)],
    [t.orgOf, (session) => orgName(session.org)],
    [t.method, (session) => t.methods[session.method] ?? session.method],
    [t.opened, (session) => when(session.opened_at)],
    [t.lastSeen, (session) => (session.is_own ? badge(t.thisOne, 'strong') : when(session.last_seen_at))],
    ['', (session) => h('span', { class: 'row-buttons' },
      !hasUser && sessions.length > 1 && button(t.endOthers, () => endOthers(session), '', { 'aria-label': `${t.endOthers}: ${session.device}` }),
      button(t.end, () => end(session), 'danger', { 'aria-label': `${t.end}: ${session.user}, ${session.device}` }))],
  ];
  const user = [t.user, (session) => h('a', { href: `#/users/${encodeURIComponent(session.user_id)}` }, session.user)];
  if (hasUser) columns.unshift(user);
  else columns.splice(1, 1);
  return table(t.sessions, columns, sessions, t.noSessions);
};

export const showSessions = async (view, { me, parameters, again }) => {
  const wanted = { user: parameters.get('user') ?? '', org: parameters.get('org') ?? '', key: parameters.get('key') ?? '' };
  const isServer = me.scope === 'server';
  const [found, { orgs }, keys] = await Promise.all([
    get('/sessions', wanted).catch((error) => ({ error, total: 0, sessions: [] })),
    get('/orgs'),
    isServer ? get('/keys').then((answer) => answer.keys) : [],
  ]);
  const orgName = (id) => orgs.find((org) => org.id === id)?.name ?? String(id);
  const [userRow, user] = field(t.userName, text({ type: 'search', value: wanted.user, autocapitalize: 'none' }));
  const [orgRow, org] = field(t.orgOf, select([['', t.any], ...orgs.map((one) => [String(one.id), one.name])], wanted.org));
  const [keyRow, key] = field(t.key, select([['', t.any], ...keys.map((one) => [one.id, one.label || one.id])], wanted.key));
  const filters = h('form', {
    class: 'filters', role: 'search',
    onsubmit: (event) => {
      event.preventDefault();
      const next = [['user', user.value.trim()], ['org', org.value], ['key', key.value]].filter(([, value]) => value);
      location.hash = `#/sessions?${new URLSearchParams(next)}`;
    },
  }, userRow, orgRow, isServer && keyRow, h('button', { type: 'submit', class: 'small' }, t.search));

  const endMany = async (body, lead) => {
    // Counted again: minutes may have passed since the list was drawn.
    const { total } = await get('/sessions', { ...body, everybody: '', limit: 0 });
    if (!await ask(t.endMany(total), lead, t.end, () => post('/sessions/revoke', body))) return;
    await again();
    say(t.ended);
  };
  const chosen = Object.entries(wanted).filter(([, value]) => value);
  let many = null;
  if (chosen.length === 1 && found.total) {
    if (wanted.user) many = button(t.endUser, () => endMany({ user: wanted.user }, t.endUserLead(wanted.user)), 'danger');
    else if (wanted.org && isServer) many = button(t.endOrg, () => endMany({ org: wanted.org }, t.endOrgLead(orgName(Number(wanted.org)))), 'danger');
    else if (wanted.key) many = button(t.endKey, () => endMany({ key: wanted.key }, t.endKeyLead), 'danger');
  } else if (!chosen.length && isServer) {
    many = button(t.endAll, () => endMany({ everybody: true }, t.endAllLead), 'danger');
  }
  const shown = found.sessions.length;
  const count = found.error ? found.error.message : shown < found.total ? t.sessionsShown(shown, found.total) : t.sessionsFound(found.total);
  view.append(
    many ? head(t.sessions, t.sessionsLead, many) : head(t.sessions, t.sessionsLead),
    filters,
    h('p', { class: found.error ? 'error' : 'count', role: 'status' }, count),
    h('div', { class: 'panel flush' }, sessionTable(found.sessions, (session) => endOne(session, again), { orgName })),
  );
};
