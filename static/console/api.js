// The console's API: one place that knows paths, the token against forgery and the proof of who sits here.

import { t } from './words.js';

const BASE = '/callosum/v1/vestibule/admin';

let csrf = '';
// Kept in this closure only: gone with the page.
let confirmed = '';
let prove = null;

/** What was not done, and why; `error` is the server's word, `message` its sentence. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    const { message, field } = body ?? {};
    const label = field && t.fields[field];
    const sentence = label && message.startsWith(`${field}:`) ? label + message.slice(field.length) : message ?? t.failed;
    const capital = sentence.charAt(0).toUpperCase() + sentence.slice(1);
    const ended = /[.!?]$/.test(capital) ? capital : `${capital}.`;
    const told = status >= 500 && body?.incident ? t.incident(ended, body.incident) : ended;
    super(retryAfter ? t.waitSeconds(told, retryAfter) : told);
    Object.assign(this, { status, error: body?.error ?? '', field: body?.field ?? '' });
  }
}

const once = async (method, path, body) => {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') {
    headers['Content-Type'] = 'application/json';
    headers['X-Vestibule-CSRF'] = csrf;
    if (confirmed) headers['X-Vestibule-Confirmed'] = confirmed;
  }
  let response;
  try {
    response = await fetch(BASE + path, {
      method, headers, body: method === 'GET' ? undefined : JSON.stringify(body ?? {}), credentials: 'same-origin', cache: 'no-store',
    });
  } catch {
    throw new Refused(0, { message: t.offline });
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Refused(response.status, answer, Number(response.headers.get('Retry-After')) || 0);
};

const call = async (method, path, body) => {
  try {
    return await once(method, path, body);
  } catch (refusal) {
    if (refusal.error === 'unauthenticated') {
      window.dispatchEvent(new CustomEvent('signed-out'));
      throw refusal;
    }
    // Whoever gives the password gets on with what they were doing.
    if (refusal.error !== 'stale_authentication' || !prove || !await prove()) throw refusal;
    return once(method, path, body);
  }
};

const query = (parameters) => {
  const given = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : '';
};

export const get = (path, parameters = {}) => call('GET', path + query(parameters));
export const post = (path, body) => call('POST', path, body);
export const patch = (path, body) => call('PATCH', path, body);
export const put = (path, body) => call('PUT', path, body);
export const erase = (path) => call('DELETE', path, {});

/** The address of a file to download. */
export const fileUrl = (path, parameters) => BASE + path + query(parameters);

/** An id as part of a path. */
export const part = (id) => encodeURIComponent(id);

/** Who sits here; keeps the token that every change carries. */
export const whoAmI = async () => {
  const me = await once('GET', '/me');
  csrf = me.csrf;
  return me;
};

/** Says the password once more; what it proves goes along from now on. */
export const confirm = async (password) => {
  const answer = await once('POST', '/confirm', { password });
  confirmed = answer.confirmed;
};

/** What asks for the password when a change is refused for want of it; resolves with whether it was given. */
export const askWith = (asking) => { prove = asking; };

export const signOut = async () => {
  await fetch('/callosum/v1/session/logout', { method: 'POST', credentials: 'same-origin' }).catch(() => null);
};
