// The unmodified Visual Embed SDK and plain browsers at a real OpenID Connect provider, whose form a person fills in.
//
// Every case runs twice: page and server on one site over http, and on two sites over https.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, endVisit, openBrowser, picture, screenshot, slug } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { arrangements, casesAt } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http } from './server.mjs';
import { SignOn, whoIsIn } from './sign_on.mjs';

const issuer = given('TS_ISSUER');
const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

/** Signs in as that person at the provider. */
const signInThere = async (page, name = 'lena') => {
  await page.waitForSelector('input[name="login"]', { timeout: 30_000 });
  assert.ok(page.url().startsWith(issuer), page.url());
  await page.fill('input[name="login"]', name);
  await page.fill('input[name="password"]', 'any');
  await page.click('button[type="submit"]');
};

const oidc = new SignOn({ context, protocol: 'oidc', signInThere, remembersBy: '_session' });

for (const arrangement of arrangements(host)) {
  const { where, base } = arrangement;
  const each = casesAt(context, arrangement);
  oidc.addCases(arrangement, [{ name: 'lena', shown: /Lena Lind/ }, { name: 'max', shown: /Max Moor/ }]);

  each('who gives up at the provider is told so, and may sign in another way', async (embed) => {
    await embed.start(oidc.config);
    await embed.page.waitForSelector('input[name="login"]', { timeout: 30_000 });
    await embed.page.click('a[href*="/abort"]');
    await embed.page.waitForURL(`${base}/**`, { timeout: 30_000 });
    assert.match(await embed.page.textContent('main, body'), /not signed in/i);
    await assertAccessible(embed.page);
    await picture(embed.page, `sso-given-up-${slug(where)}`);
    if (base === http) {
      for (const colorScheme of ['light', 'dark']) {
        await embed.page.emulateMedia({ colorScheme });
        await screenshot(embed.page, `pages-sso-refused-${colorScheme}`);
      }
    }
    await embed.page.click('a.button');
    await embed.page.waitForSelector('#username');
    assert.equal(new URL(embed.page.url()).pathname, '/sign-in');
  });

  each('signing out here signs out there', async (embed) => {
    await oidc.byRedirect(embed);
    const { page } = embed;
    await page.goto(`${base}/callosum/v1/oidc/logout`);
    await assertAccessible(page);
    await page.click('button');
    await page.waitForURL(`${issuer}/**`, { timeout: 30_000 });
    assert.equal((await context.cookies(base)).find(({ name }) => name === 'JSESSIONID'), undefined);
    await page.click('button[value="yes"]');
    await page.waitForURL(`${base}/**`, { timeout: 30_000 });
    await page.goto(`${base}/callosum/v1/oidc/login?targetURLPath=%2F`);
    await signInThere(page);
    await page.waitForURL(`${base}/**`, { timeout: 30_000 });
  });

  each('signing out there ends the session here', async (embed) => {
    await oidc.byRedirect(embed);
    assert.equal(await whoIsIn(embed.page, base), 'lena');
    const other = await context.newPage();
    await other.goto(`${issuer}/session/end`);
    await Promise.all([other.waitForNavigation(), other.click('button[value="yes"]')]);
    // Not asked in the page: while a neighbour of it is on its way, its scripts may wait for good.
    await until('the session is over', async () => (await context.request.get(`${base}/callosum/v1/session/info`)).status() === 401);
    await other.close();
  });

  test(`the buttons of our own pages lead there and back to where one was going, ${where}`, async (world) => {
    world.visit = await Visit.begin(context);
    const { page } = world.visit;
    await page.setViewportSize({ width: 640, height: 480 });
    await page.goto(`${base}/sign-in?to=/sessions`);
    await assertAccessible(page);
    if (base === http) {
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await screenshot(page, `pages-sign-in-provider-${colorScheme}`);
      }
    }
    await page.click('.providers a');
    await signInThere(page);
    await page.waitForURL(`${base}/sessions`, { timeout: 30_000 });
    assert.match(await page.textContent('.this'), /OpenID Connect/);
    // Nobody has a password here, and the provider may have asked nobody: it has to, and then that is proof enough.
    const ending = `${base}/sessions/end?session=others`;
    await page.goto(ending);
    assert.equal(await page.$('input[type="password"]'), null);
    assert.equal(await page.$('.primary'), null);
    await page.click('p > a.button');
    await signInThere(page);
    await page.waitForURL(ending, { timeout: 30_000 });
    await page.click('.primary');
    await page.waitForURL(/\/sessions\?ended=\d+$/);
    await context.clearCookies();
    await page.goto(`${base}/v2/#/pinboard/5e?x=1&y`);
    await page.waitForSelector('body[data-view="sign-in"]');
    await assertAccessible(page);
    await page.click('.providers a');
    await signInThere(page);
    await page.waitForURL(`${base}/v2/#/pinboard/5e?x=1&y`, { timeout: 30_000 });
    await page.waitForSelector('body[data-view="signed-in"]');
  });
}

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: ({ visit }, name, failure) => visit && endVisit(visit, name, failure),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
