// Entry of the console: who sits here, which view the address names, and moving between them.

import { signOut, whoAmI } from './api.js';
import { showAudit } from './audit.js';
import { prepareProof } from './dialog.js';
import { showGroup, showGroups } from './groups.js';
import { showHealth } from './health.js';
import { showKeys } from './keys.js';
import { showMaintenance } from './maintenance.js';
import { showOrgs } from './orgs.js';
import { showOverview } from './overview.js';
import { showSecurity } from './security.js';
import { showSessions } from './sessions.js';
import { showSettings } from './settings.js';
import { showSso } from './sso.js';
import { button, h, head, problem } from './ui.js';
import { showUser } from './user.js';
import { showUsers } from './users.js';
import { t } from './words.js';

// Views that only administrators of the server see are marked.
const VIEWS = [
  { path: 'overview', words: t.overview, show: showOverview, isServer: true },
  { path: 'users', words: t.users, show: showUsers, one: showUser },
  { path: 'groups', words: t.groups, show: showGroups, one: showGroup },
  { path: 'orgs', words: t.orgs, show: showOrgs },
  { path: 'keys', words: t.keys, show: showKeys, isServer: true },
  { path: 'sessions', words: t.sessions, show: showSessions },
  { path: 'security', words: t.security, show: showSecurity, isServer: true },
  { path: 'sso', words: t.providers, show: showSso, isServer: true },
  { path: 'health', words: t.health, show: showHealth, isServer: true },
  { path: 'settings', words: t.settings, show: showSettings, isServer: true },
  { path: 'maintenance', words: t.maintenance, show: showMaintenance, isServer: true },
  { path: 'audit', words: t.audit, show: showAudit },
];

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const back = document.getElementById('back');

let me = null;
let cleanUp = null;
let turn = 0;

const mayShow = (view) => !view.isServer || me.scope === 'server';

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** `#/users/<id>?q=x`: the view, the thing in it, and the rest. */
const place = () => {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id = ''] = path.split('/');
  const allowed = VIEWS.filter(mayShow);
  const view = allowed.find((one) => one.path === name) ?? allowed[0];
  return { view, id: decoded(id), parameters: new URLSearchParams(query) };
};

const drawNav = (current) => {
  nav.hidden = false;
  nav.replaceChildren(h('ul', {}, VIEWS.filter(mayShow).map((view) => h('li', {},
    h('a', { href: `#/${view.path}`, 'aria-current': view === current ? 'page' : null }, view.words)))));
  // On a phone the list scrolls sideways; the view on show must be in sight.
  nav.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
};

const go = async (moveFocus) => {
  turn += 1;
  const mine = turn;
  cleanUp?.();
  cleanUp = null;
  const { view, id, parameters } = place();
  drawNav(view);
  document.title = t.title(view.words);
  const content = h('div', { class: 'view-body' });
  try {
    const act = id && view.one ? view.one : view.show;
    const done = await act(content, { me, id, parameters, again: () => go(false) });
    if (mine !== turn) {
      done?.();
      return;
    }
    cleanUp = done;
  } catch (error) {
    if (mine !== turn) return;
    content.replaceChildren(head(view.words), problem(error), button(t.tryAgain, () => go(true)));
  }
  main.replaceChildren(content);
  document.body.dataset.state = 'ready';
  document.body.dataset.view = view.path;
  if (moveFocus) {
    main.querySelector('h1')?.focus();
    window.scrollTo(0, 0);
  }
};

/** The sign-in page, from which one comes back to this very view. */
const signInAndBack = () => `/sign-in?to=${encodeURIComponent(`/console${location.hash}`)}`;

const showDoor = (title, lead, label, href = '/') => {
  cleanUp?.();
  cleanUp = null;
  nav.hidden = true;
  document.body.dataset.state = 'door';
  main.replaceChildren(h('div', { class: 'panel door' }, h('h1', { tabindex: -1 }, title), h('p', { class: 'lead' }, lead),
    h('p', {}, h('a', { class: 'button', href }, label))));
};

const start = async () => {
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t[element.dataset.text];
  try {
    me = await whoAmI();
  } catch (error) {
    if (error.status === 401) showDoor(t.signInFirst, t.signInFirstLead, t.signIn, signInAndBack());
    else if (error.status === 403) showDoor(t.notAllowed, error.message, t.goBack);
    else main.replaceChildren(h('div', { class: 'panel' }, h('h1', {}, t.failed), problem(error), button(t.tryAgain, start)));
    return;
  }
  prepareProof(me);
  const { name } = me.user;
  document.getElementById('who').textContent = me.scope === 'server' ? t.whoServer(name) : t.whoOrg(name, me.org.name);
  const leave = document.getElementById('leave');
  leave.hidden = false;
  leave.addEventListener('click', async () => {
    await signOut();
    location.assign('/');
  });
  back.hidden = false;
  window.addEventListener('hashchange', () => go(true));
  await go(false);
};

// The address names the view, so a link to a place within the page must not change it.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener('signed-out', () => showDoor(t.signInFirst, t.signInFirstLead, t.signIn, signInAndBack()));
start();
