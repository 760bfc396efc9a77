// The session endpoints as plain functions: one place that knows paths, headers, credentials and the server's clock.

const BASE = '/callosum/v1/session';

let bearer = null;
let cookieless = false;
let skew = 0;

/**
 * How long after an end to look whether it has come. Looking is a use: a glance too early, by a clock
 * that is a little ahead, would keep a session alive for ever. Covers what `skew` leaves uncorrected.
 */
export const END_MARGIN = 4000;

/** From now on no request carries cookies; without a token requests go out anonymous. */
export const beCookieless = () => { cookieless = true; };

/** The token later requests present; it stays in this closure and is never stored or sent anywhere else. */
export const useToken = (token) => { bearer = token; };

/** The server's time. Expiry moments are the server's, and people's clocks are wrong by minutes. */
export const now = () => Date.now() + skew;

const call = async (path, { method = 'GET', form } = {}) => {
  const headers = { Accept: 'application/json' };
  // Not asked for by every server version, but older ones refuse unsafe calls without it.
  if (method !== 'GET') headers['X-Requested-By'] = 'ThoughtSpot';
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      body: form && new URLSearchParams(form),
      credentials: cookieless ? 'omit' : 'same-origin',
      cache: 'no-store',
    });
  } catch {
    return { status: 0 };
  }
  const date = Date.parse(response.headers.get('Date') ?? '');
  // The header has whole seconds: correct only what that cannot explain.
  if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  let body = null;
  if (response.status === 200) body = await response.json().catch(() => null);
  return { status: response.status, retryAfter: retryAfter(response), body };
};

const retryAfter = (response) => {
  const value = response.headers.get('Retry-After');
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : null;
};

const moment = (value) => (Number.isFinite(value) && value > 0 ? value : null);

/** What the pages need of `session/info`, whichever fields this server fills. */
const readInfo = (info) => {
  const own = info.vestibule ?? {};
  const idleSeconds = moment(info.sessionIdleTimeoutSeconds);
  const orgId = own.org?.id ?? info.currentOrgId ?? null;
  return {
    userGuid: info.userGUID ?? '',
    userName: info.userName ?? '',
    displayName: info.userDisplayName || info.userName || '',
    email: info.userEmail ?? '',
    privileges: Array.isArray(info.privileges) ? info.privileges : [],
    orgId,
    orgName: own.org?.name ?? (orgId === null ? '' : String(orgId)),
    isRemembered: own.is_remembered === true,
    method: own.method ?? '',
    idleEnd: moment(own.idle_expires_at_ms) ?? (idleSeconds && now() + idleSeconds * 1000),
    absoluteEnd: moment(own.absolute_expires_at_ms) ?? moment(info.sessionExpiresAt),
  };
};

/** `{status, retryAfter, info}`; `info` only with status 200. Status 0 means the server was not reached. */
export const fetchInfo = async () => {
  const { status, retryAfter: wait, body } = await call('/info');
  // A 200 that is not JSON is some proxy's page, not our session.
  if (status === 200 && !body) return { status: 502, retryAfter: wait };
  return { status, retryAfter: wait, info: status === 200 ? readInfo(body) : null };
};

/** The moment the session dies if nobody uses it, or null when the server tells none. */
export const endOf = (info) => {
  const ends = [info.idleEnd, info.absoluteEnd].filter(Boolean);
  return ends.length ? Math.min(...ends) : null;
};

export const logIn = (form) => call('/login', { method: 'POST', form });
export const logOut = () => call('/logout', { method: 'POST' });
export const switchOrg = (orgid) => call('/orgs', { method: 'PUT', form: { orgid } });

/** The Orgs to choose from; empty when the server does not say. */
export const fetchOrgs = async () => {
  const { body } = await call('/orgs');
  const orgs = Array.isArray(body?.orgs) ? body.orgs : [];
  return orgs.filter((org) => org.isActive !== false).map((org) => ({ id: org.orgId, name: org.orgName ?? String(org.orgId) }));
};
