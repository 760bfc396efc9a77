// What the app shell draws: small functions over the markup of index.html, with no requests and no decisions.

import { byId, make } from './dom.js';
import { endOf, now } from './session.js';
import { text } from './strings.js';

/** Shows one view; `moveFocus` when the person's own act led here, so that a screen reader follows. */
export const show = (view, title, moveFocus = false) => {
  document.body.dataset.view = view;
  document.title = title;
  if (moveFocus) document.querySelector(`[data-shows="${view}"] h1`)?.focus();
};

/** Says something in the page's live region; empty clears it. */
export const say = (message = '') => { byId('status').textContent = message; };

const clockFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const weekFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: 'numeric', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

const momentText = (at) => {
  const when = new Date(at);
  const seconds = (at - now()) / 1000;
  const isToday = when.toDateString() === new Date(now()).toDateString();
  const format = isToday ? clockFormat : seconds < 6 * 86400 ? weekFormat : dayFormat;
  return text.moment(format.format(when), seconds);
};

let ticking = null;

/** Rows of a description list; a row whose value is a moment keeps counting while it is shown. */
const listFacts = (list, rows) => {
  const moments = [];
  list.replaceChildren(...rows.map(([term, value]) => {
    const row = make('div');
    const data = make('dd');
    if (typeof value === 'number') {
      const time = make('time');
      time.dateTime = new Date(value).toISOString();
      data.append(time);
      moments.push(() => { time.textContent = momentText(value); });
    } else {
      data.textContent = value;
    }
    row.append(make('dt', term), data);
    return row;
  }));
  clearInterval(ticking);
  const tick = () => moments.forEach((write) => write());
  tick();
  ticking = setInterval(tick, 1000);
};

const initials = (name) => {
  const words = name.split(/[\s._@-]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words[words.length - 1] : ''].map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
};

const endRows = ({ idleEnd, absoluteEnd }) => {
  const rows = [];
  if (idleEnd && idleEnd !== absoluteEnd) rows.push([text.idleEnd, idleEnd]);
  if (absoluteEnd) rows.push([text.absoluteEnd, absoluteEnd]);
  return rows.length ? rows : [[text.until, text.notTold]];
};

/** The signed-in view of a window of its own. */
export const drawSession = (info, orgs) => {
  byId('signed-in-title').textContent = text.signedInAs(info.displayName);
  byId('initials').textContent = initials(info.displayName);
  byId('who').textContent = [info.userName, info.email].filter((part) => part && part !== info.displayName).join(' · ');

  const mayChoose = orgs.length > 1;
  byId('orgs').hidden = !mayChoose;
  byId('org').replaceChildren(...orgs.map(({ id, name }) => {
    const option = make('option', name);
    option.value = id;
    option.selected = String(id) === String(info.orgId);
    return option;
  }));

  const rows = [];
  if (!mayChoose && info.orgName) rows.push([text.organisation, info.orgName]);
  rows.push(...endRows(info));
  if (info.method) rows.push([text.method, text.methods[info.method] ?? info.method]);
  if (info.isRemembered) rows.push([text.remembered, text.yes]);
  listFacts(byId('facts'), rows);

  byId('console').hidden = !info.privileges.includes('ADMINISTRATION');
  byId('privileges').hidden = info.privileges.length === 0;
  byId('privilege-count').textContent = text.privileges(info.privileges.length);
  byId('privilege-list').replaceChildren(...info.privileges.map((name) => make('li', name)));
};

/** What the frame was asked to show, from `#/embed/viz/<id>` and its relatives. */
export const drawObject = () => {
  const [path] = location.hash.replace(/^#\/?/, '').split(/[?&]/);
  const parts = path.split('/').filter((part) => part && part !== 'embed' && part !== 'insights');
  const kind = text.objects[parts[0]];
  byId('object-kind').textContent = kind ?? text.otherObject;
  let id = (kind ? parts.slice(1) : parts).join(' / ');
  try {
    id = decodeURIComponent(id);
  } catch { /* shown as it came */ }
  byId('object-id').textContent = id;
};

/** The compact view: one line on the state, who it is (or nobody), and buttons as `[label, act]`. */
export const drawFrame = ({ info = null, state = '', actions = [] }) => {
  drawObject();
  byId('frame-state').textContent = state;
  const rows = [];
  if (info) {
    rows.push([text.account, info.displayName]);
    if (info.orgName) rows.push([text.organisation, info.orgName]);
    const end = endOf(info);
    rows.push([text.until, end ?? text.notTold]);
  }
  listFacts(byId('frame-facts'), rows);
  byId('frame-actions').replaceChildren(...actions.map(([label, act]) => {
    const button = make('button', label);
    button.type = 'button';
    button.addEventListener('click', act);
    return button;
  }));
  document.body.dataset.session = info ? 'live' : 'none';
  show('frame', text.titleEmbed);
};
