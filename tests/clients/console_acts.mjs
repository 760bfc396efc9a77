// Every button of the console that changes something for people: it says what it will end, does it, and says so.

import assert from 'node:assert/strict';
import { Visit, endVisit, openBrowser } from './browser.mjs';
import { given, runAll, test, until } from './cases.mjs';
import { call, fill, openConsole, press, ready, said, send } from './console_page.mjs';
import { http, isActive, user } from './server.mjs';

const PASSWORD = 'Winter-Bridge-42';
const { context, close } = await openBrowser();
const v1 = (path, form) => fetch(`${http}/callosum/v1/session/${path}`, { method: 'POST', body: new URLSearchParams(form) });

/** The status of a login, and its cookie. */
const logIn = async (username, password = PASSWORD) => {
  const reply = await v1('login', { username, password });
  return [reply.status, (reply.headers.getSetCookie()[0] ?? '').split(';')[0]];
};

/** A session by a password, or by a secret key. */
const session = async (name, key = null) => {
  if (!key) {
    const [status, cookie] = await logIn(name);
    assert.equal(status, 204);
    return cookie;
  }
  const minted = await v1('auth/token', { secret_key: key, username: name });
  assert.equal(minted.status, 200);
  const reply = await v1('login/token', { auth_token: await minted.text() });
  return reply.headers.getSetCookie()[0].split(';')[0];
};

const status = (cookie) => isActive({ Cookie: cookie });
const live = async (...cookies) => assert.deepEqual(await Promise.all(cookies.map(status)), cookies.map(() => 204));
const over = async (...cookies) => assert.deepEqual(await Promise.all(cookies.map(status)), cookies.map(() => 401));

/** Opens a view afresh, so that it counts afresh. */
const open = async (page, view) => {
  await page.goto('about:blank');
  await page.goto(`${http}/console#/${view}`);
  await ready(page, view.split(/[/?]/)[0]);
};

/** Presses a button and agrees to what is asked, which must be so. */
const agree = async (page, label, words) => {
  await press(page, label);
  await agreeTo(page, words);
};

const agreeTo = async (page, words) => {
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog[open]'), words);
  await send(page);
  await page.waitForSelector('dialog', { state: 'detached' });
};

const badges = (page) => page.textContent('main .badges');

/** A case with a user of its own, who is in the Org `Sales` alone. */
const onUser = (name, run) => test(name, async (visit) => {
  const page = await openConsole(visit);
  const who = `u${Math.random().toString(36).slice(2)}`;
  const made = await call(page, 'POST', '/users', { name: who, password: PASSWORD, orgs: ['Sales'] });
  assert.equal(made.status, 201, JSON.stringify(made));
  await run(page, who);
});

onUser('Set password ends every session and only the new one is good', async (page, who) => {
  const cookie = await session(who);
  await open(page, `users/${who}`);
  await press(page, 'Set password');
  assert.match(await page.textContent('dialog[open]'), new RegExp(`Every session and token of ${who} ends`));
  await fill(page, 'New password', 'Another-Bridge-43');
  await send(page);
  await said(page, /The password is set/);
  await over(cookie);
  assert.equal((await logIn(who))[0], 401);
  assert.equal((await logIn(who, 'Another-Bridge-43'))[0], 204);
});

onUser('Disable says how many sessions end and ends them, Enable lets them in again', async (page, who) => {
  const cookies = [await session(who), await session(who)];
  await open(page, `users/${who}`);
  await agree(page, 'Disable', /2 sessions end/);
  await said(page, /is disabled/);
  await over(...cookies);
  assert.equal((await logIn(who))[0], 401);
  await page.waitForSelector('main button:text-is("Enable")');
  await press(page, 'Enable');
  await said(page, /can sign in again/);
  assert.equal((await logIn(who))[0], 204);
});

onUser('Make administrator and No longer administrator do so, and the latter signs out', async (page, who) => {
  const me = async (cookie) => (await fetch(`${http}/callosum/v1/vestibule/admin/me`, { headers: { Cookie: cookie } })).status;
  await open(page, `users/${who}`);
  await agree(page, 'Make administrator', /will be able to do everything/);
  await said(page, /Saved/);
  await until('the badge', async () => /administers the server/.test(await badges(page)));
  const cookie = await session(who);
  assert.equal(await me(cookie), 200);
  await open(page, `users/${who}`);
  await agree(page, 'No longer administrator', /loses everything on this page and is signed out/);
  await said(page, /Saved/);
  await until('the badge is gone', async () => !/administers the server/.test(await badges(page)));
  await over(cookie);
  assert.equal(await me(await session(who)), 403);
});

onUser('Unlock forgets failures', async (page, who) => {
  for (let guess = 0; guess < 5; guess += 1) assert.equal((await logIn(who, 'wrong'))[0], 401);
  assert.equal((await logIn(who))[0], 429);
  await open(page, `users/${who}`);
  await agree(page, 'Unlock', /failures from these addresses/);
  await said(page, /from 127\.0\.0\.1 are forgotten/);
  assert.equal((await logIn(who))[0], 204);
});

onUser('Release from provider says whether there was one, and sessions go on', async (page, who) => {
  const cookie = await session(who);
  await open(page, `users/${who}`);
  await agree(page, 'Release from provider', /It is forgotten which identity provider/);
  await said(page, new RegExp(`No provider had signed ${who} in`));
  await live(cookie);
});

