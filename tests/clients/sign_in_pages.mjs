// The rendered pages, sign-in and My sessions, as people use them: without scripts, by keyboard, on a phone, at night.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, endVisit, openBrowser, picture, screenshot } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { startHost } from './host.mjs';
import { configure, http, isActive, mintV2, user } from './server.mjs';

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.crossSite] });
const { context, close } = await openBrowser();

// Those with a word for it are in the documents.
const LOOKS = [
  { look: 'by day', colorScheme: 'light', width: 640, documented: 'light' },
  { look: 'at night', colorScheme: 'dark', width: 640, documented: 'dark' },
  { look: 'on a phone', colorScheme: 'light', width: 380, documented: 'phone' },
  { look: 'on a phone at night', colorScheme: 'dark', width: 380 },
];
const DOCUMENTED = ['sign-in', 'sign-in-refused', 'my-sessions', 'end-session', 'choose-org'];

const at = (path) => http + path;

const session = async () => (await context.cookies(http)).find(({ name }) => name === 'JSESSIONID')?.value;

/** A second session of the same user, from elsewhere. */
const signInElsewhere = async (agent) => {
  const form = new URLSearchParams({ username: user.name, password: user.password });
  const reply = await fetch(at('/callosum/v1/session/login'), { method: 'POST', body: form, headers: { 'User-Agent': agent } });
  assert.equal(reply.status, 204);
  return reply.headers.getSetCookie()[0].split(';')[0];
};

const goTo = async (visit, path) => {
  await visit.page.goto(at(path));
  return visit.page;
};

const fillIn = async (page, name = user.name, password = user.password) => {
  await page.fill('#username', name);
  await page.fill('#password', password);
};

/** Sends the form of the page and waits for what comes after. */
const send = (page, button) => Promise.all([page.waitForNavigation(), page.click(button)]);

/** Sends the sign-in form; the Org is the one worked in last. */
const enter = async (page) => {
  await send(page, '.primary');
  assert.match(page.url(), /\/sign-in\/org\?to=/);
  await send(page, '.primary');
};

const signIn = async (visit, to = '/sessions') => {
  const page = await goTo(visit, `/sign-in?to=${encodeURIComponent(to)}`);
  await fillIn(page);
  await enter(page);
  assert.equal(page.url(), at(to));
  return page;
};

const switchScriptsOff = async (page) => {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setScriptExecutionDisabled', { value: true });
};

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0';
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

for (const { look, colorScheme, width, documented } of LOOKS) {
  const name = look.replaceAll(' ', '-');

  test(`signing in and ending sessions in every state, ${look}`, async (visit) => {
    await visit.page.setViewportSize({ width, height: 480 });
    await visit.page.emulateMedia({ colorScheme });
    const check = async (step) => {
      await assertAccessible(visit.page);
      assert.ok(!await visit.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth), `${step} scrolls sideways`);
      await picture(visit.page, `rendered-${step}-${name}`);
      if (documented && DOCUMENTED.includes(step)) await screenshot(visit.page, `pages-${step}-${documented}`);
    };
    const page = await goTo(visit, '/sign-in?to=/sessions');
    await check('sign-in');
    await fillIn(page, user.name, 'wrong');
    await page.click('summary');
    await page.fill('#org', 'Sales');
    await send(page, '.primary');
    assert.match(await page.textContent('#error'), /do not match/);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
    assert.equal(await page.inputValue('#username'), user.name);
    await check('sign-in-refused');
    const elsewhere = [await signInElsewhere(IPHONE), await signInElsewhere(FIREFOX)];
    await page.fill('#password', user.password);
    await send(page, '.primary');
    assert.equal(page.url(), at('/sessions'));
    await until('times are local', () => page.$('time[title$="UTC"]'));
    assert.match(await page.textContent('.sessions .this'), /Sales/);
    await check('my-sessions');
    await send(page, '.sessions li:has-text("Firefox on Windows") .button');
    await check('end-session');
    await page.fill('#password', 'wrong');
    await send(page, '.primary');
    assert.match(await page.textContent('#error'), /not your password/);
    await check('end-session-refused');
    await page.fill('#password', user.password);
    await send(page, '.primary');
    assert.match(await page.textContent('[role="status"]'), /One session was ended/);
    assert.equal(await isActive({ Cookie: elsewhere[1] }), 401);
    await send(page, 'a:text("End all others")');
    await check('end-others');
    await page.fill('#password', user.password);
    await send(page, '.primary');
    assert.equal(await isActive({ Cookie: elsewhere[0] }), 401);
    assert.equal(await page.locator('.sessions li').count(), 1);
    await send(page, 'button:text("Sign out")');
    assert.match(await page.textContent('[role="status"]'), /signed out/);
    assert.equal(await session(), undefined);
    await check('signed-out');
    await fillIn(page);
    await send(page, '.primary');
    await check('choose-org');
    assert.equal(await page.inputValue('#org'), await page.getAttribute('option:text("Sales")', 'value'), 'worked in last');
    await page.selectOption('#org', '0');
    await send(page, '.primary');
    await page.waitForSelector('body[data-view="signed-in"]');
    await context.clearCookies();
  });
}

