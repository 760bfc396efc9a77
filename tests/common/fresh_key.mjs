// New private keys for providers.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';

/**
 * A new private key.
 *
 * By way of PEM: a key object fresh from its generation shares a lock with it, and Node (20.20, seen once in a thousand
 * starts) waits for ever when the collector comes upon the one while the other is being exported.
 */
export const freshKey = (type, options) => {
  const privateKeyEncoding = { type: 'pkcs8', format: 'pem' };
  const publicKeyEncoding = { type: 'spki', format: 'pem' };
  return createPrivateKey(generateKeyPairSync(type, { ...options, privateKeyEncoding, publicKeyEncoding }).privateKey);
};
