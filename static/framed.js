// The app shell inside a host application's frame: keeps a session alive by the SDK's events and shows whose it is.

import { makeAlarm } from './dom.js';
import * as host from './host.js';
import { END_MARGIN, beCookieless, endOf, fetchInfo, now, useToken } from './session.js';
import { clearSignIn, complainOfCookies, prepareSignIn, signOut } from './sign-in.js';
import { text } from './strings.js';
import { drawFrame, drawObject, say, show } from './view.js';

const { wish } = host;

// How long a host that signs in again may take, in steps: asking faster helps nobody.
const PATIENCE = [1, 2, 4, 8, 15, 30];

const alarm = makeAlarm();
let wasLive = false;
/** The last session seen here; none means that the frame never had one. */
let last = null;

// ---- signed in ----

const leave = async () => {
  if (!await signOut()) {
    drawFrame({ info: last, state: text.signOutFailed, actions: [[text.signOut, leave]] });
    return;
  }
  alarm.clear();
  wasLive = false;
  useToken(null);
  host.tell('ThoughtspotAuthLogout');
  drawFrame({ state: text.signedOut, actions: loginActions() });
};

const live = (info) => {
  const isSame = wasLive && last.userGuid === info.userGuid;
  last = info;
  say();
  drawFrame({ info, actions: [[text.signOut, leave]] });
  // The SDK fetches session information on each of these: only when something has changed.
  if (!isSame) host.tell('authInit', { userGUID: info.userGuid });
  wasLive = true;
  keepWatch(info);
};

/** Waits for the nearest end; a token is replaced a little before, so that the frame never blinks. */
const keepWatch = (info) => {
  const end = endOf(info);
  if (!end) return;
  const left = end - now();
  const early = Math.min(60_000, left / 5);
  if (wish.isCookieless && end === info.absoluteEnd && left > 5000) {
    alarm.set(async () => {
      const token = await host.askForToken('RefreshAuthToken');
      if (token) useToken(token);
      const answer = await fetchInfo();
      if (answer.info && endOf(answer.info) > end) live(answer.info);
      else alarm.set(ended, end - now() + END_MARGIN);
    }, left - early);
  } else {
    alarm.set(ended, left + END_MARGIN);
  }
};

/** An end has passed by our clock; the server decides whether the session really is over. */
const ended = async () => {
  const answer = await fetchInfo();
  if (answer.status !== 401) return judge(answer);
  const wasIdle = last?.idleEnd && last.idleEnd <= now() && last.idleEnd < (last.absoluteEnd ?? Infinity);
  // The SDK answers this event with a token and nothing else; without a token server it would
  // replace the frame by its failure message, so those types get the plain expiry event.
  if (!wasIdle || !wish.isTrusted) return lost();
  drawFrame({ state: text.frameEnded });
  const token = await host.askForToken('IdleSessionTimeout');
  if (!token) return lost();
  if (wish.isCookieless) useToken(token);
  const again = await fetchInfo();
  wasLive = false;
  return again.status === 401 ? lost() : judge(again);
};

// ---- signed out ----

const judge = (answer) => {
  if (answer.info) return live(answer.info);
  if (answer.status === 401) return lost();
  const wait = answer.retryAfter ?? 5;
  drawFrame({ info: wasLive ? last : null, state: text.away(answer.status, wait) });
  alarm.set(async () => judge(await fetchInfo()), wait * 1000);
  return undefined;
};

const lost = async () => {
  alarm.clear();
  wasLive = false;
  if (wish.isCookieless) return renewToken();
  // The SDK has signed in already when it makes the frame: if the frame has no session, it has no cookies.
  // After a session was seen it means nothing: partitioned cookies work without storage access.
  if (!last && wish.signsInFirst && await host.hasCookies() === false) return cookiesBlocked();
  if (wish.isEmbeddedSso && wish.startsSso && await startSso(true)) return undefined;
  host.tell('ThoughtspotAuthExpired');
  return awaitHost(0);
};

const renewToken = async () => {
  drawFrame({ state: text.askingToken });
  const token = await host.askForToken('ThoughtspotAuthExpired');
  const retry = [[text.retry, renewToken]];
  if (!token) return drawFrame({ state: text.noToken, actions: retry });
  useToken(token);
  const answer = await fetchInfo();
  if (answer.status !== 401) return judge(answer);
  host.tell('ThoughtspotAuthFailure', { type: 'UNAUTHENTICATED_FAILURE' });
  return drawFrame({ state: text.tokenRefused, actions: retry });
};

