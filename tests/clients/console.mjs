// The administrators' console as people use it: by mouse, keyboard, phone, at night, and by somebody who never saw it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Visit, assertAccessible, endVisit, openBrowser, picture } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { admin, call, fill, go, openConsole, press, ready, said, send, signIn } from './console_page.mjs';
import { http, isActive, mintV2, user } from './server.mjs';

const HOSTILE = '<img src=x onerror="document.title=1">';
const { context, close } = await openBrowser();

const folder = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));

/** Keeps a picture; for the documents too, when they are to be made anew. */
const keep = async (page, name, isForDocuments = false) => {
  await picture(page, `console-${name}`);
  if (!isForDocuments || process.env.VESTIBULE_SCREENSHOTS !== '1') return;
  fs.mkdirSync(folder, { recursive: true });
  const path = `${folder}/console-${name}.png`;
  await page.screenshot({ path });
  assert.ok(fs.statSync(path).size < 150_000, `${path} is too large`);
};

const hasSidewaysScroll = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

const VIEWS = ['overview', 'users', 'groups', 'orgs', 'keys', 'sessions', 'security', 'sso', 'health', 'settings', 'maintenance', 'audit'];
// Drawn for the documents from what is made up, since they would show this machine's name and folders.
const OWN_PICTURES = ['overview', 'health', 'settings', 'maintenance', 'sso', 'audit'];
const NODE = 'vestibule-1:8443';
const LOOKS = [
  { look: 'by day', colorScheme: 'light', width: 1200, short: 'light' },
  { look: 'at night', colorScheme: 'dark', width: 1200, short: 'dark' },
  { look: 'on a phone', colorScheme: 'light', width: 380, short: 'phone' },
  { look: 'on a phone at night', colorScheme: 'dark', width: 380, short: 'phone-dark' },
];

for (const { look, colorScheme, width, short } of LOOKS) {
  test(`every view can be read by everybody, ${look}`, async (visit) => {
    await visit.page.setViewportSize({ width, height: 800 });
    await visit.page.emulateMedia({ colorScheme });
    const page = await openConsole(visit);
    await call(page, 'POST', '/groups', { org: 'Sales', name: 'Region east', privileges: ['DATADOWNLOADING'], users: [user.name] });
    for (const view of VIEWS) {
      await page.goto(`${http}/console#/${view}`);
      await ready(page, view);
      await assertAccessible(page);
      assert.ok(!await hasSidewaysScroll(page), `${view} scrolls sideways`);
      await keep(page, `${view}-${short}`, !OWN_PICTURES.includes(view) && (!short.includes('phone') || view === 'users'));
    }
    await page.goto(`${http}/console#/users/${user.name}`);
    await page.waitForSelector('.crumb');
    await assertAccessible(page);
    assert.ok(!await hasSidewaysScroll(page), 'a user scrolls sideways');
    await keep(page, `user-${short}`, !short.includes('phone'));
    await page.goto(`${http}/console#/users`);
    await ready(page, 'users');
    await press(page, 'New user');
    await page.waitForSelector('dialog[open]');
    await assertAccessible(page);
    await keep(page, `new-user-${short}`, !short.includes('phone'));
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`an hour is drawn with its gaps, ${colorScheme}`, async (visit) => {
    const { page } = visit;
    await page.setViewportSize({ width: 1200, height: 1010 });
    await page.emulateMedia({ colorScheme });
    const start = Math.floor(Date.now() / 60_000) * 60_000 - 60 * 60_000;
    const wave = (index, most, length) => Math.round(most * (1 + Math.sin(index / length)) / 2);
    // Nothing is known of the minutes before the server was restarted.
    const minutes = Array.from({ length: 61 }, (_, index) => ({
      at: start + index * 60_000,
      logins: 40 + wave(index, 60, 6) + (index * 7) % 11,
      failures: index > 40 && index < 47 ? 30 + (index % 5) * 4 : (index * 3) % 4,
      live: index > 24 && index < 28 ? null : 820 + wave(index, 240, 14),
      checks: 5000,
      median_us: index > 24 && index < 28 ? null : [50, 100, 100, 50, 100][index % 5],
      p99_us: index > 24 && index < 28 ? null : [500, 250, 500, 1000, 250][index % 5],
    }));
    await page.route('**/admin/trends', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify({ node: NODE, now: Date.now(), minutes }) }));
    await signIn(page, admin);
    await page.goto(`${http}/console`);
    await ready(page, 'overview');
    await page.waitForSelector('.chart svg');
    await assertAccessible(page);
    const path = await page.getAttribute('figure:has-text("Live sessions") path', 'd');
    assert.equal(path.match(/M/g).length, 2, 'the gap stays a gap');
    assert.equal(await page.locator('.bar-two').count(), minutes.filter(({ failures }) => failures).length);
    await keep(page, `overview-${colorScheme}`, true);
    await page.click('figure:has-text("refused logins") summary');
    await page.waitForSelector('figure:has-text("refused logins") tbody tr');
    await assertAccessible(page);
  });
}

