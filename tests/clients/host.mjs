// A customer's application: pages with the unmodified SDKs on an origin of its own, and its token service.

import fs from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { given } from './cases.mjs';
import { mintV1, mintV2 } from './server.mjs';

const clients = given('TS_CLIENTS');
const LATEST = '1.52.0';
const folderOf = (version) => (version === LATEST
  ? path.join(clients, 'node/node_modules/@thoughtspot/visual-embed-sdk/dist')
  : path.join(clients, 'older', version));

const page = (head, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Host</title>${head}</head><body>${body}</body></html>`;

/** The page's own script: starts the SDK as documented and keeps what it says. */
const application = (version) => `
  import * as sdk from '/sdk/${version}/tsembed.es.js';
  const heard = [];
  const page = { heard, said: [], posted: [], asked: 0 };
  window.app = page;
  window.addEventListener('message', ({ data, origin }) => page.posted.push({ type: data?.type, origin, text: JSON.stringify(data) }));
  page.start = (config) => {
    const { tokens, ...rest } = config;
    const getAuthToken = async () => { page.asked += 1; return (await fetch(tokens)).text(); };
    const emitter = sdk.init({
      callPrefetch: false, suppressNoCookieAccessAlert: true, loginFailedMessage: 'LOGIN FAILED HERE',
      ...rest, ...(tokens ? { getAuthToken } : {}),
    });
    for (const status of Object.values(sdk.AuthStatus)) emitter?.on(status, (detail) => heard.push(String(status) + (typeof detail === 'string' ? ':' + detail : '')));
  };
  page.render = () => {
    const board = new sdk.LiveboardEmbed('#embed', { liveboardId: 'd084c256-e284-4fc4-b80c-111cb606449a', frameParams: { width: '760px', height: '420px' } });
    for (const [name, event] of Object.entries(sdk.EmbedEvent)) board.on(event, () => page.said.push(name));
    return board.render();
  };
  page.logout = () => sdk.logout();
  page.sessionInfo = () => sdk.getSessionInfo();
  window.ready = true;`;

// What the REST client names without a path; everything else is bundled into it.
const IMPORTS = '<script type="importmap">{"imports":{"whatwg-fetch":"/module/whatwg-fetch/fetch.js"}}</script>';
const REST = `
  import * as rest from '/module/@thoughtspot/rest-api-sdk/dist/index.js';
  window.rest = rest;
  window.ready = true;`;

const token = (query) => {
  if (query.get('bad')) return 'bm90LWEtdG9rZW4';
  return query.get('kind') === 'v1' ? mintV1() : mintV2(Number(query.get('seconds') ?? 300));
};

const answer = async (url) => {
  const [, first, second, third] = url.pathname.split('/');
  if (first === 'token') return ['text/plain', await token(url.searchParams)];
  if (first === 'sdk') return ['text/javascript', fs.readFileSync(path.join(folderOf(second), path.basename(third)))];
  if (first === 'module') return ['text/javascript', fs.readFileSync(path.join(clients, 'node/node_modules', path.normalize(url.pathname.slice('/module'.length))))];
  if (first === 'rest') return ['text/html', page(IMPORTS, `<script type="module">${REST}</script>`)];
  if (first === 'frame') {
    const source = url.searchParams.get('src').replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    return ['text/html', page('', `<iframe title="framed" style="width: 100%; height: 900px; border: 0" src="${source}"></iframe>`)];
  }
  const version = url.searchParams.get('sdk');
  return ['text/html', page('', `<div id="embed"></div>${version ? `<script type="module">${application(version)}</script>` : ''}`)];
};

/** Starts the application on free ports: reached as 127.0.0.1 it shares the server's site, as localhost it does not. */
export const startHost = async () => {
  const server = createServer(async (request, reply) => {
    try {
      const [kind, body] = await answer(new URL(request.url, 'http://host'));
      reply.writeHead(200, { 'Content-Type': kind, 'Cache-Control': 'no-store' }).end(body);
    } catch (error) {
      reply.writeHead(500, { 'Content-Type': 'text/plain' }).end(error.message);
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  return {
    sameSite: `http://127.0.0.1:${port}`,
    crossSite: `http://localhost:${port}`,
    close: () => { server.closeAllConnections(); server.close(); },
  };
};
