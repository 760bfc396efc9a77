// What the embed doctor tries, without a word about it: requests and questions to the browser, answers as plain data.

const DOCTOR = '/embed/doctor';

const ask = async (path, options = {}) => {
  try {
    const response = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options });
    const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
    return { status: response.status, response, body: isJson ? await response.json().catch(() => null) : null };
  } catch {
    return { status: 0, response: null, body: null };
  }
};

const originOf = (url) => {
  try {
    const { origin } = new URL(url);
    return origin === 'null' ? null : origin;
  } catch {
    return null;
  }
};

/** Origins of the pages around this one, nearest first; empty at top level or when nobody tells. */
const ancestors = () => {
  if (window.parent === window) return [];
  if (location.ancestorOrigins) return [...new Set(location.ancestorOrigins)].filter((origin) => origin !== 'null');
  // Elsewhere the referrer is all there is; after a reload it may be our own page.
  const referrer = originOf(document.referrer);
  return referrer && referrer !== location.origin ? [referrer] : [];
};

const storageAccess = async () => {
  try {
    return await document.hasStorageAccess();
  } catch {
    return null;
  }
};

/** Sets three cookies and asks which of them came back with the next request. */
const cookies = async () => {
  const set = await ask(`${DOCTOR}/cookies`, { method: 'POST', headers: { 'X-Requested-By': 'ThoughtSpot' } });
  const got = await ask(`${DOCTOR}/cookies`);
  const received = Array.isArray(got.body?.received) ? got.body.received : null;
  return {
    set_status: set.status,
    status: got.status,
    plain: received && received.includes('vp_plain'),
    none: received && received.includes('vp_none'),
    partitioned: received && received.includes('vp_chips'),
    // The settings, where the server tells them: probes alone cannot see what real sessions get.
    server_partitions: got.body?.partitioned ?? null,
    server_same_site: got.body?.same_site ?? null,
    server_scheme: got.body?.scheme ?? null,
    origins_configured: got.body?.embed_origins_configured ?? null,
  };
};

const origins = (list) => Promise.all(list.map(async (origin) => {
  const { body } = await ask(`${DOCTOR}/origin?origin=${encodeURIComponent(origin)}`);
  return { origin, allowed: typeof body?.allowed === 'boolean' ? body.allowed : null };
}));

/** A wrong token must be refused; `invalid_token` in the challenge proves that the header itself arrived. */
const bearer = async () => {
  const { status, response } = await ask('/callosum/v1/session/isactive', {
    credentials: 'omit',
    headers: { Authorization: 'Bearer not-a-token' },
  });
  const challenge = response?.headers.get('WWW-Authenticate') ?? '';
  return { status, header_seen: /invalid_token/.test(challenge) ? true : null };
};

/**
 * Whether the page around us is of another site. A Lax cookie answers it better than names can:
 * which names share a site only the browser's public suffix list knows.
 */
const crossSite = (isFramed, around, jar) => {
  if (!isFramed) return false;
  if (around.length && around.every((origin) => origin === location.origin)) return false;
  if (jar.plain === null) return null;
  if (jar.plain) return false;
  if (around.length && around.every((origin) => new URL(origin).hostname === location.hostname && new URL(origin).protocol === location.protocol)) return false;
  return jar.none || jar.partitioned || around.length ? true : null;
};

/** Runs everything and resolves with one plain object, the machine-readable result but for its verdict. */
export const examine = async () => {
  const isFramed = window.parent !== window;
  const around = ancestors();
  const [jar, checked, header, access] = await Promise.all([cookies(), origins(around), bearer(), storageAccess()]);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  return {
    framed: isFramed,
    own_origin: location.origin,
    origins: checked,
    cross_site: crossSite(isFramed, around, jar),
    storage_access: access,
    page_scheme: location.protocol.replace(':', ''),
    is_local: isLocal,
    cookies: jar,
    bearer: header,
  };
};
