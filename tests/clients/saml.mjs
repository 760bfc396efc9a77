// The unmodified Visual Embed SDK and plain browsers at a real SAML provider, whose form a person fills in.
//
// Every case of signing in runs twice: page and server on one site over http, and on two sites over https. The provider
// knows one address for sign-outs, that of http.

import assert from 'node:assert/strict';
import { Visit, endVisit, openBrowser } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { Embed, arrangements, casesAt } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, isActive, user } from './server.mjs';
import { SignOn, whoIsIn } from './sign_on.mjs';

const idp = given('TS_IDP');
const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

/** Signs in as lena at the provider. */
const signInThere = async (page) => {
  await page.waitForSelector('input[name="password"]', { timeout: 30_000 });
  assert.ok(page.url().startsWith(idp), page.url());
  await page.fill('input[name="username"]', 'lena');
  await page.fill('input[name="password"]', 'p1anted-lena-word');
  await page.press('input[name="password"]', 'Enter');
};

const saml = new SignOn({ context, protocol: 'saml', signInThere });
const LENA = { name: 'lena', shown: /Lena Öztürk & Söhne <BI>/ };

for (const arrangement of arrangements(host)) saml.addCases(arrangement, [LENA, LENA]);

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

for (const arrangement of arrangements(host)) {
  const { where, at, base } = arrangement;
  const onPage = casesAt(context, arrangement);
  const each = (name, run) => onPage(`MicroStrategy: ${name}`, run);

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

const [{ at, base }] = arrangements(host);

test('signing out here signs out there', async (world) => {
  const embed = await Embed.open(context, at, base);
  world.visit = embed;
  await saml.byRedirect(embed);
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
  await saml.byRedirect(embed);
  assert.equal(await whoIsIn(embed.page, base), 'lena');
  const other = await context.newPage();
  await other.goto(`${idp}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(`${idp}/saml2/idp/metadata.php?output=xhtml`)}`);
  await other.waitForURL(`${idp}/saml2/idp/metadata.php**`, { timeout: 30_000 });
  await other.close();
  await until('the session is over', async () => await whoIsIn(embed.page, base) === 401);
});

test('somebody else who carries the provider\'s sign-out to us keeps their own session', async (world) => {
  const embed = await Embed.open(context, at, base);
  world.visit = embed;
  await saml.byRedirect(embed);
  // As the browser would be sent, up to where it would come to us.
  let message = `${idp}/saml2/idp/initSLO.php?RelayState=x`;
  for (let step = 0; step < 5 && !message.startsWith(base); step += 1) {
    const sent = await context.request.get(message, { maxRedirects: 0 });
    message = new URL(sent.headers().location, message).href;
  }
  assert.match(message, /SAMLRequest=/);
  assert.equal(await whoIsIn(embed.page, base), 'lena');

  const signedIn = await fetch(`${base}/callosum/v1/session/login`, { method: 'POST', body: new URLSearchParams({ username: user.name, password: user.password }) });
  assert.equal(signedIn.status, 204);
  const cookie = signedIn.headers.getSetCookie().find((line) => line.startsWith('JSESSIONID=')).split(';')[0];
  const reply = await fetch(message, { headers: { Cookie: cookie }, redirect: 'manual' });
  assert.equal(reply.status, 302);
  assert.deepEqual(reply.headers.getSetCookie(), []);
  assert.equal(await isActive({ Cookie: cookie }), 204);
  assert.equal(await whoIsIn(embed.page, base), 401);
});

const failures = await runAll({
  prepare: () => ({ visit: null }),
  dispose: ({ visit }, name, failure) => visit && endVisit(visit, name, failure),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
