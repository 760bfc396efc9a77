// What holds at any identity provider: the SDK's ways there and back, and that nobody is sent to a target that is nobody's.

import assert from 'node:assert/strict';
import { Visit } from './browser.mjs';
import { test } from './cases.mjs';
import { casesAt } from './embed_page.mjs';

/** Who the server says is signed in, asked from a page; the status when nobody is. */
export const whoIsIn = async (page, base) => page.evaluate(async (url) => {
  const reply = await fetch(url, { credentials: 'include', signal: AbortSignal.timeout(10_000) });
  return reply.ok ? (await reply.json()).userName : reply.status;
}, `${base}/callosum/v1/session/info`);

/**
 * Signing in with the SDK by `oidc` or `saml`. `signInThere` fills in the provider's form for a page, and the cookie
 * `remembersBy`, where it is known, keeps it from asking again.
 */
export class SignOn {
  constructor({ context, protocol, signInThere, remembersBy }) {
    Object.assign(this, { context, protocol, signInThere, remembersBy, config: { authType: `SSO_${protocol.toUpperCase()}` } });
  }

  /** Waits until the page is back at the host, its script running. */
  async backAtHost(embed) {
    await embed.page.waitForURL((url) => url.origin === embed.at, { timeout: 30_000 });
    await embed.page.waitForFunction('window.ready');
  }

  /** The SDK's documented flow: start, go away, come back, start again. Returns the address it came back to. */
  async byRedirect(embed, config = this.config) {
    await embed.start(config);
    await this.signInThere(embed.page);
    await this.backAtHost(embed);
    const back = embed.page.url();
    await embed.start(config);
    await embed.heard('SDK_SUCCESS');
    return back;
  }

  /** Adds the cases. `people` are two at the provider, perhaps the same: a name, and what the frame shows of them. */
  addCases(arrangement, people) {
    const { where, base } = arrangement;
    const { context, protocol, config } = this;
    const redirect = `${protocol.toUpperCase()}Redirect`;
    const [one, other] = people;
    const each = casesAt(context, arrangement);
    const shows = async (embed, who) => {
      await embed.render();
      const frame = await embed.liveFrame();
      assert.match(await frame.textContent('#frame-facts'), who.shown);
    };

    each(`${redirect} signs in at the provider and comes back to the very address`, async (embed) => {
      await embed.page.evaluate(() => history.replaceState(null, '', `${location.href}&q=a%20b%2Fc#/board/é?x=1&y=%2F`));
      const left = embed.page.url();
      const back = await this.byRedirect(embed);
      assert.equal(back, `${left}&tsSSOMarker=5e16222e-ef02-43e9-9fbd-24226bf3ce5b`);
      await shows(embed, one);
      assert.equal(await whoIsIn(embed.page, base), one.name);
      // Signed in, nobody is sent anywhere.
      await embed.load();
      await embed.start(config);
      await embed.heard('SDK_SUCCESS');
      assert.equal(embed.answers('GET', `/${protocol}/login`).length, 0);
    });

    each(`${redirect} takes redirectPath`, async (embed) => {
      const back = await this.byRedirect(embed, { ...config, redirectPath: '/?sdk=1.52.0&here=1' });
      assert.ok(back.startsWith(`${embed.at}/?sdk=1.52.0&here=1#`), back);
    });

    each('whom the provider remembers is not asked again', async (embed) => {
      await this.byRedirect(embed);
      await context.clearCookies({ name: 'JSESSIONID' });
      if (this.remembersBy) assert.ok((await context.cookies()).some(({ name }) => name === this.remembersBy));
      await embed.load();
      await embed.start(config);
      await embed.page.waitForURL(/tsSSOMarker/, { timeout: 30_000 });
      await this.backAtHost(embed);
      await embed.start(config);
      await embed.heard('SDK_SUCCESS');
    });

    // Across sites the provider's own cookies stay behind: embedded_sso.mjs has one that needs none.
    if (!arrangement.isSecure) {
      each('EmbeddedSSO signs in inside the frame whom the provider remembers, and the page stays', async (embed) => {
        await this.byRedirect(embed);
        await context.clearCookies({ name: 'JSESSIONID' });
        await embed.load();
        const page = embed.page.url();
        await embed.start({ authType: 'EmbeddedSSO' });
        await shows(embed, one);
        await embed.said('AuthInit');
        assert.equal(embed.answers('GET', `/${protocol}/login`).at(-1).status(), 302);
        assert.equal(embed.page.url(), page);
        assert.equal(await whoIsIn(embed.page, base), one.name);
      });
    }

    each('the popup signs in and the page stays', async (embed) => {
      await embed.page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<div id="trigger"></div>'));
      await embed.start({ ...config, inPopup: true, authTriggerContainer: '#trigger', authTriggerText: 'Sign in' });
      await embed.heard('WAITING_FOR_POPUP');
      const [popup] = await Promise.all([context.waitForEvent('page'), embed.page.click('#ts-auth-btn')]);
      await this.signInThere(popup, other.name);
      await embed.heard('SDK_SUCCESS');
      await shows(embed, other);
      if (!popup.isClosed()) await popup.close();
    });

    test(`a target that is nobody's is refused before the browser leaves, ${where}`, async (world) => {
      world.visit = await Visit.begin(context);
      const { page } = world.visit;
      for (const target of ['https://evil.example/', '//evil.example', 'javascript:alert(1)']) {
        const reply = await page.goto(`${base}/callosum/v1/${protocol}/login?targetURLPath=${encodeURIComponent(target)}`);
        assert.equal(reply.status(), 400, target);
        assert.ok(page.url().startsWith(base));
      }
    });
  }
}
