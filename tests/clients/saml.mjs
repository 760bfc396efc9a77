// The unmodified Visual Embed SDK and plain browsers at a real SAML provider, whose form a person fills in.
//
// Every case of signing in runs twice: page and server on one site over http, and on two sites over https. The provider
// knows one address for sign-outs, that of http.

import assert from 'node:assert/strict';
import { Visit, openBrowser, picture } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { Embed } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, https, isActive, user } from './server.mjs';

const idp = given('TS_IDP');
const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

const ARRANGEMENTS = [
  { where: 'on one site over http', at: host.sameSite, base: http },
  { where: 'across sites over https', at: host.crossSite, base: https },
];
const SAML = { authType: 'SSO_SAML' };
const slug = (text) => text.replaceAll(/\W+/g, '-');

/** Signs in as lena at the provider. */
const signInThere = async (page) => {
  await page.waitForSelector('input[name="password"]', { timeout: 30_000 });
  assert.ok(page.url().startsWith(idp), page.url());
  await page.fill('input[name="username"]', 'lena');
  await page.fill('input[name="password"]', 'p1anted-lena-word');
  await page.press('input[name="password"]', 'Enter');
};

/** Waits until the page is back at the host, its script running. */
const backAtHost = async (embed) => {
  await embed.page.waitForURL((url) => url.origin === embed.at, { timeout: 30_000 });
  await embed.page.waitForFunction('window.ready');
};

/** The SDK's documented flow: start, go away, come back, start again. */
const signInByRedirect = async (embed, config = SAML) => {
  await embed.start(config);
  await signInThere(embed.page);
  await backAtHost(embed);
  const back = embed.page.url();
  await embed.start(config);
  await embed.heard('SDK_SUCCESS');
  return back;
};

const shows = async (embed) => {
  await embed.render();
  const frame = await embed.liveFrame();
  assert.match(await frame.textContent('#frame-facts'), /Lena Öztürk & Söhne <BI>/);
};

const info = async (page, base) => page.evaluate(async (url) => {
  const reply = await fetch(url, { credentials: 'include' });
  return reply.ok ? (await reply.json()).userName : reply.status;
}, `${base}/callosum/v1/session/info`);

for (const { where, at, base } of ARRANGEMENTS) {
  const each = (name, run) => test(`${name}, ${where}`, async (world) => {
    const embed = await Embed.open(context, at, base);
    world.visit = embed;
    await run(embed, world);
  });

  each('SAMLRedirect signs in at the provider and comes back to the very address', async (embed) => {
    await embed.page.evaluate(() => history.replaceState(null, '', `${location.href}&q=a%20b%2Fc#/board/é?x=1&y=%2F`));
    const left = embed.page.url();
    const back = await signInByRedirect(embed);
    assert.equal(back, `${left}&tsSSOMarker=5e16222e-ef02-43e9-9fbd-24226bf3ce5b`);
    await shows(embed);
    assert.equal(await info(embed.page, base), 'lena');
    // Signed in, nobody is sent anywhere.
    await embed.load();
    await embed.start(SAML);
    await embed.heard('SDK_SUCCESS');
    assert.equal(embed.answers('GET', '/saml/login').length, 0);
  });

  each('SAMLRedirect takes redirectPath', async (embed) => {
    const back = await signInByRedirect(embed, { ...SAML, redirectPath: '/?sdk=1.52.0&here=1' });
    assert.ok(back.startsWith(`${embed.at}/?sdk=1.52.0&here=1#`), back);
  });

  each('whom the provider remembers is not asked again', async (embed) => {
    await signInByRedirect(embed);
    await context.clearCookies({ name: 'JSESSIONID' });
    await embed.load();
    await embed.start(SAML);
    await embed.page.waitForURL(/tsSSOMarker/, { timeout: 30_000 });
    await backAtHost(embed);
    await embed.start(SAML);
    await embed.heard('SDK_SUCCESS');
  });

  each('the popup signs in and the page stays', async (embed) => {
    await embed.page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<div id="trigger"></div>'));
    await embed.start({ ...SAML, inPopup: true, authTriggerContainer: '#trigger', authTriggerText: 'Sign in' });
    await embed.heard('WAITING_FOR_POPUP');
    const [popup] = await Promise.all([context.waitForEvent('page'), embed.page.click('#ts-auth-btn')]);
    await signInThere(popup);
    await embed.heard('SDK_SUCCESS');
    await shows(embed);
    if (!popup.isClosed()) await popup.close();
  });

  test(`a target that is nobody's is refused before the browser leaves, ${where}`, async (world) => {
    world.visit = await Visit.begin(context);
    const { page } = world.visit;
    for (const target of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
      const reply = await page.goto(`${base}/callosum/v1/saml/login?targetURLPath=${encodeURIComponent(target)}`);
      assert.equal(reply.status(), 400, target);
      assert.ok(page.url().startsWith(base));
    }
  });
}

// MicroStrategy's clients: the login dialog of its pages, with mode 1048576.

const LIBRARY = '/MicroStrategyLibrary';
const dialogAt = (base, rest) => `${base}${LIBRARY}/auth/login-dialog.jsp?loginMode=1048576&${rest}`;

/** What a page of the client's gets for its cookies: the status, and who that token is. */
const tokenOf = async (page, base) => page.evaluate(async (library) => {
  const given = await fetch(`${library}/api/auth/token`, { credentials: 'include' });
  const token = given.headers.get('x-mstr-authtoken');
  if (!token) return [given.status, null];
  const who = await fetch(`${library}/api/sessions/userInfo`, { credentials: 'include', headers: { 'X-MSTR-AuthToken': token } });
  return [given.status, (await who.json()).username];
}, base + LIBRARY);

