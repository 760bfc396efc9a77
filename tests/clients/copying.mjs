// The directory copied to PostgreSQL as an administrator does it: from the button to the result, and back.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, openBrowser, picture, screenshot } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { http, user } from './server.mjs';

const admin = { name: given('TS_ADMIN'), password: given('TS_ADMIN_PASSWORD') };
const database = given('TS_DATABASE');
const { context, close } = await openBrowser();

const ready = (page, view) => page.waitForSelector(`body[data-state="ready"][data-view="${view}"]`, { timeout: 30_000 });
const says = (page, words) => until(`the page says ${words}`, async () => words.test(await page.textContent('main')));
const press = (page, label) => page.click(`main button:text-is("${label}")`);
const send = (page) => page.click('dialog button[type="submit"]');
const isSideways = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

const signIn = async (page, who) => {
  await page.goto(`${http}/`);
  await page.waitForSelector('body[data-view="sign-in"]');
  await page.fill('#username', who.name);
  await page.fill('#password', who.password);
  await page.press('#password', 'Enter');
  await page.waitForSelector('body[data-view="signed-in"]');
};

const open = async (page, view) => {
  await page.goto(`${http}/console#/${view}`);
  await ready(page, view);
};

/** Answers a call of the page with what is made up. */
const answers = (page, path, body) => page.route(`**/admin/${path}`, (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify(body) }));

const NODE = 'vestibule-1:8443';
const made = (run, readOnly) => ({ node: NODE, destination: { host: 'db.internal', port: 5432, database: 'vestibule' }, read_only: readOnly, run });
const begun = (more) => ({ began_at: Date.now() - 90_000, by: 'tsadmin', done: 0, total: 0, is_running: false, failure: null, tables: null, ...more });
const STATES = {
  'nothing yet': [made(null, null), /People sign in as before while it is copied/],
  'waiting for the database': [made(begun({ is_running: true }), 'being_copied'), /Waiting for the database/],
  'under way': [made(begun({ is_running: true, done: 3500, total: 12_480 }), 'being_copied'), /3,500 of 12,480 rows copied; the directory is read-only/],
  failed: [made(begun({ failure: 'the target is not empty: its table users has 12 rows; copy into a new database' }), null), /can be changed as before: the target is not empty/],
};

for (const colorScheme of ['light', 'dark']) {
  test(`every state of a copy can be read by everybody, ${colorScheme}`, async (visit) => {
    const { page } = visit;
    await page.emulateMedia({ colorScheme });
    await signIn(page, admin);
    for (const [name, [copy, words]] of Object.entries(STATES)) {
      await page.unrouteAll();
      await answers(page, 'passwords/calibration', { node: NODE, run: null });
      await answers(page, 'directory/copy', copy);
      await answers(page, 'directory', {
        node: NODE, store: 'embedded', is_embedded: true, census: { users: 4210, orgs: 3, keys: 2 }, copy,
        copied_before: name === 'nothing yet' ? 'db.internal:5432/vestibule at 2026-02-01T08:00:00Z' : null,
        commands: ['read -rs NEW_DIRECTORY && export NEW_DIRECTORY', 'vestibule directory copy --from /var/lib/vestibule --to-env NEW_DIRECTORY'],
      });
      for (const width of [1200, 380]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto('about:blank');
        await open(page, 'maintenance');
        await says(page, words);
        assert.match(await page.textContent('main'), /vestibule at db\.internal:5432/);
        await assertAccessible(page);
        assert.ok(!await isSideways(page), `${name} scrolls sideways`);
        await picture(page, `console-copy-${name}-${width}-${colorScheme}`);
        if (name === 'under way' && width === 1200) {
          const bar = page.locator(`progress[aria-label="Copying the directory"]`);
          assert.deepEqual([await bar.evaluate((one) => one.value), await bar.evaluate((one) => one.max)], [3500, 12_480]);
          await screenshot(page, `console-copy-${colorScheme}`);
        }
      }
    }
    await page.unrouteAll();
  });
}

test('the directory is copied by a button, read-only from then on, and taken back', async (visit) => {
  const { page } = visit;
  const other = await Visit.begin(context);
  await signIn(page, admin);
  await open(page, 'maintenance');
  await says(page, new RegExp(`${database} at 127\\.0\\.0\\.1`));
  assert.ok(!/p1anted|postgres@|postgres:[^/]/.test(await page.content()), 'neither user nor password');

  // Whoever thinks better of it has done nothing.
  await press(page, 'Copy the directory');
  await page.waitForSelector('dialog[open]');
  const lead = await page.textContent('dialog .lead');
  assert.match(lead, /^2 users, 2 Orgs and 1 secret key are copied to /);
  await assertAccessible(page);
  await page.click('dialog button:text-is("Cancel")');
  await page.waitForSelector('dialog', { state: 'detached' });

  await press(page, 'Copy the directory');
  await send(page);
  await says(page, /Everything arrived/);
  assert.match(await page.textContent('table.list'), /users/);
  assert.equal(await page.locator('main button:text-is("Copy the directory")').count(), 0);
  await assertAccessible(page);
  await picture(page, 'console-copy-done');

  // Another page sees it, and changes are refused there in words.
  await open(other.page, 'maintenance');
  await says(other.page, /Everything arrived/);
  await open(other.page, 'orgs');
  await press(other.page, 'New Org');
  await other.page.fill('dialog input', 'Too late');
  await send(other.page);
  await until('the refusal is shown', async () => /directory is read-only: it has been copied/.test(await other.page.textContent('dialog [role="alert"]')));
  await other.page.click('dialog button:text-is("Cancel")');
  // People sign in as before.
  const reply = await fetch(`${http}/callosum/v1/tspublic/v1/session/login`, { method: 'POST', body: new URLSearchParams({ username: user.name, password: user.password }) });
  assert.equal(reply.status, 204);
  await other.end();

  await press(page, 'Go on with the old store');
  await send(page);
  await says(page, /this copy is out of date/);
  await page.waitForSelector('main button:text-is("Copy the directory")');
  await press(page, 'Copy the directory');
  await send(page);
  await says(page, /can be changed as before: the target is not empty/);
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: async (visit, name, failure) => {
    if (failure) await picture(visit.page, `FAILED-${name.replaceAll(/\W+/g, '-')}`).catch(() => null);
    await visit.end();
    assert.deepEqual(visit.wrongs(), []);
  },
});
await close();
process.exit(failures ? 1 : 0);