/** Answers a call of the page with what is made up, or with what `change` makes of the true answer. */
const answers = (page, path, change) => page.route(`**/admin/${path}`, async (route) => {
  const body = typeof change === 'function' ? change(await (await route.fetch()).json()) : change;
  await route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) });
});

const MEASURED = [[7168, 5, 21.4, 93.5, 14], [19456, 2, 26.1, 76.6, 38], [47104, 1, 34.8, 57.5, 92], [32768, 2, 47.3, 42.3, 64]]
  .map(([memory, iterations, ms, perSecond, mib]) => ({ memory_kib: memory, iterations, lanes: 1, ms, logins_per_second: perSecond, memory_mib: mib }));

for (const colorScheme of ['light', 'dark']) {
  test(`a node's health, its providers and its upkeep are shown, ${colorScheme}`, async (visit) => {
    const { page } = visit;
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.emulateMedia({ colorScheme });
    const now = Date.now();
    const finding = (what, isGood, ...lines) => ({ what, is_good: isGood, lines });
    await answers(page, 'health', {
      node: NODE, version: '0.1.0', started_at: now - 3 * 86_400_000, now, is_ready: true,
      findings: [
        finding('sessions.store', true, 'rediss://redis.internal:6379', 'answers within 214 µs'),
        finding('directory.store', true, 'postgres://vestibule:***@db.internal/vestibule', 'answers within 388 µs'),
        finding('clock', true, '3 ms from the session store\'s'),
        finding('ldaps://ldap.internal', false, 'no answer within 5 seconds'),
        finding('settings', true, 'sessions.idle_timeout changes at the next start'),
        finding('sso.company', true, 'metadata of https://login.company.example', 'signs with RSA 2048, valid until 2031-01-01T00:00:00Z'),
      ],
    });
    await answers(page, 'passwords/calibration', {
      node: NODE,
      run: {
        began_at: now - 120_000, by: 'tsadmin', target_ms: 50, memory_mib: 512, slots: 2, total: MEASURED.length,
        is_running: false, failure: null, measured: MEASURED, proposal: MEASURED.at(-1), is_within: true,
      },
    });
    await answers(page, 'directory', {
      node: NODE, store: 'embedded', is_embedded: true,
      commands: ['read -rs NEW_DIRECTORY && export NEW_DIRECTORY', 'vestibule directory copy --from /var/lib/vestibule --to-env NEW_DIRECTORY'],
    });
    await answers(page, 'audit?*', (body) => ({ ...body, node: NODE }));
    // Not the folders of the machine that draws it.
    await answers(page, 'settings', ({ settings }) => ({ settings: settings.filter(({ value }) => !String(value).includes('/tmp')) }));
    await signIn(page, admin);
    for (const [view, words] of [['health', 'answers within 214 µs'], ['maintenance', 'the strongest within 50 ms'], ['audit', NODE], ['settings', 'sessions.idle_timeout']]) {
      await page.setViewportSize({ width: 1200, height: view === 'maintenance' ? 1000 : 900 });
      await page.goto(`${http}/console#/${view}`);
      await ready(page, view);
      await until(words, async () => (await page.textContent('main')).includes(words));
      await assertAccessible(page);
      assert.ok(!await hasSidewaysScroll(page), `${view} scrolls sideways`);
      await keep(page, `${view}-${colorScheme}`, true);
    }
    await page.setViewportSize({ width: 380, height: 800 });
    for (const view of ['health', 'maintenance']) {
      await page.goto(`${http}/console#/${view}`);
      await ready(page, view);
      await assertAccessible(page);
      assert.ok(!await hasSidewaysScroll(page), `${view} scrolls sideways on a phone`);
      await keep(page, `${view}-phone-${colorScheme}`);
    }
  });
}

