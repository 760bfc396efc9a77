// The SDK and the embed doctor in a browser that blocks third-party cookies, page and server on two sites.

import assert from 'node:assert/strict';
import { assertAccessible, endVisit, openBrowser, picture } from './browser.mjs';
import { runAll, test } from './cases.mjs';
import { examined } from './doctor_page.mjs';
import { Embed } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, https, user } from './server.mjs';

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.crossSite] });
const { context, close } = await openBrowser({ blocksThirdParty: true });
const open = () => Embed.open(context, host.crossSite, https);
const BASIC = { authType: 'Basic', username: user.name, password: user.password };
const TRUSTED = { authType: 'AuthServer', username: user.name, tokens: '/token' };

test('Basic notices blocked cookies when it is told to look', async (world) => {
  const embed = world.visit = await open();
  await embed.start({ ...BASIC, detectCookieAccessSlow: true });
  await embed.heard('FAILURE');
  assert.equal(await embed.cookie(), null);
});

// The SDK's look carries the Bearer it has just been given, which is good: only the frame can tell.
test('TrustedAuthToken cannot notice blocked cookies by looking', async (world) => {
  const embed = world.visit = await open();
  await embed.start({ ...TRUSTED, detectCookieAccessSlow: true });
  await embed.heard('SDK_SUCCESS');
  assert.equal(await embed.cookie(), null);
  const looks = (await embed.sent()).filter(([request]) => request.url().endsWith('/session/isactive'));
  assert.match(looks.at(-1)[1].authorization, /^Bearer /);
});

for (const [name, config] of [['Basic', BASIC], ['TrustedAuthToken', TRUSTED]]) {
  test(`${name} learns of blocked cookies from the frame`, async (world) => {
    const embed = world.visit = await open();
    await embed.start({ ...config, ignoreNoCookieAccess: true });
    await embed.heard('SDK_SUCCESS');
    await embed.render();
    await embed.said('NoCookieAccess');
    const frame = await embed.frame(https);
    assert.match(await frame.textContent('#frame-state'), /keeps cookies away/);
    await assertAccessible(frame);
    await picture(embed.page, `embed-blocked-${name}`);
  });
}

test('TrustedAuthTokenCookieless does not care', async (world) => {
  const embed = world.visit = await open();
  const frame = await embed.live({ authType: 'AuthServerCookieless', username: user.name, tokens: '/token' });
  assert.match(await frame.textContent('#frame-facts'), new RegExp(user.shown));
});

test('the embed doctor names the setting that helps', async (world) => {
  const embed = world.visit = await open();
  const [frame, found] = await examined(embed, `${host.crossSite}/frame?src=${https}/embed/doctor`);
  assert.equal(found.verdict, 'change', JSON.stringify(found));
  assert.deepEqual([found.cross_site, found.cookies.none, found.cookies.partitioned], [true, false, true]);
  assert.match(await frame.textContent('#advice-list'), /cookies\.partitioned = true/);
  await picture(embed.page, 'doctor-blocked');
});

// Last: the setting stays for the rest of the run.
test('partitioned cookies let a cookie embed live all the same', async (world) => {
  await configure({ enable_partitioned_cookies: true });
  const embed = world.visit = await open();
  const frame = await embed.live(TRUSTED);
  assert.match(await frame.textContent('#frame-facts'), new RegExp(user.shown));
  const [, found] = await examined(embed, `${host.crossSite}/frame?src=${https}/embed/doctor`);
  assert.equal(found.verdict, 'ok', JSON.stringify(found));
});

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: ({ visit }, name, failure) => visit && endVisit(visit, name, failure),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
