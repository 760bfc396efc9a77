// The server under test as its operator and a customer's own back end see it: settings saved, tokens minted.

import assert from 'node:assert/strict';
import { given } from './cases.mjs';

/** The listeners; tokens and settings are the whole server's, so both are reached by http. */
export const http = given('TS_HTTP');
export const https = given('TS_HTTPS');
export const user = { name: given('TS_USER'), password: given('TS_PASSWORD'), shown: given('TS_DISPLAY_NAME') };

const secretKey = given('TS_SECRET_KEY');
const post = (path, body, headers = {}) => fetch(http + path, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** A token of REST v2.0, good for so many seconds; `more` goes into the request. */
export const mintV2 = async (seconds = 300, username = user.name, more = {}) => {
  const body = { username, secret_key: secretKey, validity_time_in_sec: seconds, ...more };
  const reply = await post('/api/rest/2.0/auth/token/full', body);
  assert.equal(reply.status, 200, await reply.clone().text());
  return (await reply.json()).token;
};

/** A token of REST v1: bare text. */
export const mintV1 = async (username = user.name) => {
  const reply = await fetch(`${http}/callosum/v1/tspublic/v1/session/auth/token`, {
    method: 'POST',
    headers: { Accept: 'text/plain' },
    body: new URLSearchParams({ secret_key: secretKey, username, access_level: 'FULL' }),
  });
  assert.equal(reply.status, 200, await reply.clone().text());
  return reply.text();
};

/** Saves security settings as an administrator does, in force at once. */
export const configure = async (clusterPreferences) => {
  const token = await mintV2(60, given('TS_ADMIN'));
  const reply = await post(
    '/api/rest/2.0/system/security-settings/configure',
    { cluster_preferences: clusterPreferences },
    { Authorization: `Bearer ${token}` },
  );
  assert.equal(reply.status, 204, await reply.text());
};

/** The status a check of the session answers for these headers. */
export const isActive = async (headers) => (await fetch(`${http}/callosum/v1/session/isactive`, { headers })).status;
