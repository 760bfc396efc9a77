// The unmodified REST API SDK, in node and once in a browser, where cookie and Bearer travel together.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Visit, openBrowser } from './browser.mjs';
import { given, runAll, test } from './cases.mjs';
import { startHost } from './host.mjs';
import { configure, http, https, isActive, mintV2, user } from './server.mjs';

const require = createRequire(path.join(given('TS_CLIENTS'), 'node/package.json'));
const { ThoughtSpotRestApi, createBasicConfig, createBearerAuthenticationConfig } = await import(pathToFileURL(require.resolve('@thoughtspot/rest-api-sdk')).href.replace('index.cjs', 'index.js'));

const key = { username: user.name, secret_key: given('TS_SECRET_KEY') };
const password = { username: user.name, password: user.password };
const OBJECT = 'd084c256-e284-4fc4-b80c-111cb606449a';

const anonymous = () => new ThoughtSpotRestApi(createBasicConfig(http));
const bearing = (how) => new ThoughtSpotRestApi(createBearerAuthenticationConfig(http, how));
const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** The call must fail as the SDK reports a refusal it understands: status and a body in JSON. */
const refused = async (status, call) => {
  await assert.rejects(call, (error) => {
    assert.equal(error.constructor.name, 'ApiException', String(error));
    assert.equal(error.code, status);
    assert.ok(error.body.error, JSON.stringify(error.body));
    return true;
  });
};

for (const [name, how] of [['a password', password], ['a secret key', key], ['a token of its own', () => mintV2()]]) {
  test(`calls authenticated by ${name} know who calls`, async () => {
    const api = bearing(how);
    const found = await api.getCurrentUserInfo();
    assert.equal(found.name, user.name);
    assert.equal(found.display_name, user.shown);
    assert.deepEqual(found.orgs.map((org) => org.name).toSorted(), ['Primary', 'Sales']);
    assert.ok(found.id && found.visibility && found.current_org.name === 'Primary');
    assert.ok(Array.isArray(found.privileges));
    assert.equal((await api.getSystemInformation()).type.length > 0, true);
  });
}

test('a fresh token before every call costs nobody anything', async () => {
  const first = (await anonymous().getFullAccessToken(key)).token;
  const api = bearing(key);
  for (let call = 0; call < 12; call += 1) assert.equal((await api.getCurrentUserInfo()).name, user.name);
  assert.equal(await isActive(bearer(first)), 204);
});

test('a full token says what it is good for and how long', async () => {
  const token = await anonymous().getFullAccessToken({ ...key, validity_time_in_sec: 77 });
  assert.equal(token.valid_for_username, user.name);
  const life = token.expiration_time_in_millis - token.creation_time_in_millis;
  assert.ok(life > 76_000 && life <= 77_000, `${life} ms`);
  const seen = await bearing(() => Promise.resolve(token.token)).validateToken({ token: token.token });
  assert.equal(seen.valid_for_user_id, token.valid_for_user_id);
  assert.equal(seen.expiration_time_in_millis, token.expiration_time_in_millis);
});

test('object and custom tokens are good for what they name', async () => {
  const object = await anonymous().getObjectAccessToken({ ...key, object_id: OBJECT });
  assert.equal(object.scope.metadata_id, OBJECT);
  assert.equal(await isActive(bearer(object.token)), 204);
  const custom = await anonymous().getCustomAccessToken({ ...key, persist_option: 'NONE', org_identifier: 'Sales' });
  assert.equal(custom.org.name, 'Sales');
  assert.equal((await bearing(() => Promise.resolve(custom.token)).getCurrentUserInfo()).current_org.name, 'Sales');
});

test('a session hands out a token, and a token is revoked', async () => {
  const { token } = await bearing(key).getCurrentUserToken();
  assert.equal(await isActive(bearer(token)), 204);
  assert.equal(await bearing(() => Promise.resolve(token)).revokeToken({ token }), undefined);
  assert.equal(await isActive(bearer(token)), 401);
  await refused(401, () => bearing(() => Promise.resolve(token)).getCurrentUserInfo());
});

test('login and logout answer with nothing at all', async () => {
  assert.equal(await anonymous().login(password), undefined);
  assert.equal(await anonymous().login({ ...password, remember_me: true, org_identifier: '0' }), undefined);
  const token = await mintV2();
  assert.equal(await bearing(() => Promise.resolve(token)).login({}), undefined);
  assert.equal(await bearing(() => Promise.resolve(token)).logout(), undefined);
  assert.equal(await isActive(bearer(token)), 204, 'a Bearer lives until it is revoked');
});

test('refusals come as the SDK expects them', async () => {
  await refused(401, () => anonymous().login({ ...password, password: 'wrong' }));
  await refused(401, () => anonymous().getFullAccessToken({ ...key, secret_key: 'f0b3c9d2-0000-0000-0000-000000000000' }));
  await refused(400, () => anonymous().getFullAccessToken({ ...key, username: 'nobody' }));
  await refused(401, () => anonymous().getCurrentUserInfo());
  await refused(401, () => anonymous().logout());
  await refused(403, () => bearing(key).searchSecuritySettings({}));
});

test('in a browser cookie and Bearer travel together, and the Bearer decides', async () => {
  const host = await startHost();
  const { context, close } = await openBrowser();
  try {
    await configure({ cors_whitelisted_urls: [host.crossSite] });
    const visit = await Visit.begin(context);
    await visit.page.goto(`${host.crossSite}/rest`);
    await visit.page.waitForFunction('window.ready');
    const seen = await visit.page.evaluate(async ({ base, password: own, other }) => {
      const { ThoughtSpotRestApi: Api, createBasicConfig: basic, createBearerAuthenticationConfig: bearing } = window.rest;
      const cookie = new Api(basic(base));
      const both = new Api(bearing(base, () => Promise.resolve(other)));
      await cookie.login(own);
      const names = [(await cookie.getCurrentUserInfo()).name, (await both.getCurrentUserInfo()).name];
      await both.logout();
      const after = await cookie.getCurrentUserInfo().catch((error) => error.code);
      return [...names, after, (await both.getCurrentUserInfo()).name];
    }, { base: https, password, other: await mintV2(300, given('TS_ADMIN')) });
    // A logout with both ends the cookie's session; the token lives on.
    assert.deepEqual(seen, [user.name, given('TS_ADMIN'), 401, given('TS_ADMIN')]);
    const both = (await Promise.all(visit.requests.map((response) => response.request().allHeaders()))).filter((headers) => headers.cookie && headers.authorization);
    assert.ok(both.length >= 2, 'they did travel together');
    assert.deepEqual(visit.wrongs(), []);
  } finally {
    await close();
    host.close();
  }
});

process.exit(await runAll() ? 1 : 0);