test('a node tells its health, measures its hashing and says how the directory moves', async (visit) => {
  const page = await openConsole(visit, 'health');
  await page.waitForSelector('td .small-print');
  await until('the settings were read again', async () => (await page.textContent('main')).includes('as they were at the start'));
  await press(page, 'Check again');
  await page.waitForSelector('td .small-print');

  await go(page, 'Maintenance', 'maintenance');
  assert.match(await page.textContent('main'), /vestibule directory copy --from /);
  await page.fill('label:text-is("Milliseconds a hash may take") + input', '10000');
  await page.fill('label:text-is("Memory of all at once, in MiB") + input', '64');
  await press(page, 'Measure');
  await page.waitForSelector('progress:not([hidden])');
  await page.waitForSelector('pre:has-text("memory_kib = ")', { timeout: 60_000 });
  await page.waitForSelector('progress[hidden]', { state: 'attached' });
  await assertAccessible(page);
});

for (const colorScheme of ['light', 'dark']) {
  test(`a sign-in at a provider is tried with what it would say, ${colorScheme}`, async (visit) => {
    await visit.page.setViewportSize({ width: 1200, height: 1200 });
    await visit.page.emulateMedia({ colorScheme });
    const page = await openConsole(visit, 'sso');
    // It is configured and never there.
    await page.waitForSelector('.badge:text-is("not ready")');
    const said = page.locator('label:text-is("What the provider says") + textarea');
    await said.fill('{"sub": "u1", "preferred_username": "nora", "name": "Nora <b>North</b>", "groups": ["analysts"]}');
    await press(page, 'Try');
    await page.waitForSelector('.badge:text-is("would sign in")');
    assert.match(await page.textContent('main'), /nobody yet; becomes a user[^]*Nora <b>North<\/b>[^]*Region-east/);
    await assertAccessible(page);
    await keep(page, `sso-${colorScheme}`, true);
    await said.fill(JSON.stringify({ sub: user.name }));
    await press(page, 'Try');
    await page.waitForSelector('.verdict:has-text("signs in another way")');
    await assertAccessible(page);
    await said.fill('{');
    await press(page, 'Try');
    await page.waitForSelector('.error:has-text("JSON object")');
  });
}

test('a newcomer makes an Org, a user and a key, and ends the session of that user, in under three minutes', async (visit) => {
  const began = Date.now();
  const log = [];
  const step = (what) => log.push(`${((Date.now() - began) / 1000).toFixed(1)} s: ${what}`);
  const nina = { name: 'nina', password: 'Winter-Bridge-42' };
  const { page } = visit;
  await page.setViewportSize({ width: 1200, height: 800 });
  await signIn(page, admin);
  await page.click('text=Open the console');
  await ready(page);
  step('signed in, at the console');

  await go(page, 'Orgs', 'orgs');
  await press(page, 'New Org');
  await fill(page, 'Name', 'Northwind');
  await send(page);
  await said(page, /Northwind is there/);
  step('the Org is made');

  await go(page, 'Users', 'users');
  await press(page, 'New user');
  await fill(page, 'Name', nina.name);
  await fill(page, 'Display name', 'Nina Northwind');
  await fill(page, 'Password', nina.password);
  await page.uncheck('dialog label:text-is("Primary")');
  await page.check('dialog label:text-is("Northwind")');
  await keep(page, 'newcomer-user', true);
  await send(page);
  await said(page, /nina can sign in now/);
  await page.waitForSelector('h1:text-is("nina")');
  step('the user is made');

  await go(page, 'Secret keys', 'keys');
  await press(page, 'New secret key');
  await fill(page, 'Label', 'Northwind portal');
  await send(page);
  const key = await page.textContent('#new-key');
  assert.match(key, /^[0-9a-f-]{36}$/);
  await page.click('dialog button:text-is("Close")');
  await page.waitForSelector('th:has-text("Northwind portal")');
  assert.doesNotMatch(await page.textContent('main'), new RegExp(key));
  step('the key is made and shown once');

  const other = await openBrowser();
  try {
    const theirs = await other.context.newPage();
    await signIn(theirs, nina);
    assert.match(await theirs.textContent('#signed-in-title'), /Nina Northwind/);
    const forgotten = await fetch(`${http}/callosum/v1/session/login`, {
      method: 'POST', headers: { 'User-Agent': 'Mozilla/5.0 (iPhone) Safari/604.1' }, body: new URLSearchParams({ username: nina.name, password: nina.password }),
    });
    const cookie = forgotten.headers.getSetCookie()[0].split(';')[0];
    assert.equal(await isActive({ Cookie: cookie }), 204);
    step('the user signs in elsewhere, on two devices');

    await theirs.goto(`${http}/sessions`);
    await theirs.click('.sessions li:has-text("iPhone") a');
    await theirs.fill('#password', nina.password);
    await theirs.click('main button[type="submit"]');
    await theirs.waitForSelector('.sessions');
    assert.equal(await theirs.locator('.sessions li').count(), 1);
    assert.equal(await isActive({ Cookie: cookie }), 401);
    step('sees both in My sessions, and ends the other one');

    await go(page, 'Sessions', 'sessions');
    const row = page.locator('tr', { hasText: 'nina' });
    await row.waitFor();
    await keep(page, 'newcomer-session', true);
    await row.locator('button').click();
    await page.waitForSelector('dialog[open]:has-text("1 session ends")');
    await send(page);
    await said(page, /Ended/);
    await page.waitForFunction(() => !document.querySelector('main').textContent.includes('nina'));
    step('an administrator sees the one left and ends it');
    await theirs.goto(`${http}/`);
    await theirs.waitForSelector('body[data-view="sign-in"]');
    step('and the user is signed out');
  } finally {
    await other.close();
  }
  console.log(log.map((line) => `     ${line}`).join('\n'));
  assert.ok(Date.now() - began < 180_000, log.join('\n'));
});