test('all of it goes without scripts', async (visit) => {
  const { page } = visit;
  await switchScriptsOff(page);
  await goTo(visit, '/');
  await send(page, 'noscript a');
  await fillIn(page);
  await enter(page);
  assert.equal(page.url(), at('/sessions'), 'the start page could show nothing');
  assert.match(await page.textContent('.this time'), /UTC/);
  await picture(page, 'rendered-no-scripts');
  const elsewhere = await signInElsewhere(FIREFOX);
  await page.reload();
  await send(page, 'a:text("End all others")');
  await page.fill('#password', user.password);
  await send(page, '.primary');
  assert.equal(await isActive({ Cookie: elsewhere }), 401);
  await send(page, 'button:text("Sign out")');
  assert.equal(await session(), undefined);
});

test('all of it goes by keyboard', async (visit) => {
  const page = await goTo(visit, '/sign-in?to=/sessions');
  const { keyboard } = page;
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  assert.equal(await focused(), 'username');
  await keyboard.type(user.name);
  await keyboard.press('Tab');
  await keyboard.type(user.password);
  const passed = [];
  for (let step = 0; step < 3; step += 1) {
    await keyboard.press('Tab');
    passed.push(await focused());
  }
  assert.deepEqual(passed, ['Sign in to a particular Org', 'remember', 'Sign in']);
  await Promise.all([page.waitForNavigation(), keyboard.press('Enter')]);
  assert.equal(await focused(), 'org');
  await keyboard.press('Tab');
  assert.equal(await focused(), 'Go on');
  await Promise.all([page.waitForNavigation(), keyboard.press('Enter')]);
  assert.equal(page.url(), at('/sessions'));
  const elsewhere = await signInElsewhere(FIREFOX);
  await page.reload();
  await keyboard.press('Tab');
  assert.equal(await focused(), 'End');
  await Promise.all([page.waitForNavigation(), keyboard.press('Enter')]);
  assert.equal(await focused(), 'password');
  await keyboard.type(user.password);
  await Promise.all([page.waitForNavigation(), keyboard.press('Enter')]);
  assert.equal(await isActive({ Cookie: elsewhere }), 401);
});

test('the start page leads here and back, fragment included', async (visit) => {
  const page = await goTo(visit, '/v2/#/pinboard/5e16?x=1&y');
  await page.waitForSelector('body[data-view="sign-in"]');
  await send(page, '#plain-sign-in');
  await fillIn(page);
  await enter(page);
  assert.equal(page.url(), at('/v2/#/pinboard/5e16?x=1&y'));
  await page.waitForSelector('body[data-view="signed-in"]');
  await send(page, 'a:text("My sessions")');
  assert.equal(page.url(), at('/sessions'));
});

test('a target of another application that is listed is reached, and one that is not is named and dropped', async (visit) => {
  const page = await goTo(visit, `/sign-in?to=${encodeURIComponent(`${host.crossSite}/`)}`);
  await fillIn(page);
  await enter(page);
  assert.equal(page.url(), `${host.crossSite}/`);
  await context.clearCookies();
  await goTo(visit, '/sign-in?to=https://evil.example/');
  assert.match(await page.textContent('[role="status"]'), /sends nobody/);
  await assertAccessible(page);
  await picture(page, 'rendered-target-dropped');
  await fillIn(page);
  await enter(page);
  assert.equal(page.url(), at('/'));
});

test('a session that ended elsewhere is explained', async (visit) => {
  const page = await signIn(visit);
  const cookie = `JSESSIONID=${await session()}`;
  const reply = await fetch(at('/callosum/v1/session/logout'), { method: 'POST', headers: { Cookie: cookie } });
  assert.equal(reply.status, 204);
  await page.reload();
  assert.equal(page.url(), at('/sign-in?to=/sessions'));
  assert.match(await page.textContent('[role="status"]'), /signed out/);
});

test('guessing is slowed down, and the page says for how long', async (visit) => {
  const page = await goTo(visit, '/sign-in');
  for (let guess = 0; guess < 8 && !/Too many/.test(await page.textContent('main')); guess += 1) {
    await fillIn(page, 'nobody of note', `guess ${guess}`);
    await send(page, '.primary');
  }
  assert.match(await page.textContent('#error'), /You can try again in \d+ second/);
  await assertAccessible(page);
  await picture(page, 'rendered-throttled');
});

test('what people and programs call themselves is text, never markup', async (visit) => {
  const { page } = visit;
  const name = '<img src=x onerror="document.title=1"><b>Robin</b>';
  const token = await mintV2(300, 'robin', { auto_create: true, display_name: name });
  const form = new URLSearchParams({ auth_token: token });
  await fetch(at('/callosum/v1/session/login/token'), { method: 'POST', body: form, headers: { 'User-Agent': '<b>x</b><script>1</script>' } });
  await page.goto(at(`/callosum/v1/session/login/token?${new URLSearchParams({ auth_token: token, redirect_url: at('/sessions') })}`));
  assert.equal(page.url(), at('/sessions'));
  assert.equal(await page.$('main b, main img, main script'), null);
  assert.ok((await page.textContent('.lead')).includes(name));
  assert.match(await page.textContent('main'), /<b>x</);
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: endVisit,
});
await close();
host.close();
process.exit(failures ? 1 : 0);
