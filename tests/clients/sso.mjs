// The unmodified Visual Embed SDK and plain browsers at a real OpenID Connect provider, whose form a person fills in.
//
// Every case runs twice: page and server on one site over http, and on two sites over https.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, openBrowser, picture, screenshot } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { Embed } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, https } from './server.mjs';

const issuer = given('TS_ISSUER');
const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

const ARRANGEMENTS = [
  { where: 'on one site over http', at: host.sameSite, base: http },
  { where: 'across sites over https', at: host.crossSite, base: https },
];
const OIDC = { authType: 'SSO_OIDC' };
const slug = (text) => text.replaceAll(/\W+/g, '-');

/** Signs in as that person at the provider. */
const signInThere = async (page, name = 'lena') => {
  await page.waitForSelector('input[name="login"]', { timeout: 30_000 });
  assert.ok(page.url().startsWith(issuer), page.url());
  await page.fill('input[name="login"]', name);
  await page.fill('input[name="password"]', 'any');
  await page.click('button[type="submit"]');
};

/** Waits until the page is back at the host, its script running. */
const backAtHost = async (embed) => {
  await embed.page.waitForURL((url) => url.origin === embed.at, { timeout: 30_000 });
  await embed.page.waitForFunction('window.ready');
};

/** The SDK's documented flow: start, go away, come back, start again. */
const signInByRedirect = async (embed, config = OIDC) => {
  await embed.start(config);
  await signInThere(embed.page);
  await backAtHost(embed);
  const back = embed.page.url();
  await embed.start(config);
  await embed.heard('SDK_SUCCESS');
  return back;
};

const shows = async (embed, name) => {
  await embed.render();
  const frame = await embed.liveFrame();
  assert.match(await frame.textContent('#frame-facts'), new RegExp(name));
};

const info = async (page, base) => page.evaluate(async (url) => {
  const reply = await fetch(url, { credentials: 'include', signal: AbortSignal.timeout(10_000) });
  return reply.ok ? (await reply.json()).userName : reply.status;
}, `${base}/callosum/v1/session/info`);

for (const { where, at, base } of ARRANGEMENTS) {
  const each = (name, run) => test(`${name}, ${where}`, async (world) => {
    const embed = await Embed.open(context, at, base);
    world.visit = embed;
    await run(embed, world);
  });

  each('OIDCRedirect signs in at the provider and comes back to the very address', async (embed) => {
    await embed.page.evaluate(() => history.replaceState(null, '', `${location.href}&q=a%20b%2Fc#/board/é?x=1&y=%2F`));
    const left = embed.page.url();
    const back = await signInByRedirect(embed);
    assert.equal(back, `${left}&tsSSOMarker=5e16222e-ef02-43e9-9fbd-24226bf3ce5b`);
    await shows(embed, 'Lena Lind');
    assert.equal(await info(embed.page, base), 'lena');
    // Signed in, nobody is sent anywhere.
    await embed.load();
    await embed.start(OIDC);
    await embed.heard('SDK_SUCCESS');
    assert.equal(embed.answers('GET', '/oidc/login').length, 0);
  });

  each('OIDCRedirect takes redirectPath', async (embed) => {
    const back = await signInByRedirect(embed, { ...OIDC, redirectPath: '/?sdk=1.52.0&here=1' });
    assert.ok(back.startsWith(`${embed.at}/?sdk=1.52.0&here=1#`), back);
  });

  each('whom the provider remembers is not asked again', async (embed) => {
    await signInByRedirect(embed);
    const cookies = await context.cookies(issuer);
    await context.clearCookies({ name: 'JSESSIONID' });
    assert.ok(cookies.some(({ name }) => name === '_session'));
    await embed.load();
    await embed.start(OIDC);
    await embed.page.waitForURL(/tsSSOMarker/, { timeout: 30_000 });
    await backAtHost(embed);
    await embed.start(OIDC);
    await embed.heard('SDK_SUCCESS');
  });

  each('the popup signs in and the page stays', async (embed) => {
    await embed.page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<div id="trigger"></div>'));
    await embed.start({ ...OIDC, inPopup: true, authTriggerContainer: '#trigger', authTriggerText: 'Sign in' });
    await embed.heard('WAITING_FOR_POPUP');
    const [popup] = await Promise.all([context.waitForEvent('page'), embed.page.click('#ts-auth-btn')]);
    await signInThere(popup, 'max');
    await embed.heard('SDK_SUCCESS');
    await shows(embed, 'Max Moor');
    if (!popup.isClosed()) await popup.close();
  });

  each('who gives up at the provider is told so, and may sign in another way', async (embed) => {
    await embed.start(OIDC);
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
    await signInByRedirect(embed);
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
    await signInByRedirect(embed);
    assert.equal(await info(embed.page, base), 'lena');
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

  test(`a target that is nobody's is refused before the browser leaves, ${where}`, async (world) => {
    world.visit = await Visit.begin(context);
    const { page } = world.visit;
    for (const target of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
      const reply = await page.goto(`${base}/callosum/v1/oidc/login?targetURLPath=${encodeURIComponent(target)}`);
      assert.equal(reply.status(), 400, target);
      assert.ok(page.url().startsWith(base));
    }
  });
}

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: async ({ visit }, name, failure) => {
    if (!visit) return;
    if (failure) {
      await picture(visit.page, `FAILED-${slug(name)}`).catch(() => null);
      console.error(name, visit.page.url(), visit.requests.slice(-12).map((reply) => `${reply.status()} ${reply.request().method()} ${reply.url()}`).join('\n'));
    }
    await visit.end();
    assert.deepEqual(visit.wrongs(), []);
  },
});
await close();
host.close();
process.exit(failures ? 1 : 0);