/** Opens the dialog as a client does, in a window of its own; what that window says is kept in `window.app.posted`. */
const openDialog = async (embed, base, origin) => {
  const url = dialogAt(base, `callback-origin=${encodeURIComponent(origin)}`);
  const [popup] = await Promise.all([
    context.waitForEvent('page'),
    embed.page.evaluate((address) => { window.open(address, 'dialog'); }, url),
  ]);
  return popup;
};

const told = async (embed) => (await embed.list('posted')).filter(({ type }) => type === 'loginComplete');

for (const { where, at, base } of ARRANGEMENTS) {
  const each = (name, run) => test(`MicroStrategy: ${name}, ${where}`, async (world) => {
    const embed = await Embed.open(context, at, base);
    world.visit = embed;
    await run(embed);
  });

  each('the dialog signs in at the provider, tells its opener and is gone', async (embed) => {
    assert.deepEqual(await tokenOf(embed.page, base), [401, null]);
    const popup = await openDialog(embed, base, at);
    const closed = popup.waitForEvent('close', { timeout: 15_000 });
    await signInThere(popup);
    await closed;
    await until('the opener is told', async () => (await told(embed)).length > 0);
    const text = JSON.stringify({ type: 'loginComplete', result: 'success' });
    assert.deepEqual(await told(embed), [{ type: 'loginComplete', origin: base, text }]);
    assert.deepEqual(await tokenOf(embed.page, base), [204, 'lena']);
  });

  each('an opener of another origin hears nothing', async (embed) => {
    const other = at === host.sameSite ? host.crossSite : host.sameSite;
    const popup = await openDialog(embed, base, other);
    const closed = popup.waitForEvent('close', { timeout: 15_000 });
    await signInThere(popup);
    await closed;
    assert.deepEqual(await told(embed), []);
  });

  each('in the same tab it ends at the very address', async (embed) => {
    const { page } = embed;
    const target = `${at}/?sdk=1.52.0&q=a%20b#/page?x=1&y=%2F`;
    await page.goto(dialogAt(base, `redirectURL=${encodeURIComponent(target)}`));
    await signInThere(page);
    await page.waitForURL((url) => url.origin === at, { timeout: 15_000 });
    assert.equal(page.url(), target);
    assert.deepEqual(await tokenOf(page, base), [204, 'lena']);
  });

  test(`MicroStrategy: neither another address nor another origin is taken, ${where}`, async (world) => {
    world.visit = await Visit.begin(context);
    const { page } = world.visit;
    for (const rest of ['redirectURL=https%3A%2F%2Fevil.example', 'callback-origin=https%3A%2F%2Fevil.example', 'callback-origin=*']) {
      const reply = await page.goto(dialogAt(base, rest));
      assert.equal(reply.status(), 400, rest);
      assert.ok(page.url().startsWith(base));
    }
  });
}

const [{ at, base }] = ARRANGEMENTS;

test('signing out here signs out there', async (world) => {
  const embed = await Embed.open(context, at, base);
  world.visit = embed;
  await signInByRedirect(embed);
  const { page } = embed;
  await page.goto(`${base}/callosum/v1/saml/logout`);
  await Promise.all([page.waitForRequest((request) => request.url().startsWith(`${idp}/`)), page.click('button')]);
  await page.waitForURL(`${base}/**`, { timeout: 30_000 });
  assert.equal((await context.cookies(base)).find(({ name }) => name === 'JSESSIONID'), undefined);
  // The provider has forgotten too: it asks.
  await page.goto(`${base}/callosum/v1/saml/login?targetURLPath=%2F`);
  await signInThere(page);
  await page.waitForURL(`${base}/**`, { timeout: 30_000 });
});

test('signing out there ends the session here', async (world) => {
  const embed = await Embed.open(context, at, base);
  world.visit = embed;
  await signInByRedirect(embed);
  assert.equal(await info(embed.page, base), 'lena');
  const other = await context.newPage();
  await other.goto(`${idp}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(`${idp}/saml2/idp/metadata.php?output=xhtml`)}`);
  await other.waitForURL(`${idp}/saml2/idp/metadata.php**`, { timeout: 30_000 });
  await other.close();
  await until('the session is over', async () => await info(embed.page, base) === 401);
});

test('somebody else who carries the provider\'s sign-out to us keeps their own session', async (world) => {
  const embed = await Embed.open(context, at, base);
  world.visit = embed;
  await signInByRedirect(embed);
  // As the browser would be sent, up to where it would come to us.
  let message = `${idp}/saml2/idp/initSLO.php?RelayState=x`;
  for (let step = 0; step < 5 && !message.startsWith(base); step += 1) {
    const sent = await context.request.get(message, { maxRedirects: 0 });
    message = new URL(sent.headers().location, message).href;
  }
  assert.match(message, /SAMLRequest=/);
  assert.equal(await info(embed.page, base), 'lena');

  const signedIn = await fetch(`${base}/callosum/v1/session/login`, { method: 'POST', body: new URLSearchParams({ username: user.name, password: user.password }) });
  assert.equal(signedIn.status, 204);
  const cookie = signedIn.headers.getSetCookie().find((line) => line.startsWith('JSESSIONID=')).split(';')[0];
  const reply = await fetch(message, { headers: { Cookie: cookie }, redirect: 'manual' });
  assert.equal(reply.status, 302);
  assert.deepEqual(reply.headers.getSetCookie(), []);
  assert.equal(await isActive({ Cookie: cookie }), 204);
  assert.equal(await info(embed.page, base), 401);
});

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
