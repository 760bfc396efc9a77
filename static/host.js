// Talking to the page around this frame, in the messages of the Visual Embed SDK.
//
// Outward goes `{type, data, status}` and never a token. Inward, a token is taken only from the
// port we handed to the parent ourselves; a message of any other window is not read.

const REPLY_WITHIN = 30_000;

const origin = (url) => {
  try {
    const found = new URL(url).origin;
    return found === 'null' ? null : found;
  } catch {
    return null;
  }
};

/** The flags of the address, also when the SDK packed them (`shouldEncodeUrlQueryParams`). */
const flags = () => {
  const query = new URLSearchParams(location.search);
  const packed = query.get('base64UrlEncodedFlags');
  if (!packed) return query;
  try {
    return new URLSearchParams(atob(packed.replace(/-/g, '+').replace(/_/g, '/')));
  } catch {
    return query;
  }
};

const query = flags();
const authType = query.get('authType') ?? '';

/** What the host application asked for in the address of the frame. */
export const wish = {
  authType,
  isCookieless: query.get('cookieless') === 'true' || authType === 'AuthServerCookieless',
  isEmbeddedSso: authType === 'EmbeddedSSO',
  /** Types for which the SDK signs in before it makes the frame, and can answer with a token. */
  isTrusted: authType === 'AuthServer' || authType === 'AuthServerCookieless',
  signsInFirst: authType === 'AuthServer' || authType === 'Basic',
  mayOfferLogin: query.get('disableLoginRedirect') !== 'true',
  startsSso: query.get('forceSAMLAutoRedirect') === 'true',
};

export const isFramed = window.parent !== window;

/**
 * Where messages may land. What the browser says of the parent comes first: `hostAppUrl` is written
 * by whoever frames us, comes without a scheme, and reads `local-host` during development.
 */
const parentOrigin = () => {
  const told = location.ancestorOrigins?.[0];
  if (told) return origin(told) ?? '*';
  const referrer = origin(document.referrer);
  let claim = query.get('hostAppUrl') ?? '';
  try {
    claim = decodeURIComponent(claim);
  } catch { /* not encoded twice, then */ }
  if (!claim || claim === 'local-host') return referrer ?? '*';
  if (/^https?:\/\//.test(claim)) return origin(claim) ?? '*';
  // After a sign-on round trip inside the frame the referrer is no longer the parent.
  if (referrer && new URL(referrer).host === claim) return referrer;
  return origin(`${location.protocol}//${claim}`) ?? '*';
};

const target = isFramed ? parentOrigin() : null;

/** Sends an event that wants no answer. */
export const tell = (type, data = {}) => {
  if (isFramed) window.parent.postMessage({ type, data, status: 'end' }, target);
};

/** Sends an event and resolves with the token of the answer, or null when none comes in time. */
export const askForToken = (type) => new Promise((resolve) => {
  if (!isFramed) {
    resolve(null);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  const settle = (token) => {
    clearTimeout(timer);
    port1.close();
    resolve(token);
  };
  const timer = setTimeout(settle, REPLY_WITHIN, null);
  port1.onmessage = ({ data }) => {
    const token = data?.data?.authToken;
    settle(typeof token === 'string' && token ? token : null);
  };
  window.parent.postMessage({ type, data: {}, status: 'end' }, target, [port2]);
});

/** Calls back when the host says it has fetched session information, a sign that it may be signed in again. */
export const onHostReady = (callback) => {
  window.addEventListener('message', (event) => {
    if (event.source !== window.parent || (target !== '*' && event.origin !== target)) return;
    if (event.data?.type !== 'InfoSuccess') return;
    // The SDK waits half a minute for this.
    event.ports[0]?.postMessage({ type: 'InfoSuccess', data: {} });
    callback();
  });
};

/** Whether the browser lets this frame have its cookies: true, false, or null when it does not say. */
export const hasCookies = async () => {
  try {
    return await document.hasStorageAccess();
  } catch {
    return null;
  }
};
