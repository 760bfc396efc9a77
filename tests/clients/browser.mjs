// A real headless Chromium with a profile of its own, watched: what it sent, what it logged, what broke a policy.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { given } from './cases.mjs';

const clients = given('TS_CLIENTS');
const require = createRequire(path.join(clients, 'node/package.json'));
const { chromium } = require('playwright-core');
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--ignore-certificate-errors', '--no-proxy-server',
];

/** Opens a browser; third-party cookies are allowed in it, or blocked. */
export const openBrowser = async ({ blocksThirdParty = false, ...options } = {}) => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'vestibule-browser-'));
  fs.mkdirSync(path.join(profile, 'Default'));
  // A fresh profile of headless Chromium blocks them, so both cases are said aloud.
  const preferences = { profile: { cookie_controls_mode: blocksThirdParty ? 1 : 0, block_third_party_cookies: blocksThirdParty } };
  fs.writeFileSync(path.join(profile, 'Default/Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: given('TS_CHROMIUM'), headless: true, ignoreHTTPSErrors: true, args: ARGUMENTS, viewport: { width: 1000, height: 760 }, ...options,
  });
  const close = async () => {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
};

/** A page and everything it does, in an empty browser. */
export class Visit {
  static async begin(context) {
    await context.clearCookies();
    return new Visit(context, await context.newPage());
  }

  constructor(context, page) {
    Object.assign(this, { context, page, requests: [], problems: [], failedAsExpected: false });
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(`uncaught: ${error}`));
    page.on('response', (response) => this.requests.push(response));
  }

  /** Answers seen so far whose path ends so, with the method. */
  answers(method, end) {
    return this.requests.filter((response) => response.request().method() === method && new URL(response.url()).pathname.endsWith(end));
  }

  /** The embedded frame of that server, once it shows this view. */
  async frame(base, view = 'frame') {
    for (;;) {
      const frame = this.page.frames().find((found) => found !== this.page.mainFrame() && found.url().startsWith(base));
      if (frame) {
        await frame.waitForSelector(`body[data-view="${view}"]`, { timeout: 30_000 });
        return frame;
      }
      await this.page.waitForEvent('framenavigated', { timeout: 30_000 });
    }
  }

  /** What no case may cause: a broken content security policy or an error nobody caught. */
  wrongs() {
    return this.problems.filter((text) => /^uncaught|Content Security Policy|violates/.test(text));
  }

  async end() {
    await this.page.close();
  }
}

/** Fails when axe finds anything in this frame. */
export const assertAccessible = async (frame) => {
  // Past the page's own policy, which rightly lets no other script in.
  const found = await frame.evaluate(`${axeSource}; axe.run(document, { runOnly: ${JSON.stringify(AXE_TAGS)} })`);
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
  assert.deepEqual(violations, []);
};

const folder = path.join(clients, '../screenshots');

/** Keeps a picture for people to look at. */
export const picture = async (page, name) => {
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
};

/** A name as a file's. */
export const slug = (text) => text.replaceAll(/\W+/g, '-');

/** Ends a case's visit: what failed is pictured and its last requests told, and no case may break a policy unnoticed. */
export const endVisit = async (visit, name, failure, mayBreakPolicy = false) => {
  if (failure) {
    await picture(visit.page, `FAILED-${slug(name)}`).catch(() => null);
    const last = visit.requests.slice(-12).map((reply) => `${reply.status()} ${reply.request().method()} ${reply.url()}`);
    console.error(name, visit.page.url(), last.join('\n'));
  }
  await visit.end();
  if (!mayBreakPolicy) assert.deepEqual(visit.wrongs(), []);
};

const documented = path.join(import.meta.dirname, '../../docs/screenshots');

/** Keeps a picture for the documents, when `VESTIBULE_SCREENSHOTS` asks for that; else the folder stays as it is. */
export const screenshot = async (page, name) => {
  if (process.env.VESTIBULE_SCREENSHOTS !== '1') return;
  fs.mkdirSync(documented, { recursive: true });
  await page.screenshot({ path: path.join(documented, `${name}.png`), fullPage: true });
};
