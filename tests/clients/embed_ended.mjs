// Sessions that end while a frame shows them: the server under test lets a session idle for three seconds only.

import assert from 'node:assert/strict';
import { endVisit, openBrowser } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { Embed, REDEEM } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, https, user } from './server.mjs';

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();
// A token that outlived the session would let the SDK believe that it is still signed in.
const TRUSTED = { authType: 'AuthServer', username: user.name, tokens: '/token?seconds=2' };

const inits = async (embed) => (await embed.list('said')).filter((name) => name === 'AuthInit').length;

test('autoLogin signs in again when a session has idled away', async (world) => {
  const embed = await Embed.open(context, host.crossSite, https);
  world.visit = embed;
  await embed.live({ ...TRUSTED, autoLogin: true });
  const before = (await embed.cookie()).value;
  await embed.said('IdleSessionTimeout', 15);
  await until('the frame is live again', async () => await inits(embed) >= 2);
  await embed.liveFrame();
  assert.notEqual((await embed.cookie()).value, before);
  assert.ok(embed.answers('POST', REDEEM).length >= 2);
});

test('without a host that signs in again the frame says so and offers the form', async (world) => {
  const embed = await Embed.open(context, host.sameSite, http);
  world.visit = embed;
  const frame = await embed.live({ authType: 'Basic', username: user.name, password: user.password });
  await embed.said('AuthExpire', 15);
  await frame.waitForSelector('body[data-session="none"]');
  assert.equal(await inits(embed), 1);
  await frame.click('#frame-actions button');
  await frame.fill('#username', user.name);
  await frame.fill('#password', user.password);
  await frame.press('#password', 'Enter');
  await embed.liveFrame();
});

test('the page in a window of its own sees its session end', async (world) => {
  const embed = await Embed.open(context, host.sameSite, http);
  world.visit = embed;
  const { page } = embed;
  await page.goto(`${http}/`);
  await page.fill('#username', user.name);
  await page.fill('#password', user.password);
  await page.press('#password', 'Enter');
  await page.waitForSelector('body[data-view="signed-in"]');
  await page.waitForSelector('body[data-view="sign-in"]', { timeout: 30_000 });
  assert.match(await page.textContent('#status'), /has ended/);
});

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: ({ visit }, name, failure) => visit && endVisit(visit, name, failure),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
