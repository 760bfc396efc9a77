// Groups: found, made, filled, deleted.

import { erase, get, part, patch, post } from './api.js';
import { ask, openForm } from './dialog.js';
import { area, button, card, facts, field, h, head, lines, say, select, table, text } from './ui.js';
import { userLink } from './users.js';
import { t } from './words.js';

const ON_PAGE = 100;

const openNew = (me, orgs) => {
  const [nameRow, name] = field(t.name, text({ required: true }));
  const [shownRow, shown] = field(t.displayName, text());
  const [orgRow, org] = field(t.orgOf, select(orgs.map((one) => [String(one.id), one.name]), String(me.org.id)));
  const [rightsRow, rights] = field(t.privileges, area({ rows: 2 }), t.privilegesHint);
  return openForm({
    title: t.newGroup,
    rows: [nameRow, shownRow, orgRow, rightsRow],
    label: t.create,
    act: () => post('/groups', { name: name.value.trim(), display_name: shown.value.trim(), org: org.value, privileges: lines(rights) }),
  });
};

export const showGroups = async (view, { me, parameters }) => {
  const wanted = { q: parameters.get('q') ?? '', org: parameters.get('org') ?? '', offset: Number(parameters.get('offset')) || 0 };
  const [found, { orgs }] = await Promise.all([get('/groups', { ...wanted, limit: ON_PAGE }), get('/orgs')]);
  const orgName = (id) => orgs.find((org) => org.id === id)?.name ?? String(id);
  const move = (change) => {
    const next = Object.entries({ ...wanted, offset: 0, ...change }).filter(([, value]) => value);
    location.hash = `#/groups?${new URLSearchParams(next)}`;
  };
  const [nameRow, name] = field(t.searchUsers, text({ type: 'search', value: wanted.q }));
  const [orgRow, org] = field(t.orgOf, select([['', t.any], ...orgs.map((one) => [String(one.id), one.name])], wanted.org));
  view.append(
    head(t.groups, t.groupsLead, button(t.newGroup, async () => {
      const made = await openNew(me, orgs);
      if (!made) return;
      say(t.groupCreated(made.name));
      location.hash = `#/groups/${made.id}`;
    }, 'main')),
    h('form', {
      class: 'filters', role: 'search',
      onsubmit: (event) => {
        event.preventDefault();
        move({ q: name.value.trim(), org: org.value });
      },
    }, nameRow, orgRow, h('button', { type: 'submit', class: 'small' }, t.search)),
    h('div', { class: 'panel flush' }, table(t.groups, [
      [t.name, (group) => h('a', { href: `#/groups/${part(group.id)}` }, group.name)],
      [t.displayName, (group) => group.display_name],
      [t.orgOf, (group) => orgName(group.org)],
      [t.privileges, (group) => group.privileges.join(', ') || t.none],
    ], found.groups, t.noGroupsFound)),
    h('div', { class: 'pages' },
      wanted.offset > 0 && button(t.previous, () => move({ offset: Math.max(0, wanted.offset - ON_PAGE) })),
      found.has_more && button(t.next, () => move({ offset: wanted.offset + ON_PAGE }))),
  );
};

export const showGroup = async (view, { id, again }) => {
  const path = `/groups/${part(id)}`;
  const [group, { orgs }] = await Promise.all([get(path), get('/orgs')]);
  const org = orgs.find((one) => one.id === group.org)?.name ?? String(group.org);
  const edit = async () => {
    const [shownRow, shown] = field(t.displayName, text({ value: group.display_name }));
    const [rightsRow, rights] = field(t.privileges, area({ value: group.privileges.join('\n') }), t.privilegesHint);
    const done = await openForm({
      title: t.edit, rows: [shownRow, rightsRow], label: t.save, act: () => patch(path, { display_name: shown.value.trim(), privileges: lines(rights) }),
    });
    if (done) again();
  };
  const member = async (name, operation) => {
    await patch(path, { users: [name], operation });
    await again();
    say(operation === 'add' ? t.joined : t.left);
  };
  const addMember = () => {
    const [row, input] = field(t.userName, text({ required: true, autocapitalize: 'none' }));
    return openForm({ title: t.addMember, rows: [row], label: t.add, act: () => member(input.value.trim(), 'add') });
  };
  const remove = async () => {
    if (!await ask(t.deleteGroup(group.name), t.deleteGroupLead, t.delete, () => erase(path))) return;
    say(t.groupDeleted);
    location.hash = '#/groups';
  };
  view.append(
    h('p', { class: 'crumb' }, h('a', { href: '#/groups' }, t.groups)),
    head(group.name, group.display_name, button(t.edit, edit), button(t.delete, remove, 'danger')),
    card('', facts([[t.orgOf, org], [t.privileges, group.privileges.join(', ') || t.none]])),
    card(t.members, table(t.members, [
      [t.name, (user) => userLink(user.id, user.name)],
      [t.displayName, (user) => user.display_name],
      ['', (user) => button(t.remove, () => member(user.name, 'remove').catch((error) => say(error.message)), 'quiet', { 'aria-label': `${t.remove} ${user.name}` })],
    ], group.members, t.noMembers), h('div', { class: 'panel-buttons' }, button(t.addMember, addMember))),
  );
};
