// The unmodified Visual Embed SDK by EmbeddedSSO, and the switches that send a browser to the provider by itself.
//
// The provider asks nobody anything and keeps no cookie: a sign-in in a frame of another site is one that nobody sees.

import assert from 'node:assert/strict';
import { createPublicKey, createSign, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { freshKey } from '../common/fresh_key.mjs';
import { Visit, endVisit, openBrowser } from './browser.mjs';
import { given, runAll, test } from './cases.mjs';
import { arrangements, casesAt } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http } from './server.mjs';

const issuer = given('TS_ISSUER');
const client = given('TS_CLIENT_ID');
const LENA = { sub: 'u1', preferred_username: 'lena', name: 'Lena Lind' };

const privateKey = freshKey('rsa', { modulusLength: 2048 });
const signingKey = { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' };
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const nonces = new Map();

const idToken = (nonce) => {
  const now = Math.floor(Date.now() / 1000);
  const head = encoded({ alg: 'RS256', kid: 'one' });
  const text = `${head}.${encoded({ iss: issuer, aud: client, ...LENA, nonce, iat: now, exp: now + 600 })}`;
  return `${text}.${createSign('sha256').update(text).sign(privateKey).toString('base64url')}`;
};

const description = {
  issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys`,
  response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: ['client_secret_post'],
};

const read = async (request) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
};

const provider = createServer(async (request, reply) => {
  const { pathname, searchParams } = new URL(request.url, issuer);
  const tell = (body) => reply.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  if (pathname === '/.well-known/openid-configuration') return tell(description);
  if (pathname === '/keys') return tell({ keys: [signingKey] });
  if (pathname === '/token') {
    const code = (await read(request)).get('code');
    return tell({ access_token: 'x', token_type: 'Bearer', id_token: idToken(nonces.get(code)) });
  }
  const code = randomUUID();
  nonces.set(code, searchParams.get('nonce'));
  const back = new URL(searchParams.get('redirect_uri'));
  back.search = new URLSearchParams({ code, state: searchParams.get('state') });
  return reply.writeHead(302, { Location: back.href }).end();
});
await new Promise((listening) => provider.listen(new URL(issuer).port, '127.0.0.1', listening));

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

const LOGIN = '/oidc/login';
const isIn = async (frame) => assert.match(await frame.textContent('#frame-facts'), /Lena Lind/);

for (const arrangement of arrangements(host)) {
  const { base, at, isSecure } = arrangement;
  const each = casesAt(context, arrangement);

  each('EmbeddedSSO signs in inside the frame by itself, and the page stays', async (embed) => {
    const page = embed.page.url();
    await isIn(await embed.live({ authType: 'EmbeddedSSO' }));
    await embed.heard('SDK_SUCCESS');
    await embed.said('AuthInit');
    assert.ok(embed.answers('GET', LOGIN).some((reply) => reply.status() === 302), 'it went to the provider');
    assert.equal(embed.page.url(), page);
    const cookie = await embed.cookie();
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, isSecure, isSecure ? 'None' : 'Lax']);
    // Signed in, the frame goes nowhere.
    await embed.load();
    await isIn(await embed.live({ authType: 'EmbeddedSSO' }));
    assert.equal(embed.answers('GET', LOGIN).length, 0);
  });

  each('signing out in a frame of EmbeddedSSO ends the session, and it does not go to the provider again', async (embed) => {
    const frame = await embed.live({ authType: 'EmbeddedSSO' });
    const went = embed.answers('GET', LOGIN).length;
    await frame.click('#frame-actions button');
    await embed.heard('LOGOUT');
    assert.equal(await embed.cookie(), null);
    assert.equal(embed.answers('GET', LOGIN).length, went);
  });

  each('a frame that is not to go by itself has a button for it', async (embed) => {
    const address = `${base}/?embedApp=true&hostAppUrl=${encodeURIComponent(new URL(at).host)}&authType=EmbeddedSSO`;
    await embed.page.goto(`${at}/frame?src=${encodeURIComponent(address)}`);
    const frame = await embed.frame(base);
    assert.equal(await frame.getAttribute('body', 'data-session'), 'none');
    await frame.click('#frame-actions button');
    await isIn(await embed.liveFrame());
  });
}

/** Opens our own page with that query; the view it comes to rest in, and the address. */
const opened = async (visit, query) => {
  const { page } = visit;
  await page.goto(`${http}/${query}#/board/5e?x=1&y`);
  await page.waitForSelector('body[data-view="signed-in"], body[data-view="sign-in"]', { timeout: 30_000 });
  return [await page.getAttribute('body', 'data-view'), page.url()];
};

const FORCED = '?forceSAMLAutoRedirect=true';

test('forceSAMLAutoRedirect leaves for the provider at once and comes back to the very address', async (world) => {
  world.visit = await Visit.begin(context);
  const { page } = world.visit;
  await page.goto(`${http}/${FORCED}#/board/5e?x=1&y`);
  await page.waitForSelector('body[data-view="signed-in"]', { timeout: 30_000 });
  assert.equal(page.url(), `${http}/${FORCED}#/board/5e?x=1&y`);
  assert.ok(world.visit.answers('GET', LOGIN).length > 0);
  // Whoever signs out here stays.
  await page.click('.sign-out');
  await page.waitForSelector('body[data-view="sign-in"]');
});

for (const query of ['', '?forceSAMLAutoRedirect=false', `${FORCED}&disableSAMLAutoRedirect=true`, `${FORCED}&disableOIDCAutoRedirect=true`]) {
  test(`the page stays with ${query || 'nothing asked'}`, async (world) => {
    world.visit = await Visit.begin(context);
    const [view] = await opened(world.visit, query);
    assert.equal(view, 'sign-in');
    assert.equal(world.visit.answers('GET', LOGIN).length, 0);
  });
}

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: ({ visit }, name, failure) => visit && endVisit(visit, name, failure),
});
await close();
host.close();
provider.closeAllConnections();
provider.close();
process.exit(failures ? 1 : 0);