test('what users call themselves is text wherever it turns up', async (visit) => {
  const page = await openConsole(visit);
  const made = await call(page, 'POST', '/users', { name: HOSTILE, display_name: HOSTILE, orgs: ['0'] });
  assert.equal(made.status, 201, JSON.stringify(made));
  await call(page, 'POST', '/orgs', { name: HOSTILE, description: HOSTILE });
  await call(page, 'POST', '/groups', { org: '0', name: HOSTILE });
  await call(page, 'POST', '/keys', { label: HOSTILE });
  for (const view of ['users', 'orgs', 'groups', 'keys', 'audit', `users/${made.body.id}`, 'sessions']) {
    await page.goto(`${http}/console#/${view}`);
    await ready(page, view.split('/')[0]);
    if (view !== 'sessions') await until(view, async () => (await page.textContent('main')).includes('<img src=x'));
    assert.equal(await page.locator('main img').count(), 0, view);
  }
  assert.match(await page.title(), /Console/);
  await page.goto(`${http}/console#/users/${made.body.id}`);
  await press(page, 'Delete');
  await page.waitForSelector('dialog[open]');
  assert.equal(await page.locator('dialog img').count(), 0);
  await send(page);
  await said(page, /is deleted/);
});

test('everything goes by keyboard, and focus goes along', async (visit) => {
  const page = await openConsole(visit, 'users');
  const { keyboard } = page;
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  await page.focus('body');
  await keyboard.press('Tab');
  assert.match(await focused(), /Skip/);
  await keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.focus('#nav a[href="#/orgs"]');
  await keyboard.press('Enter');
  await ready(page, 'orgs');
  await until('the heading has the focus', async () => await focused() === 'Orgs');
  await keyboard.press('Tab');
  assert.equal(await focused(), 'New Org');
  await keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await keyboard.type('By keyboard');
  await keyboard.press('Enter');
  await said(page, /By keyboard is there/);
});

test('a change after ten minutes asks for the password and then goes on', async (visit) => {
  const page = await openConsole(visit, 'orgs');
  let stale = 1;
  await page.route('**/admin/orgs', async (route) => {
    if (route.request().method() !== 'POST' || stale === 0) return route.continue();
    stale -= 1;
    return route.fulfill({ status: 403, contentType: 'application/json', body: JSON.stringify({ error: 'stale_authentication', message: 'confirm' }) });
  });
  await press(page, 'New Org');
  await fill(page, 'Name', 'After a while');
  await send(page);
  const proof = page.locator('dialog', { hasText: 'Is it still you?' });
  await proof.waitFor();
  await assertAccessible(page);
  await keep(page, 'confirm');
  await proof.locator('input[type="password"]').fill('wrong');
  await proof.locator('button[type="submit"]').click();
  await proof.locator('.error').waitFor();
  await proof.locator('input[type="password"]').fill(admin.password);
  await proof.locator('button[type="submit"]').click();
  await said(page, /After a while is there/);
});

