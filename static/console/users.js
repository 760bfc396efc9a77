// Users: found by name, Org and status, made one at a time.

import { get, post } from './api.js';
import { openForm } from './dialog.js';
import { openImport } from './import.js';
import { area, badge, button, field, h, head, lines, say, select, status, suggestPassword, table, text, tick } from './ui.js';
import { t } from './words.js';

const ON_PAGE = 50;

/** The user's page. */
export const userLink = (id, name) => h('a', { href: `#/users/${encodeURIComponent(id)}` }, name);

/** A password field with a button that fills it in; gives `[rows, input]`. */
export const passwordField = (label, hint, isRequired) => {
  const [row, input] = field(label, text({ type: 'password', autocomplete: 'new-password', required: isRequired }), hint);
  const suggest = button(t.suggest, () => {
    input.value = suggestPassword();
    // Suggested to be told to somebody, so it must be readable.
    input.type = 'text';
    input.focus();
    input.select();
  }, 'quiet');
  const beside = h('div', { class: 'beside' });
  input.replaceWith(beside);
  beside.append(input, suggest);
  return [row, input];
};

/** Tick boxes for Orgs; gives `[row, chosen]`. */
const orgBoxes = (orgs, chosen) => {
  const boxes = orgs.map((org) => [org, tick(org.name, { checked: org.id === chosen, value: org.id })]);
  const row = h('fieldset', {}, h('legend', {}, t.inOrgs), h('div', { class: 'boxes' }, boxes.map(([, [box]]) => box)));
  return [row, () => boxes.filter(([, [, input]]) => input.checked).map(([org]) => String(org.id))];
};

const openNew = async (me, orgs) => {
  const [nameRow, name] = field(t.name, text({ required: true, autocapitalize: 'none' }));
  const [shownRow, shown] = field(t.displayName, text());
  const [mailRow, mail] = field(t.email, text({ type: 'email' }));
  const [passwordRow, password] = passwordField(t.password, t.passwordHint, false);
  const active = orgs.filter((org) => org.status === 'active');
  const [orgRow, chosen] = orgBoxes(active, me.org.id);
  const [groupRow, groups] = field(t.groups, area({ rows: 2 }), t.groupsHint);
  const [makeRow, make] = tick(t.makeGroups);
  const [adminRow, admin] = tick(t.isAdmin);
  const [ldapRow, ldap] = tick(t.isLdap);
  const rows = [h('div', { class: 'pair' }, nameRow, shownRow), mailRow, passwordRow, orgRow, groupRow, makeRow];
  if (me.scope === 'server') rows.push(adminRow);
  if (me.has_ldap) rows.push(ldapRow);
  return openForm({
    title: t.newUser,
    rows,
    label: t.create,
    isWide: true,
    act: () => post('/users', {
      name: name.value.trim(),
      display_name: shown.value.trim(),
      email: mail.value.trim(),
      password: password.value,
      orgs: chosen(),
      groups: lines(groups),
      create_groups: make.checked,
      is_admin: admin.checked,
      is_ldap: ldap.checked,
    }),
  });
};

export const showUsers = async (view, { me, parameters, again }) => {
  const wanted = {
    q: parameters.get('q') ?? '', org: parameters.get('org') ?? '', status: parameters.get('status') ?? '', offset: Number(parameters.get('offset')) || 0,
  };
  const [found, { orgs }] = await Promise.all([get('/users', { ...wanted, limit: ON_PAGE }), get('/orgs')]);
  const move = (change) => {
    const next = Object.entries({ ...wanted, offset: 0, ...change }).filter(([, value]) => value);
    location.hash = `#/users?${new URLSearchParams(next)}`;
  };
  const create = async () => {
    const made = await openNew(me, orgs);
    if (!made) return;
    say(t.userCreated(made.name));
    location.hash = `#/users/${made.id}`;
  };

  const [nameRow, name] = field(t.searchUsers, text({ type: 'search', value: wanted.q }));
  const [orgRow, org] = field(t.orgOf, select([['', t.any], ...orgs.map(({ id, name: called }) => [String(id), called])], wanted.org));
  const [statusRow, state] = field(t.status, select([['', t.any], ['active', t.active], ['disabled', t.disabled]], wanted.status));
  const filters = h('form', {
    class: 'filters', role: 'search',
    onsubmit: (event) => {
      event.preventDefault();
      move({ q: name.value.trim(), org: org.value, status: state.value });
    },
  }, nameRow, orgRow, statusRow, h('button', { type: 'submit', class: 'small' }, t.search));

  const columns = [
    [t.name, (user) => userLink(user.id, user.name)],
    [t.displayName, (user) => user.display_name],
    [t.email, (user) => user.email ?? ''],
    [t.inOrgs, (user) => user.orgs.join(', ')],
    [t.status, (user) => h('span', { class: 'badges' }, status(user.status), user.is_admin && badge(t.administrator, 'strong'), user.account_type !== 'local' && badge(t.types[user.account_type]))],
  ];
  const pages = h('div', { class: 'pages' },
    wanted.offset > 0 && button(t.previous, () => move({ offset: Math.max(0, wanted.offset - ON_PAGE) })),
    found.has_more && button(t.next, () => move({ offset: wanted.offset + ON_PAGE })));
  view.append(
    head(t.users, t.usersLead, button(t.importUsers, async () => { if (await openImport()) again(); }), button(t.newUser, create, 'main')),
    filters,
    h('div', { class: 'panel flush' }, table(t.users, columns, found.users, t.noUsers)),
    pages,
  );
};
