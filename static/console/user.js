// One user: what they are called, what they belong to, where they are signed in, and everything done to them.

import { erase, get, part, patch, post } from './api.js';
import { ask, openForm } from './dialog.js';
import { endOne, sessionTable } from './sessions.js';
import { area, badge, button, card, facts, field, h, head, lines, say, select, status, text, when } from './ui.js';
import { passwordField } from './users.js';
import { t } from './words.js';

const edit = (user, path) => {
  const [shownRow, shown] = field(t.displayName, text({ value: user.display_name }));
  const [mailRow, mail] = field(t.email, text({ type: 'email', value: user.email ?? '' }));
  return openForm({
    title: t.edit, rows: [shownRow, mailRow], label: t.save, act: () => patch(path, { display_name: shown.value.trim(), email: mail.value.trim() }),
  });
};

const setPassword = (user, path) => {
  const [row, input] = passwordField(t.newPassword, '', true);
  return openForm({
    title: t.setPassword, lead: t.setPasswordLead(user.name), rows: [row], label: t.setPassword, act: () => post(`${path}/password`, { password: input.value }),
  });
};

const unlock = async (path) => {
  const [row, input] = field(t.addresses, area());
  const done = await openForm({
    title: t.unlock,
    lead: t.unlockLead,
    rows: [row],
    label: t.unlock,
    act: () => post(`${path}/unlock`, lines(input).length ? { addresses: lines(input) } : {}),
  });
  if (done) say(t.unlocked(done.addresses, done.node));
};

const release = async (user, path) => {
  const done = await openForm({ title: t.release, lead: t.releaseLead(user.name), label: t.release, act: () => post(`${path}/release`) });
  if (done) say(done.was_bound ? t.released(user.name) : t.notBound(user.name));
};

/** Orgs and the groups in each, with what joins and leaves. */
const memberships = async (user, path, context) => {
  const { me, again, sessions } = context;
  const change = async (body, words) => {
    await post(`${path}/memberships`, body);
    await again();
    say(words);
  };
  const leaveOrg = (org) => ask(t.leaveOrg(org.name), t.leaveLead(user.name, sessions.total), t.remove,
    () => change({ operation: 'remove', orgs: [String(org.org)] }, t.left));
  const joinGroup = async (org) => {
    const { groups } = await get('/groups', { org: org.org, limit: 500 });
    const open = groups.filter(({ id }) => org.groups.every((own) => own.id !== id));
    const [row, input] = field(t.group, select(open.map(({ id, name }) => [id, name]), open[0]?.id));
    await openForm({
      title: t.joinGroup(org.name), rows: [row], label: t.add, act: () => change({ operation: 'add', groups: [input.value] }, t.joined),
    });
  };
  const joinOrg = async () => {
    const { orgs } = await get('/orgs');
    const open = orgs.filter(({ id }) => user.memberships.every((own) => own.org !== id));
    const [row, input] = field(t.orgOf, select(open.map(({ id, name }) => [String(id), name]), String(open[0]?.id ?? '')));
    await openForm({ title: t.joinOrg, rows: [row], label: t.add, act: () => change({ operation: 'add', orgs: [input.value] }, t.joined) });
  };
  const rows = user.memberships.map((org) => h('li', {},
    h('div', { class: 'row' }, h('strong', {}, org.name),
      h('span', { class: 'row-buttons' }, button(t.joinGroup(org.name), () => joinGroup(org)), me.scope === 'server' && button(t.leaveOrg(org.name), () => leaveOrg(org), 'quiet'))),
    org.groups.length
      ? h('ul', { class: 'chips' }, org.groups.map((group) => h('li', {}, group.name,
        h('button', { type: 'button', class: 'chip-button', 'aria-label': t.leaveGroup(group.name), onclick: () => change({ operation: 'remove', groups: [group.id] }, t.left).catch((error) => say(error.message)) }, '×'))))
      : h('p', { class: 'hint' }, t.noGroups)));
  return card(t.memberships, h('ul', { class: 'plain' }, rows), me.scope === 'server' && button(t.joinOrg, joinOrg));
};

export const showUser = async (view, { me, id, again }) => {
  const path = `/users/${part(id)}`;
  const [user, sessions] = await Promise.all([get(path), get('/sessions', { user: id })]);
  const then = (act, words, leave = false) => async () => {
    try {
      if (!await act()) return;
    } catch (error) {
      say(error.message);
      return;
    }
    if (leave) location.hash = '#/users';
    else await again();
    say(words);
  };
  const isOwn = user.id === me.user.id;
  const isActive = user.status === 'active';
  const buttons = [];
  if (user.may_change) {
    buttons.push(button(t.edit, then(() => edit(user, path), t.userSaved)));
    if (!isOwn && user.account_type === 'local') buttons.push(button(t.setPassword, then(() => setPassword(user, path), t.passwordChanged)));
    buttons.push(button(t.unlock, () => unlock(path)));
    if (me.scope === 'server' && user.account_type !== 'ldap') buttons.push(button(t.release, () => release(user, path)));
    if (!isOwn) {
      buttons.push(isActive
        ? button(t.disable, then(() => ask(`${t.disable} ${user.name}?`, t.disableLead(user.name, sessions.total), t.disable, () => patch(path, { status: 'disabled' })), t.userDisabled(user.name)))
        : button(t.enable, then(async () => { await patch(path, { status: 'active' }); return true; }, t.userEnabled(user.name))));
      if (me.scope === 'server') {
        const label = user.is_admin ? t.unmakeAdmin : t.makeAdmin;
        buttons.push(button(label, then(() => ask(`${label}?`, t.adminLead(user.name, !user.is_admin), label, () => patch(path, { is_admin: !user.is_admin })), t.userSaved)));
      }
      buttons.push(button(t.delete, then(() => ask(t.deleteUser(user.name), t.deleteUserLead(sessions.total), t.delete, () => erase(path)), t.userDeleted(user.name), true), 'danger'));
    }
  }
  const endOthers = (session) => then(() => ask(t.endMany(sessions.total - 1), t.endOthersLead(user.name), t.end, () => post('/sessions/revoke', { user: user.id, kept: session.id })), t.ended)();
  const endAll = then(() => ask(t.endMany(sessions.total), t.endUserLead(user.name), t.end, () => post('/sessions/revoke', { user: user.id })), t.ended);
  view.append(...[
    h('p', { class: 'crumb' }, h('a', { href: '#/users' }, t.users)),
    head(user.name, user.display_name),
    !user.may_change && h('p', { class: 'status' }, t.userShared),
    h('div', { class: 'columns' },
      card('', facts([
        [t.status, h('span', { class: 'badges' }, status(user.status), user.is_admin && badge(t.administrator, 'strong'))],
        [t.email, user.email ?? t.none],
        [t.type, t.types[user.account_type]],
        [t.hasPassword, user.has_password ? t.passwordSet : t.passwordNone],
        [t.created, when(user.created_at)],
      ]), h('div', { class: 'panel-buttons' }, buttons)),
      await memberships(user, path, { me, again, sessions })),
    card(t.sessions,
      sessionTable(sessions.sessions, (session) => endOne(session, again), { endOthers }),
      sessions.total > 0 && user.may_change && h('div', { class: 'panel-buttons' }, button(t.endUser, endAll, 'danger'))),
  ].filter(Boolean));
};
