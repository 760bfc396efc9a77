// The app shell in a window of its own: who is signed in, until when, or the form to sign in with.

import { byId, makeAlarm } from './dom.js';
import { END_MARGIN, endOf, fetchInfo, fetchOrgs, now, switchOrg } from './session.js';
import { clearSignIn, complainOfCookies, prepareSignIn, signOut } from './sign-in.js';
import { text } from './strings.js';
import { drawSession, say, show } from './view.js';

const RECHECK_AFTER = 60_000;

const alarm = makeAlarm();
let isSignedIn = false;
let checkedAt = 0;

/** Whoever signs in elsewhere comes back to what this address shows, its fragment included. */
const rememberWay = () => {
  const here = location.pathname + location.search + location.hash;
  byId('plain-sign-in').href = here === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(here)}`;
  for (const link of document.querySelectorAll('[data-provider]')) {
    const way = new URL(link.href);
    way.searchParams.set('targetURLPath', location.href);
    link.href = way.href;
  }
};

const showSignIn = (message, moveFocus) => {
  alarm.clear();
  isSignedIn = false;
  clearSignIn();
  rememberWay();
  show('sign-in', text.titleSignIn, moveFocus);
  say(message);
};

const showSession = async (info, moveFocus) => {
  isSignedIn = true;
  drawSession(info, await fetchOrgs());
  show('signed-in', text.titleSignedIn, moveFocus);
  const end = endOf(info);
  // Another tab may have kept it alive meanwhile: the server decides, not this clock.
  if (end) alarm.set(() => check(), end - now() + END_MARGIN);
};

/**
 * Leaves for the first provider where the address or the server wants that; false when it stays. Only for somebody who
 * has just come: after signing out here, being signed in again at once would surprise.
 */
const leaveForProvider = () => {
  const asked = new URLSearchParams(location.search);
  const says = (name) => asked.get(name) === 'true';
  const isOff = says('disableSAMLAutoRedirect') || says('disableOIDCAutoRedirect');
  const isOn = says('forceSAMLAutoRedirect') || 'goesToProvider' in document.body.dataset;
  const link = document.querySelector('[data-provider]');
  if (!link || isOff || !isOn) return false;
  rememberWay();
  location.assign(link.href);
  return true;
};

/** Asks the server and shows what it says; resolves with whether somebody is signed in. */
const check = async ({ moveFocus = false, message = '', isFirst = false } = {}) => {
  const { status, retryAfter, info } = await fetchInfo();
  checkedAt = performance.now();
  if (info) {
    say(message);
    await showSession(info, moveFocus);
    return true;
  }
  if (status === 401) {
    if (isFirst && leaveForProvider()) return false;
    showSignIn(message || (isSignedIn ? text.sessionEnded : ''), moveFocus);
    return false;
  }
  // Not reaching the store says nothing about the session: keep what is shown and ask again.
  const wait = retryAfter ?? 5;
  say(text.away(status, wait));
  alarm.set(() => check({ moveFocus, message }), wait * 1000);
  return false;
};

const leave = async () => {
  if (await signOut()) showSignIn(text.signedOut, true);
  else say(text.signOutFailed);
};

const changeOrg = async (event) => {
  event.preventDefault();
  const select = byId('org');
  const name = select.selectedOptions[0]?.textContent ?? '';
  const { status } = await switchOrg(select.value);
  if (status >= 200 && status < 300) await check({ message: text.switchedOrg(name) });
  else if (status === 401) await check();
  else if (status === 0) say(text.offline);
  else if (status === 503) say(text.storeAway);
  else say(text.switchRefused);
};

/** Starts this mode. */
export const runAlone = async () => {
  prepareSignIn(async () => {
    if (!await check({ moveFocus: true }) && document.body.dataset.view === 'sign-in') complainOfCookies();
  });
  document.querySelector('.sign-out').addEventListener('click', leave);
  byId('orgs').addEventListener('submit', changeOrg);
  // A page brought back by the "back" button must not show a session that is over.
  window.addEventListener('pageshow', (event) => { if (event.persisted) check(); });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && isSignedIn && performance.now() - checkedAt > RECHECK_AFTER) check();
  });
  await check({ isFirst: true });
};
