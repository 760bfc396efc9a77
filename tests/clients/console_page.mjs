// The administrators' console as a test drives it: sign in, go somewhere, press, fill in, send.

import { given, until } from './cases.mjs';
import { http } from './server.mjs';

export const admin = { name: given('TS_ADMIN'), password: given('TS_ADMIN_PASSWORD') };

/** Signs in on our own page. */
export const signIn = async (page, who) => {
  await page.goto(`${http}/`);
  await page.waitForSelector('body[data-view="sign-in"]');
  await page.fill('#username', who.name);
  await page.fill('#password', who.password);
  await page.press('#password', 'Enter');
  await page.waitForSelector('body[data-view="signed-in"]');
};

/** Waits until a view is drawn. */
export const ready = (page, view) => page.waitForSelector(`body[data-state="ready"]${view ? `[data-view="${view}"]` : ''}`, { timeout: 30_000 });

/** Signs in as the administrator and opens the console, at a view. */
export const openConsole = async (visit, view = '') => {
  await signIn(visit.page, admin);
  await visit.page.goto(`${http}/console${view ? `#/${view}` : ''}`);
  await ready(visit.page, view.split('/')[0]);
  return visit.page;
};

/** Goes to a view by its link. */
export const go = async (page, words, view) => {
  await page.click(`#nav a:text-is("${words}")`);
  await ready(page, view);
};

/** Waits until the page says something. */
export const said = (page, words) => until(`the page says ${words}`, async () => words.test(await page.textContent('#status')));
/** Presses a button of the view; what the page said before is no answer to that. */
export const press = async (page, label) => {
  await page.evaluate(() => document.getElementById('status').replaceChildren());
  await page.click(`main button:text-is("${label}")`);
};
/** Sends the dialog. */
export const send = (page) => page.click('dialog button[type="submit"]');
/** Fills in a field of the dialog. */
export const fill = (page, label, words) => page.fill(`dialog label:text-is("${label}") + input, dialog label:text-is("${label}") + textarea, dialog label:text-is("${label}") + .beside input`, words);

/** A change by the console's own API, as the signed-in administrator. */
export const call = (page, method, path, body) => page.evaluate(async ([verb, where, what]) => {
  const base = '/callosum/v1/vestibule/admin';
  const { csrf } = await (await fetch(`${base}/me`)).json();
  const reply = await fetch(base + where, { method: verb, headers: { 'Content-Type': 'application/json', 'X-Vestibule-CSRF': csrf }, body: what && JSON.stringify(what) });
  return { status: reply.status, body: await reply.json().catch(() => null) };
}, [method, path, body]);
