// A real OpenID Connect provider, of the published package oidc-provider. It reads its settings from the first line of
// standard input and runs until that is closed, so that a test that is killed leaves none behind.

import { createPublicKey } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { freshKey } from './fresh_key.mjs';

const lines = createInterface({ input: process.stdin });
const given = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
process.stdin.on('close', () => process.exit());
process.stdin.resume();

const require = createRequire(path.join(given.clients, 'node/package.json'));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

/** The keys of the last start, or new ones of two kinds. */
const signingKeys = () => {
  if (!fs.existsSync(given.keys)) {
    const name = `${Date.now()}`;
    const rsa = freshKey('rsa', { modulusLength: 2048 }).export({ format: 'jwk' });
    const ec = freshKey('ec', { namedCurve: 'P-256' }).export({ format: 'jwk' });
    fs.writeFileSync(given.keys, JSON.stringify([
      { ...rsa, kid: `rsa-${name}`, use: 'sig', alg: given.algorithm.startsWith('PS') ? 'PS256' : 'RS256' },
      { ...ec, kid: `ec-${name}`, use: 'sig', alg: 'ES256' },
    ]));
  }
  return JSON.parse(fs.readFileSync(given.keys));
};

const publicKey = (file, alg) => ({ ...createPublicKey(fs.readFileSync(file)).export({ format: 'jwk' }), kid: 'ours', use: 'sig', alg });

const client = (id, more) => ({
  client_id: id,
  redirect_uris: given.callbacks,
  post_logout_redirect_uris: given.after_logout,
  backchannel_logout_uri: given.backchannel,
  backchannel_logout_session_required: true,
  id_token_signed_response_alg: given.algorithm,
  ...more,
});

const people = {
  lena: { name: 'Lena Lind', preferred_username: 'lena', email: 'lena@example.com', email_verified: true, groups: ['analysts', 'ops'] },
  'another-lena': { name: 'Lena Low', preferred_username: 'lena', email: 'low@example.com', email_verified: true, groups: [] },
  max: { name: 'Max Moor', preferred_username: 'max', groups: [] },
};

const clients = [
  client('by-secret', { client_secret: given.secret, token_endpoint_auth_method: 'client_secret_post' }),
  client('public', { token_endpoint_auth_method: 'none' }),
];
for (const [id, file, alg] of given.key_clients) {
  clients.push(client(id, { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg, jwks: { keys: [publicKey(file, alg)] } }));
}

const provider = new Provider(given.issuer, {
  jwks: { keys: signingKeys() },
  clients,
  cookies: { keys: ['only for tests'] },
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
  enabledJWA: {
    idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'],
    clientAuthSigningAlgValues: ['RS256', 'ES256'],
  },
  clientAuthMethods: ['client_secret_post', 'private_key_jwt', 'none'],
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: !given.automatic } },
  ...(given.automatic && { interactions: { url: (_, { uid }) => `/automatic/${uid}` } }),
  // Its own rule tells nobody on this machine of sign-outs.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  // Everybody who is asked for exists, as the bundled form takes any name and password.
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
  // Consent is not what is tested.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid profile email groups');
    await grant.save();
    return grant;
  },
  ttl: { IdToken: given.id_token_seconds, AccessToken: 600, Session: 3600, Grant: 3600, Interaction: 600, AuthorizationCode: 60 },
});
// For clients that fill in no form: whoever is asked has signed in already.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/automatic/')) return next();
  return ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login: { accountId: given.automatic } }));
});
for (const event of ['server_error', 'grant.error', 'backchannel.error']) {
  provider.on(event, (...about) => console.error(event, ...about.filter((item) => item instanceof Error)));
}
provider.listen(given.port, '127.0.0.1', () => console.log('ready'));
