// A case's view of the host application in the browser: start the SDK, show a Liveboard, read what was said.

import assert from 'node:assert/strict';
import { Visit } from './browser.mjs';
import { test, until } from './cases.mjs';
import { http, https } from './server.mjs';

export const LOGIN = '/session/login';
export const REDEEM = '/session/login/token';
export const LOGOUT = '/session/logout';

/** How a page and the server it embeds are met: the page's origin is `at`, the server's `base`. */
export const arrangements = (host) => [
  { where: 'on one site over http', at: host.sameSite, base: http, isSecure: false },
  { where: 'across sites over https', at: host.crossSite, base: https, isSecure: true },
];

/** How cases are added that begin on the host's page. */
export const casesAt = (context, { where, at, base }) => (name, run, version) => test(`${name}, ${where}`, async (world) => {
  world.visit = await Embed.open(context, at, base, version);
  await run(world.visit);
});

/** The host application's page, with the server it embeds. */
export class Embed extends Visit {
  /** `at` is an origin of the host, `base` the server to embed. */
  static async open(context, at, base, version = '1.52.0') {
    await context.clearCookies();
    const embed = new Embed(context, await context.newPage());
    Object.assign(embed, { at, base, version });
    await embed.load();
    return embed;
  }

  /** Loads the page, also again: what the SDK remembered is gone, cookies are not. */
  async load() {
    await this.page.goto(`${this.at}/?sdk=${this.version}`);
    await this.page.waitForFunction('window.ready');
    this.requests.length = 0;
  }

  /** `tokens` is a path of the host's token service, for types that need one. */
  async start(config) {
    await this.page.evaluate((given) => window.app.start(given), { thoughtSpotHost: this.base, ...config });
  }

  async render() {
    await this.page.evaluate(() => window.app.render());
  }

  /** Starts the SDK, shows the Liveboard and waits until the frame is `live`, for whom it says. */
  async live(config) {
    await this.start(config);
    await this.render();
    return this.liveFrame();
  }

  async liveFrame() {
    const frame = await this.frame(this.base);
    await frame.waitForSelector('body[data-session="live"]', { timeout: 30_000 });
    return frame;
  }

  list(name) {
    return this.page.evaluate((list) => window.app[list], name);
  }

  /** Waits for a word of the SDK's authentication emitter. */
  heard(word, seconds) {
    return until(`the SDK says ${word}`, async () => {
      const all = await this.list('heard');
      if (!all.some((entry) => entry === word || entry.startsWith(`${word}:`))) throw new Error(`it said ${all}; ${this.problems.slice(-3)}`);
      return all;
    }, seconds);
  }

  /** Waits for an event of the frame. */
  said(name, seconds) {
    return until(`the frame says ${name}`, async () => {
      const all = await this.list('said');
      if (!all.includes(name)) throw new Error(`it said ${all}`);
      return all;
    }, seconds);
  }

  async never(name) {
    assert.ok(!(await this.list('said')).includes(name), `${name} was said`);
  }

  /** The session cookie the browser holds for the server. */
  async cookie() {
    const cookies = await this.context.cookies(this.base);
    return cookies.find(({ name }) => name === 'JSESSIONID') ?? null;
  }

  /** Requests to the server so far, as `[request, its headers]`. */
  async sent() {
    const own = this.requests.map((response) => response.request()).filter((request) => request.url().startsWith(this.base));
    return Promise.all(own.map(async (request) => [request, await request.allHeaders()]));
  }
}