/** The host signs in by itself and tells us nothing: look again, ever more slowly. */
const awaitHost = (step) => {
  const isPatient = step < PATIENCE.length;
  drawFrame({ state: isPatient ? text.waitingForHost : text.hostGaveUp, actions: loginActions() });
  if (isPatient) {
    alarm.set(async () => {
      const answer = await fetchInfo();
      if (answer.status === 401) resume(step + 1);
      else judge(answer);
    }, PATIENCE[step] * 1000);
  } else if (!wish.mayOfferLogin) {
    // Nobody can sign in here, so the host should show its own way out.
    host.tell('ThoughtspotAuthFailure', { type: 'UNAUTHENTICATED_FAILURE' });
  }
};

/** Goes on waiting without taking away a form somebody types into. */
const resume = (step) => {
  if (document.body.dataset.view === 'frame') awaitHost(step);
  else if (step < PATIENCE.length) alarm.set(async () => {
    const answer = await fetchInfo();
    if (answer.info) live(answer.info);
    else resume(step + 1);
  }, PATIENCE[step] * 1000);
};

const cookiesBlocked = () => {
  host.tell('noCookieAccess');
  drawFrame({ state: text.cookiesBlocked, actions: [[text.allowCookies, allowCookies]] });
};

const allowCookies = async () => {
  try {
    await document.requestStorageAccess();
  } catch {
    drawFrame({ state: text.cookiesStillBlocked, actions: [[text.allowCookies, allowCookies]] });
    return;
  }
  const answer = await fetchInfo();
  if (answer.status === 401) awaitHost(0);
  else judge(answer);
};

// ---- signing in inside the frame ----

const loginActions = () => {
  if (wish.isCookieless) return [];
  if (wish.isEmbeddedSso) return [[text.signInSso, () => startSso(false)]];
  return wish.mayOfferLogin ? [[text.signInHere, showForm]] : [];
};

const showForm = () => {
  clearSignIn();
  show('sign-in', text.titleEmbed, true);
};

const SSO_TRIED = 'vestibule-sso-tried';

const markSso = (isAutomatic) => {
  try {
    // Once per frame and tab: an identity provider that sends us back signed out would loop.
    if (isAutomatic && sessionStorage.getItem(SSO_TRIED)) return false;
    sessionStorage.setItem(SSO_TRIED, '1');
    return true;
  } catch {
    return !isAutomatic;
  }
};

/** Leaves for single sign-on if the server has one; false when it stays. */
const startSso = async (isAutomatic) => {
  if (!markSso(isAutomatic)) return false;
  for (const kind of ['saml', 'oidc']) {
    const url = `/callosum/v1/${kind}/login?targetURLPath=${encodeURIComponent(location.href)}`;
    const answer = await fetch(url, { redirect: 'manual', cache: 'no-store' }).catch(() => null);
    if (answer?.type === 'opaqueredirect' || answer?.ok) {
      location.assign(url);
      return true;
    }
  }
  if (!isAutomatic) drawFrame({ state: text.ssoAbsent, actions: wish.mayOfferLogin ? [[text.signInHere, showForm]] : [] });
  return false;
};

const afterForm = async () => {
  const answer = await fetchInfo();
  if (answer.status !== 401) return judge(answer);
  complainOfCookies();
  return cookiesBlocked();
};

/** Starts this mode. */
export const runFramed = async () => {
  document.body.classList.add('framed');
  prepareSignIn(afterForm);
  window.addEventListener('hashchange', drawObject);
  host.onHostReady(async () => {
    if (wasLive || wish.isCookieless) return;
    const answer = await fetchInfo();
    if (answer.info) live(answer.info);
  });
  if (!wish.isCookieless) {
    host.askForToken('appInit');
    judge(await fetchInfo());
    return;
  }
  beCookieless();
  drawFrame({ state: text.askingToken });
  const begin = async () => {
    const token = await host.askForToken('appInit');
    if (!token) return drawFrame({ state: text.noToken, actions: [[text.retry, begin]] });
    useToken(token);
    return judge(await fetchInfo());
  };
  await begin();
};
