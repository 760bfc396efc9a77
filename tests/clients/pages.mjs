// The sign-in page, the signed-in view and the embed doctor, as people use them: by form, keyboard, phone, at night.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, endVisit, openBrowser, picture, screenshot } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { examined } from './doctor_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, https, isActive, mintV2, user } from './server.mjs';

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.crossSite] });
const { context, close } = await openBrowser();

const view = (page, name) => page.waitForSelector(`body[data-view="${name}"]`, { timeout: 30_000 });

const openPage = async (visit, path = '/') => {
  await visit.page.goto(http + path);
  await view(visit.page, 'sign-in');
  return visit.page;
};

const fillIn = async (page, name = user.name, password = user.password) => {
  await page.fill('#username', name);
  await page.fill('#password', password);
  await page.press('#password', 'Enter');
};

const signIn = async (visit) => {
  const page = await openPage(visit);
  await fillIn(page);
  await view(page, 'signed-in');
  return page;
};

const says = (page, id, words) => until(`${id} says ${words}`, async () => words.test(await page.textContent(id)));

const sessionCookie = async () => (await context.cookies(http)).find(({ name }) => name === 'JSESSIONID');

const hasSidewaysScroll = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

// Those with a word for it are in the documents.
const DOCUMENTED = ['sign-in', 'signed-in'];
const LOOKS = [
  { look: 'by day', colorScheme: 'light', width: 1000, documented: 'light' },
  { look: 'at night', colorScheme: 'dark', width: 1000, documented: 'dark' },
  { look: 'on a phone', colorScheme: 'light', width: 380 },
  { look: 'on a phone at night', colorScheme: 'dark', width: 380 },
];

for (const { look, colorScheme, width, documented } of LOOKS) {
  const name = look.replaceAll(' ', '-');

  test(`signing in, changing the Org and signing out, ${look}`, async (visit) => {
    await visit.page.setViewportSize({ width, height: 760 });
    await visit.page.emulateMedia({ colorScheme });
    const check = async (step) => {
      await assertAccessible(visit.page);
      assert.ok(!await hasSidewaysScroll(visit.page), `${step} scrolls sideways`);
      await picture(visit.page, `page-${step}-${name}`);
      if (documented && DOCUMENTED.includes(step)) await screenshot(visit.page, `pages-start-${step}-${documented}`);
    };
    const page = await openPage(visit);
    await check('sign-in');
    await fillIn(page, user.name, 'wrong');
    await says(page, '#error', /do not match/);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
    await check('wrong');
    await fillIn(page);
    await view(page, 'signed-in');
    assert.match(await page.textContent('#signed-in-title'), new RegExp(user.shown));
    await check('signed-in');
    const before = (await sessionCookie()).value;
    const orgs = await page.$$eval('#org option', (options) => options.map((option) => option.textContent));
    assert.deepEqual(orgs.toSorted(), ['Primary', 'Sales']);
    for (const org of ['Sales', 'Primary']) {
      await page.selectOption('#org', { label: org });
      await page.click('#orgs button');
      await says(page, '#status', new RegExp(`work in ${org}`));
    }
    assert.equal((await sessionCookie()).value, before, 'changing the Org keeps the session');
    await check('org');
    await page.click('main > [data-shows="signed-in"] .sign-out');
    await view(page, 'sign-in');
    assert.match(await page.textContent('#status'), /signed out/);
    assert.equal(await sessionCookie(), undefined);
    assert.equal(await isActive({ Cookie: `JSESSIONID=${before}` }), 401);
    await check('signed-out');
  });

  test(`the embed doctor alone and across sites, ${look}`, async (visit) => {
    await visit.page.setViewportSize({ width, height: 760 });
    await visit.page.emulateMedia({ colorScheme });
    const [page, alone] = await examined(visit, `${https}/embed/doctor`);
    assert.deepEqual([alone.verdict, alone.framed], ['ok', false], JSON.stringify(alone));
    await assertAccessible(page);
    assert.ok(!await hasSidewaysScroll(page));
    await picture(visit.page, `doctor-${name}`);
    if (documented) await screenshot(visit.page, `pages-doctor-${documented}`);
    const [frame, framed] = await examined(visit, `${host.crossSite}/frame?src=${https}/embed/doctor`);
    assert.deepEqual([framed.verdict, framed.cross_site, framed.cookies.none], ['ok', true, true], JSON.stringify(framed));
    await assertAccessible(frame);
    await picture(visit.page, `doctor-framed-${name}`);
  });
}

