// Orgs: made, renamed, switched off, deleted.

import { erase, get, part, patch, post } from './api.js';
import { ask, openForm } from './dialog.js';
import { area, button, field, h, head, say, status, table, text } from './ui.js';
import { t } from './words.js';

const PRIMARY = 0;

const form = (title, label, org, act) => {
  const [nameRow, name] = field(t.name, text({ required: true, value: org?.name ?? '' }));
  const [whatRow, what] = field(t.description, area({ rows: 2, value: org?.description ?? '' }));
  return openForm({
    title, rows: [nameRow, whatRow], label, act: () => act({ name: name.value.trim(), description: what.value.trim() }),
  });
};

/** How many sessions an act on the Org would end. */
const affected = async (org) => (await get('/sessions', { org: org.id, limit: 0 })).total;

export const showOrgs = async (view, { me, again }) => {
  const { orgs } = await get('/orgs');
  const isServer = me.scope === 'server';
  const then = async (act, words) => {
    try {
      if (!await act()) return;
    } catch (error) {
      say(error.message);
      return;
    }
    await again();
    say(words);
  };
  const path = (org) => `/orgs/${part(String(org.id))}`;
  const buttons = (org) => isServer && h('span', { class: 'row-buttons' },
    button(t.edit, () => then(() => form(t.editOrg(org.name), t.save, org, (body) => patch(path(org), body)), t.userSaved), '', { 'aria-label': `${t.edit} ${org.name}` }),
    org.id !== PRIMARY && (org.status === 'active'
      ? button(t.disable, () => then(async () => ask(t.disableOrg(org.name), t.disableOrgLead(await affected(org)), t.disable, () => patch(path(org), { status: 'disabled' })), t.userSaved), '', { 'aria-label': `${t.disable} ${org.name}` })
      : button(t.enable, () => then(async () => { await patch(path(org), { status: 'active' }); return true; }, t.userSaved), '', { 'aria-label': `${t.enable} ${org.name}` })),
    org.id !== PRIMARY && button(t.delete, () => then(async () => ask(t.deleteOrg(org.name), t.deleteOrgLead(await affected(org)), t.delete, () => erase(path(org))), t.orgDeleted), 'danger', { 'aria-label': `${t.delete} ${org.name}` }));
  const create = async () => {
    const made = await form(t.newOrg, t.create, null, (body) => post('/orgs', body));
    if (!made) return;
    await again();
    say(t.orgCreated(made.name));
  };
  const columns = [
    [t.name, (org) => h('a', { href: `#/users?org=${org.id}` }, org.name)],
    [t.number, (org) => String(org.id)],
    [t.description, (org) => org.description],
    [t.status, (org) => status(org.status)],
  ];
  if (isServer) columns.push(['', buttons]);
  view.append(
    isServer ? head(t.orgs, t.orgsLead, button(t.newOrg, create, 'main')) : head(t.orgs, t.orgsLead),
    h('div', { class: 'panel flush' }, table(t.orgs, columns, orgs, t.none)),
  );
};