onUser('Delete says how many sessions end, and the account is gone', async (page, who) => {
  const cookie = await session(who);
  await open(page, `users/${who}`);
  await agree(page, 'Delete', /1 session ends/);
  await said(page, /is deleted/);
  await over(cookie);
  assert.equal((await logIn(who))[0], 401);
  await ready(page, 'users');
});

onUser('End all but this leaves one, and End all of this user none', async (page, who) => {
  const cookies = [await session(who), await session(who), await session(who)];
  await open(page, `users/${who}`);
  await page.locator('main button:text-is("End all but this")').first().click();
  await agreeTo(page, /End 2 sessions\?.*Tokens live on/s);
  await said(page, /Ended/);
  const left = (await Promise.all(cookies.map(status))).filter((one) => one === 204);
  assert.equal(left.length, 1);
  const more = await session(who);
  await open(page, `users/${who}`);
  await agree(page, 'End all of this user', /End 2 sessions\?/);
  await said(page, /Ended/);
  await over(...cookies, more);
});

onUser('End all of this user, on the page of sessions', async (page, who) => {
  const cookies = [await session(who), await session(who)];
  await open(page, `sessions?user=${who}`);
  assert.match(await page.textContent('.count'), /2 live sessions/);
  await agree(page, 'End all of this user', /End 2 sessions\?/);
  await said(page, /Ended/);
  await over(...cookies);
});

test('New group makes one, and Delete takes it away', async (visit) => {
  const page = await openConsole(visit);
  await open(page, 'groups');
  await press(page, 'New group');
  await fill(page, 'Name', 'East');
  await send(page);
  await said(page, /The group East is there/);
  const groups = async () => (await call(page, 'GET', '/groups')).body.groups.map(({ name }) => name);
  assert.ok((await groups()).includes('East'));
  await page.waitForSelector('h1:text-is("East")');
  await agree(page, 'Delete', /Delete the group East\?/);
  await said(page, /The group is deleted/);
  assert.ok(!(await groups()).includes('East'));
});

test('a key shows its sessions; End all behind this key ends them, and Retire the key too', async (visit) => {
  const page = await openConsole(visit);
  await open(page, 'keys');
  await press(page, 'New secret key');
  await fill(page, 'Label', 'Portal');
  await send(page);
  const key = await page.textContent('#new-key');
  await page.click('dialog button:text-is("Close")');
  const row = page.locator('tr', { hasText: 'Portal' });
  await row.waitFor();
  const other = await session(user.name, given('TS_SECRET_KEY'));
  let behind = [await session(user.name, key), await session(user.name, key)];
  await row.locator('a:text-is("Sessions")').click();
  await ready(page, 'sessions');
  await until('they are counted', async () => /2 live sessions/.test(await page.textContent('.count')));
  await agree(page, 'End all behind this key', /End 2 sessions\?.*The key itself stays good/s);
  await said(page, /Ended/);
  await over(...behind);
  // What comes after is not of the same moment.
  await new Promise((later) => { setTimeout(later, 20); });
  behind = [await session(user.name, key)];
  await open(page, 'keys');
  await row.locator('button:text-is("Retire")').click();
  await agreeTo(page, /Retire Portal\?.*1 session ends/s);
  await said(page, /The key is retired/);
  await over(...behind);
  await live(other);
  assert.equal((await v1('auth/token', { secret_key: key, username: user.name })).status, 401);
});

onUser('End all in this Org leaves those of others, and Disable and Delete end an Org', async (page, who) => {
  const made = await call(page, 'POST', '/orgs', { name: 'Passing' });
  assert.equal(made.status, 201, JSON.stringify(made));
  const inOrg = `v${who}`;
  await call(page, 'POST', '/users', { name: inOrg, password: PASSWORD, orgs: ['Passing'] });
  const other = await session(who);
  let cookies = [await session(inOrg), await session(inOrg)];
  await open(page, `sessions?org=${made.body.id}`);
  assert.match(await page.textContent('.count'), /2 live sessions/);
  await agree(page, 'End all in this Org', /End 2 sessions\?.*Every session in Passing/s);
  await said(page, /Ended/);
  await over(...cookies);
  await new Promise((later) => { setTimeout(later, 20); });
  cookies = [await session(inOrg)];
  const row = page.locator('tr', { hasText: 'Passing' });
  await open(page, 'orgs');
  await row.locator('button:text-is("Disable")').click();
  await agreeTo(page, /1 session ends/);
  await said(page, /Saved/);
  await over(...cookies);
  await row.locator('button:text-is("Enable")').click();
  await row.locator('button:text-is("Disable")').waitFor();
  await row.locator('button:text-is("Delete")').click();
  await agreeTo(page, /Delete Passing\?/);
  await said(page, /The Org is deleted/);
  assert.ok(!(await call(page, 'GET', '/orgs')).body.orgs.some(({ name }) => name === 'Passing'));
  await live(other);
});

// The last: nobody is signed in afterwards, administrators included.
onUser('End everybody’s says how many, and nobody is left', async (page, who) => {
  const cookie = await session(who);
  await open(page, 'sessions');
  const [all] = /\d+/.exec(await page.textContent('.count'));
  await press(page, 'End everybody’s');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.textContent('dialog[open]'), new RegExp(`End ${all} sessions\\?.*your own included`, 's'));
  await send(page);
  await until('it is over', async () => await status(cookie) === 401);
  assert.equal(await page.evaluate(async () => (await fetch('/callosum/v1/session/isactive')).status), 401);
});

const failures = await runAll({
  prepare: () => Visit.begin(context),
  dispose: (visit, name, failure) => endVisit(visit, name, failure),
});
await close();
process.exit(failures ? 1 : 0);
