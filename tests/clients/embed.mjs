// The unmodified Visual Embed SDK on pages of its own origin, with the real frame of a real server inside.
//
// Every case runs twice: page and server on one site over http, and on two sites over https.

import assert from 'node:assert/strict';
import { assertAccessible, endVisit, openBrowser, picture, slug } from './browser.mjs';
import { runAll, test, until } from './cases.mjs';
import { Embed, LOGIN, LOGOUT, REDEEM, arrangements, casesAt } from './embed_page.mjs';
import { startHost } from './host.mjs';
import { configure, http, https, isActive, user } from './server.mjs';

const host = await startHost();
await configure({ cors_whitelisted_urls: [host.sameSite, host.crossSite] });
const { context, close } = await openBrowser();

const BASIC = { authType: 'Basic', username: user.name, password: user.password };
const TRUSTED = { authType: 'AuthServer', username: user.name, tokens: '/token' };
const COOKIELESS = { authType: 'AuthServerCookieless', username: user.name, tokens: '/token' };

const shows = async (frame) => {
  assert.match(await frame.textContent('#frame-facts'), new RegExp(user.shown));
  assert.match(await frame.textContent('#object-id'), /^d084c256-/);
};

for (const arrangement of arrangements(host)) {
  const { where, base, isSecure } = arrangement;
  const each = casesAt(context, arrangement);

  each('AuthType None shows a frame with nobody in it, whose form signs in', async (embed) => {
    await embed.start({ authType: 'None' });
    await embed.heard('SDK_SUCCESS');
    await embed.render();
    const frame = await embed.frame(base);
    await embed.said('AuthExpire');
    assert.equal(await frame.getAttribute('body', 'data-session'), 'none');
    await assertAccessible(frame);
    await frame.click('#frame-actions button');
    await frame.waitForSelector('body[data-view="sign-in"]');
    await assertAccessible(frame);
    await picture(embed.page, `embed-form-${slug(where)}`);
    await frame.fill('#username', user.name);
    await frame.fill('#password', user.password);
    await frame.press('#password', 'Enter');
    await shows(await embed.liveFrame());
    await embed.said('AuthInit');
    await embed.load();
    await shows(await embed.live({ authType: 'None' }));
  });

  each('Basic signs in, and the frame knows who', async (embed) => {
    const frame = await embed.live(BASIC);
    await shows(frame);
    await embed.heard('SUCCESS');
    assert.equal((await embed.page.evaluate(() => window.app.sessionInfo())).userName, user.name);
    await assertAccessible(frame);
    await picture(embed.page, `embed-live-${slug(where)}`);
    const cookie = await embed.cookie();
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, isSecure, isSecure ? 'None' : 'Lax']);
  });

  each('Basic finds a session that is there and does not sign in again', async (embed) => {
    await embed.live(BASIC);
    const before = await embed.cookie();
    await embed.load();
    await embed.live(BASIC);
    assert.deepEqual(embed.answers('POST', LOGIN), []);
    assert.equal((await embed.cookie()).value, before.value);
  });

  each('Basic with a wrong password fails and shows no frame', async (embed) => {
    await embed.start({ ...BASIC, password: `${user.password} ` });
    await embed.heard('FAILURE');
    await embed.render().catch(() => null);
    assert.equal(embed.page.frames().length, 1);
    assert.match(await embed.page.textContent('#embed'), /LOGIN FAILED HERE/);
    assert.equal(await embed.cookie(), null);
  });

  for (const kind of ['v1', 'v2']) {
    each(`TrustedAuthToken turns a token of ${kind} into a cookie`, async (embed) => {
      await shows(await embed.live({ ...TRUSTED, tokens: `/token?kind=${kind}` }));
      await embed.heard('SUCCESS');
      assert.equal(embed.answers('POST', REDEEM).length, 1);
      assert.equal(embed.answers('GET', REDEEM).length, 0, 'the fallback that puts the token into an address');
      assert.ok(await embed.cookie());
    });
  }

  each('TrustedAuthToken works without a user name and without verification', async (embed) => {
    const { username, ...config } = TRUSTED;
    await shows(await embed.live({ ...config, disableTokenVerification: true }));
    assert.ok(username);
  });

  each('TrustedAuthToken with a token that is none fails before it is redeemed', async (embed) => {
    await embed.start({ ...TRUSTED, tokens: '/token?bad=1' });
    await embed.heard('FAILURE');
    assert.equal(embed.answers('POST', REDEEM).length, 0);
    assert.equal(await embed.cookie(), null);
  });

  for (const kind of ['v1', 'v2']) {
    each(`TrustedAuthTokenCookieless lives on a token of ${kind} and no cookie`, async (embed) => {
      await shows(await embed.live({ ...COOKIELESS, tokens: `/token?kind=${kind}` }));
      await embed.heard('SUCCESS');
      assert.deepEqual(await context.cookies(base), []);
      for (const [request, headers] of await embed.sent()) assert.equal(headers.cookie, undefined, request.url());
      for (const { text } of await embed.list('posted')) assert.doesNotMatch(text, /authToken/, 'the frame hands a token out');
      for (const url of [...embed.page.frames().map((frame) => frame.url()), ...embed.requests.map((response) => response.url())]) assert.doesNotMatch(url, /auth_token/);
    });
  }

  each('TrustedAuthTokenCookieless outlives a token of three seconds', async (embed) => {
    const frame = await embed.live({ ...COOKIELESS, tokens: '/token?seconds=3' });
    await embed.said('AuthExpire', 20);
    await until('the frame lives on another token', async () => (await embed.list('said')).filter((name) => name === 'AuthInit').length >= 2);
    await shows(frame);
    assert.ok(await embed.page.evaluate(() => window.app.asked) >= 2);
  });

  each('EmbeddedSSO says that this server has no single sign-on', async (embed) => {
    await embed.start({ authType: 'EmbeddedSSO' });
    await embed.heard('SDK_SUCCESS');
    await embed.render();
    const frame = await embed.frame(base);
    await embed.said('AuthExpire');
    await frame.click('#frame-actions button');
    await frame.waitForFunction(() => /no single sign-on/.test(document.getElementById('frame-state').textContent));
    await assertAccessible(frame);
  });

  each('the SDK\'s logout ends the session, the cookie and the frame, not the token', async (embed) => {
    await embed.live({ ...TRUSTED, tokens: '/token?kind=v2' });
    const { value } = await embed.cookie();
    const cookie = { Cookie: `JSESSIONID=${value}` };
    assert.equal(await isActive(cookie), 204);
    assert.equal(await embed.page.evaluate(() => window.app.logout()), false);
    await embed.heard('LOGOUT');
    assert.equal(embed.answers('POST', LOGOUT)[0].status(), 204);
    assert.equal(await isActive(cookie), 401);
    assert.equal(await embed.cookie(), null);
    const sent = (await embed.sent()).find(([request]) => request.method() === 'POST' && request.url().endsWith(LOGOUT));
    assert.equal(await isActive({ Authorization: sent[1].authorization }), 204, 'the Bearer beside the cookie lives on');
  });

  each('signing out inside the frame tells the application', async (embed) => {
    const frame = await embed.live(BASIC);
    await frame.click('#frame-actions button');
    await embed.heard('LOGOUT');
    assert.match(await embed.page.textContent('#embed'), /LOGIN FAILED HERE/);
    assert.equal(await embed.cookie(), null);
  });

  for (const version of ['1.22.0', '1.28.5']) {
    for (const [name, config] of [['Basic', BASIC], ['TrustedAuthToken', TRUSTED]]) {
      each(`SDK ${version} signs in by ${name} after asking session/info`, async (embed) => {
        await shows(await embed.live(config));
        const [probe] = embed.answers('GET', '/session/info');
        assert.equal(probe.status(), 401);
        assert.equal(embed.answers('POST', config === BASIC ? LOGIN : REDEEM).length, 1);
        await embed.load();
        await embed.live(config);
        assert.equal(embed.answers('GET', '/session/info')[0].status(), 200);
        assert.equal(embed.answers('POST', config === BASIC ? LOGIN : REDEEM).length, 0);
      }, version);
    }
  }

  test(`an application that is not listed gets neither answers nor a frame, ${where}`, async (world) => {
    const stranger = await startHost();
    try {
      const embed = await Embed.open(context, isSecure ? stranger.crossSite : stranger.sameSite, base);
      world.visit = embed;
      world.mayBreakPolicy = true;
      await embed.start(BASIC);
      await embed.heard('FAILURE');
      await embed.start({ authType: 'None' });
      await embed.render();
      await until('the browser refuses the frame', () => embed.problems.some((text) => /frame-ancestors/.test(text)));
      const frame = embed.page.frames().find((found) => found.parentFrame());
      assert.equal(await frame.evaluate(() => document.body.dataset.view ?? 'none'), 'none');
    } finally {
      stranger.close();
    }
  });
}

test('TrustedAuthTokenCookieless renews a token before it ends', async (world) => {
  const embed = await Embed.open(context, host.crossSite, https);
  world.visit = embed;
  await embed.live({ ...COOKIELESS, tokens: '/token?seconds=8' });
  await embed.said('RefreshAuthToken', 12);
  await embed.liveFrame();
  await embed.never('AuthExpire');
});

const failures = await runAll({
  prepare: () => ({ visit: null, mayBreakPolicy: false }),
  dispose: ({ visit, mayBreakPolicy }, name, failure) => visit && endVisit(visit, name, failure, mayBreakPolicy),
});
await close();
host.close();
process.exit(failures ? 1 : 0);