test('everything goes by keyboard alone', async (visit) => {
  const page = await openPage(visit);
  const { keyboard } = page;
  const passed = [];
  for (let step = 0; step < 5; step += 1) {
    await keyboard.press('Tab');
    passed.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(passed, ['username', 'password', 'reveal', 'remember', 'submit']);
  for (let step = 0; step < 4; step += 1) await keyboard.press('Shift+Tab');
  await keyboard.type(user.name);
  await keyboard.press('Tab');
  await keyboard.type(user.password);
  await keyboard.press('Tab');
  await keyboard.press('Space');
  assert.equal(await page.getAttribute('#password', 'type'), 'text');
  await keyboard.press('Tab');
  await keyboard.press('Space');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await view(page, 'signed-in');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'signed-in-title');
  assert.ok((await sessionCookie()).expires > Date.now() / 1000, 'remembered, as ticked');
  assert.match(await page.textContent('#facts'), /Signed in with.*password.*Remembered on this device/);
  for (let step = 0; step < 9 && !await page.evaluate(() => document.activeElement.classList.contains('sign-out')); step += 1) await keyboard.press('Tab');
  await keyboard.press('Enter');
  await view(page, 'sign-in');
});

test('a session not remembered ends with the browser', async (visit) => {
  await signIn(visit);
  assert.equal((await sessionCookie()).expires, -1);
});

test('guessing is slowed down, and the page says for how long', async (visit) => {
  const page = await openPage(visit);
  for (let guess = 0; guess < 8 && !/Too many/.test(await page.textContent('#error')); guess += 1) {
    await page.fill('#username', 'nobody at all');
    await page.fill('#password', `guess ${guess}`);
    const [reply] = await Promise.all([page.waitForResponse((response) => response.url().endsWith('/session/login')), page.press('#password', 'Enter')]);
    await says(page, '#error', reply.status() === 429 ? /Too many/ : /do not match/);
  }
  assert.match(await page.textContent('#error'), /Too many attempts\. You can try again in \d+ second/);
  assert.equal(await page.getAttribute('#submit', 'aria-disabled'), 'true');
  await assertAccessible(page);
  await picture(page, 'page-throttled');
  await until('the button wakes up', async () => await page.getAttribute('#submit', 'aria-disabled') === null);
});

test('signing in works without scripts', async (visit) => {
  const { page } = visit;
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setScriptExecutionDisabled', { value: true });
  await page.goto(`${http}/`);
  assert.ok(await page.isVisible('#username'));
  assert.ok(await page.isVisible('noscript'));
  await picture(page, 'page-no-scripts');
  await page.fill('#username', user.name);
  await page.fill('#password', user.password);
  // 204: the browser stays where it is.
  const [reply] = await Promise.all([page.waitForResponse((response) => response.url().endsWith('/session/login')), page.click('#submit')]);
  assert.equal(reply.status(), 204);
  assert.ok(await page.isVisible('#username'));
  await until('the cookie is kept', sessionCookie);
  await devtools.send('Emulation.setScriptExecutionDisabled', { value: false });
  await page.reload();
  await view(page, 'signed-in');
});

test('a session that ended elsewhere is noticed at the next act', async (visit) => {
  const page = await signIn(visit);
  const { value } = await sessionCookie();
  const reply = await fetch(`${http}/callosum/v1/session/logout`, { method: 'POST', headers: { Cookie: `JSESSIONID=${value}` } });
  assert.equal(reply.status, 204);
  await page.click('#orgs button');
  await view(page, 'sign-in');
  assert.match(await page.textContent('#status'), /has ended/);
});