test('an import tells how far it is and which lines it left out', async (visit) => {
  const page = await openConsole(visit, 'users');
  await press(page, 'Import');
  const rows = Array.from({ length: 45 }, (_, index) => `import${index},"Person, ${index}",,,Sales,`);
  rows[7] = 'import7,too,many,fields,Sales,,';
  rows[20] = 'import20,,,,Nowhere,';
  const csv = `\uFEFFname,display_name,email,password,orgs,groups\r\n${rows.join('\r\n')}\r\n`;
  await page.setInputFiles('dialog input[type="file"]', { name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await send(page);
  await page.waitForSelector('dialog :text("43 users made, 2 rows not.")');
  await assertAccessible(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await keep(page, `import-${colorScheme}`, true);
  }
  const left = await page.$$eval('dialog tbody th', (cells) => cells.map((cell) => cell.textContent));
  assert.deepEqual(left, ['9', '22']);
  await page.click('dialog button:text-is("Close")');
  await page.waitForSelector('a:text-is("import0")');
});

test('the audit log follows what happens, filters and exports', async (visit) => {
  const page = await openConsole(visit, 'audit');
  await fetch(`${http}/callosum/v1/session/login`, { method: 'POST', body: new URLSearchParams({ username: '=mallory', password: 'wrong' }) });
  await page.waitForSelector('td:text-is("=mallory")', { timeout: 30_000 });
  await page.selectOption('label:text-is("Act") + select', 'login_refused');
  await page.fill('label:text-is("User") + input', 'mallory');
  await press(page, 'Search');
  await until('only those', async () => (await page.locator('tbody tr').count()) === 1);
  const address = await page.getAttribute('a[download]', 'href');
  const text = await page.evaluate(async (url) => (await fetch(url)).text(), address);
  assert.match(text, /"'=mallory"/);
});

test('a redirect target is explained, an origin is saved, and trusted authentication switched', async (visit) => {
  const page = await openConsole(visit, 'security');
  await page.fill('label:text-is("Target") + input', 'https://evil.example/');
  await press(page, 'Check');
  await page.waitForSelector('.badge:text-is("Refused")');
  await page.fill('label:text-is("Embedding origins") + textarea', 'https://app.northwind.example');
  await press(page, 'Save');
  await said(page, /in force/);
  await page.fill('label:text-is("Target") + input', 'https://app.northwind.example/#/home');
  await press(page, 'Check');
  await page.waitForSelector('.badge:text-is("Allowed")');
  await keep(page, 'security-checked');
  await page.fill('label:text-is("Embedding origins") + textarea', 'null');
  await press(page, 'Save');
  await page.waitForSelector('.error:has-text("null")');
  await page.fill('label:text-is("Embedding origins") + textarea', '');
  await press(page, 'Save');
  await said(page, /in force/);
  await press(page, 'Switch off');
  await send(page);
  await until('off', async () => /Off: no secret key/.test(await page.textContent('main')));
  await press(page, 'Switch on');
  await until('on', async () => /On: secret keys/.test(await page.textContent('main')));
});

test('an administrator of one Org sees that Org and nothing of the server', async (visit) => {
  const root = await openConsole(visit);
  await call(root, 'POST', '/groups', { org: 'Sales', name: 'Sales admins', privileges: ['ADMINISTRATION'] });
  const olga = { name: 'olga', password: 'Summer-Bridge-42' };
  await call(root, 'POST', '/users', { ...olga, orgs: ['Sales'], groups: ['Sales admins'] });
  await context.clearCookies();
  await signIn(root, olga);
  await root.click('text=Open the console');
  await ready(root, 'users');
  const views = await root.$$eval('#nav a', (links) => links.map((link) => link.textContent));
  assert.deepEqual(views, ['Users', 'Groups', 'Orgs', 'Sessions', 'Audit log']);
  for (const view of ['users', 'groups', 'orgs', 'sessions', 'audit', `users/${user.name}`]) {
    await root.goto(`${http}/console#/${view}`);
    await ready(root, view.split('/')[0]);
    await assertAccessible(root);
    assert.doesNotMatch(await root.textContent('main'), /Primary/, view);
  }
  await root.goto(`${http}/console#/keys`);
  await ready(root, 'users');
  await keep(root, 'org-administrator');
});

test('whoever is no administrator is told so, and nobody is asked to sign in', async (visit) => {
  const { page } = visit;
  await page.goto(`${http}/console`);
  await page.waitForSelector('h1:text-is("Sign in to use the console")');
  await assertAccessible(page);
  await signIn(page, user);
  assert.ok(!await page.isVisible('#console'));
  await page.goto(`${http}/console`);
  await page.waitForSelector('h1:text-is("Not for this account")');
  await assertAccessible(page);
  // A Bearer of an administrator opens no console either.
  const token = await mintV2(60, admin.name);
  const reply = await fetch(`${http}/callosum/v1/vestibule/admin/me`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(reply.status, 403);
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: async (visit, name, failure) => {
    await endVisit(visit, name, failure);
    const outside = visit.requests.map((response) => new URL(response.url())).filter(({ origin, protocol }) => protocol !== 'data:' && protocol !== 'blob:' && origin !== http);
    assert.deepEqual(outside, []);
  },
});
await close();
process.exit(failures ? 1 : 0);
