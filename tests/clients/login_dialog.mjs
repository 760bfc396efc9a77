// MicroStrategy's login dialog as the Embedding SDK's samples use it: a window that a page opens, which tells it that
// somebody is signed in, and closes; then the page asks for its token.

import assert from 'node:assert/strict';
import { Visit, assertAccessible, openBrowser, screenshot } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { arrangements } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, user } from './server.mjs';

const BASE = '/MicroStrategyLibrary';
const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

/** Opens the dialog from the host's page, which keeps what it is told. */
const openDialog = async ({ page }, base, query) => {
  const opened = context.waitForEvent('page');
  await page.evaluate((url) => {
    window.told = [];
    window.addEventListener('message', ({ data, origin }) => window.told.push({ data, origin }));
    window.open(url, 'dialog', 'width=600,height=600');
  }, `${base}${BASE}/auth/login-dialog.jsp?${query}`);
  const dialog = await opened;
  await dialog.waitForSelector('#username');
  return dialog;
};

const fillIn = async (dialog, password = user.password) => {
  await dialog.fill('#username', user.name);
  await dialog.fill('#password', password);
  await dialog.click('button[type="submit"]');
};

/** The status of asking for the token, and whether the page may read it. */
const tokenOf = (page, base) => page.evaluate(async (url) => {
  const reply = await fetch(url, { credentials: 'include' });
  return [reply.status, Boolean(reply.headers.get('x-mstr-authtoken'))];
}, `${base}${BASE}/api/auth/token`);

const told = (page) => page.evaluate(() => window.told);

for (const { where, at, base } of arrangements(host)) {
  test(`the dialog tells its opener, closes, and the page has a token, ${where}`, async (visit) => {
    await visit.page.goto(`${at}/`);
    const dialog = await openDialog(visit, base, `callback-origin=${encodeURIComponent(at)}&loginMode=1`);
    await assertAccessible(dialog);
    if (base === http) {
      for (const colorScheme of ['light', 'dark']) {
        await dialog.emulateMedia({ colorScheme });
        await screenshot(dialog, `pages-microstrategy-dialog-${colorScheme}`);
      }
    }
    await fillIn(dialog, 'wrong');
    await dialog.waitForSelector('#error');
    assert.match(await dialog.textContent('#error'), /wrong/);
    assert.equal(await dialog.inputValue('#username'), user.name);
    assert.deepEqual(await told(visit.page), []);
    // The window may be gone before the click is done with.
    await Promise.all([dialog.waitForEvent('close'), fillIn(dialog).catch(() => null)]);
    await until('the opener is told', async () => (await told(visit.page)).length);
    assert.deepEqual(await told(visit.page), [{ data: { type: 'loginComplete', result: 'success' }, origin: base }]);
    assert.deepEqual(await tokenOf(visit.page, base), [204, true]);
  });
}

test('an opener that was not named is told nothing, and the window stays to say that it may be closed', async (visit) => {
  await visit.page.goto(`${host.sameSite}/`);
  const dialog = await openDialog(visit, http, '');
  await fillIn(dialog);
  await dialog.waitForSelector('h1:text-is("You are signed in")');
  await dialog.waitForSelector('#opener', { state: 'attached' });
  assert.deepEqual(await told(visit.page), []);
  await dialog.close();
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: async (visit) => visit?.page.close(),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