test('the back button does not bring a session back', async (visit) => {
  const page = await signIn(visit);
  await page.click('main > [data-shows="signed-in"] .sign-out');
  await view(page, 'sign-in');
  await page.goto(`${http}/robots.txt`);
  await page.goBack();
  await view(page, 'sign-in');
});

test('a token in a link signs in and leaves no trace in the address', async (visit) => {
  const { page } = visit;
  const query = new URLSearchParams({ auth_token: await mintV2(), username: user.name, redirect_url: `${http}/v2/#/home` });
  await page.goto(`${http}/callosum/v1/tspublic/v1/session/login/token?${query}`);
  await view(page, 'signed-in');
  assert.equal(page.url(), `${http}/v2/#/home`);
  assert.match(await page.textContent('#facts'), /trusted token/);
});

test('what people are called is text, never markup', async (visit) => {
  const { page } = visit;
  const name = '<img src=x onerror="document.title=1"><b>Bobby</b>';
  const token = await mintV2(300, 'bobby', { auto_create: true, display_name: name });
  await page.goto(`${http}/callosum/v1/session/login/token?${new URLSearchParams({ auth_token: token, redirect_url: `${http}/` })}`);
  await view(page, 'signed-in');
  assert.equal(await page.textContent('#signed-in-title'), `Signed in as ${name}`);
  assert.equal(await page.$('#signed-in-title *'), null);
});

test('the sign-on popup tells its opener and carries no token', async (visit) => {
  const { page } = visit;
  await page.goto(`${host.crossSite}/`);
  await page.evaluate(() => { window.told = []; window.addEventListener('message', ({ data, origin }) => window.told.push({ data, origin })); });
  const [popup] = await Promise.all([
    context.waitForEvent('page'),
    page.evaluate((base) => { window.open(`${base}/v2/#/embed/saml-complete`, '', 'width=400,height=400'); }, http),
  ]);
  await page.waitForFunction('window.told.length');
  assert.deepEqual(await page.evaluate('window.told'), [{ data: { type: 'samlComplete' }, origin: http }]);
  await view(popup, 'closable');
  await assertAccessible(popup);
  await popup.close();
});

test('the pages let in their own scripts only and name who may frame them', async (visit) => {
  const page = await openPage(visit);
  const policy = visit.answers('GET', '/')[0].headers()['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "object-src 'none'", `frame-ancestors 'self' ${host.crossSite}`]) {
    assert.ok(policy.includes(part), `${part} is not in ${policy}`);
  }
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "let in"';
    document.body.append(script);
  });
  assert.doesNotMatch(await page.title(), /let in/);
  await until('the browser says so', () => visit.wrongs().length);
  visit.problems.length = 0;
});

test('the embed doctor tells an application that is not listed which setting is missing', async (visit) => {
  const stranger = await startHost();
  try {
    const [frame, found] = await examined(visit, `${stranger.crossSite}/frame?src=${https}/embed/doctor`);
    assert.equal(found.verdict, 'change', JSON.stringify(found));
    assert.match(await frame.textContent('#advice-list'), new RegExp(`embed\\.origins = \\["${stranger.crossSite}"\\]`));
    await assertAccessible(frame);
    await picture(visit.page, 'doctor-not-listed');
  } finally {
    stranger.close();
  }
});

test('the description can be browsed and asks no other server', async (visit) => {
  await visit.page.goto(`${http}/api/docs/`);
  await visit.page.waitForSelector('#operations-REST_API_v1-v1_session_login_post', { timeout: 30_000 });
  await visit.page.click('#operations-REST_API_v1-v1_session_login_post .opblock-summary-control');
  await visit.page.waitForSelector('#operations-REST_API_v1-v1_session_login_post .try-out__btn', { timeout: 30_000 });
  const asked = new Set(visit.requests.map((response) => response.url()).filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin));
  assert.deepEqual([...asked], [new URL(http).origin]);
  await picture(visit.page, 'description');
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: endVisit,
});
await close();
host.close();
process.exit(failures ? 1 : 0);
