// The embed doctor: turns what probes.js found into a table, a verdict and the settings to change.

import { byId, fillWords, make } from './dom.js';
import { examine } from './probes.js';
import { doctorText as words } from './strings.js';

// The outcome is told by mark *and* word: colour alone tells nothing to many.
const OUTCOMES = {
  yes: ['✔', words.works, 'yes'],
  no: ['✘', words.fails, 'no'],
  unknown: ['?', words.unknown, 'note'],
  note: ['·', words.note, 'note'],
  allowed: ['✔', words.allowed, 'yes'],
  refused: ['✘', words.refused, 'no'],
};

const whether = (fact) => (fact === null ? 'unknown' : fact ? 'yes' : 'no');

/** The rows of the table: `[what, outcome, meaning]`. */
const judgeAll = (found) => {
  const { framed, cookies, bearer } = found;
  const isHttps = found.page_scheme === 'https';
  const isCrossSite = found.cross_site === true;
  const rows = [];
  const row = (...cells) => rows.push(cells);

  const names = found.origins.map(({ origin }) => origin).join(', ');
  row(words.framed, 'note', framed ? (names ? words.framedBy(names) : words.framedUnknown) : words.notFramed);
  if (framed) {
    row(words.site, 'note', found.cross_site === null ? words.siteUnknown : isCrossSite ? words.crossSite : words.sameSite);
    // Without it partitioned cookies still work, so its absence alone is no failure.
    const storage = found.storage_access;
    row(words.storage, storage ? 'yes' : storage === null ? 'unknown' : 'note', storage === null ? words.storageUnknown : storage ? words.storageYes : words.storageNo);
  }

  if (isHttps) row(words.https, cookies.server_scheme === 'http' ? 'no' : 'yes', cookies.server_scheme === 'http' ? words.httpsProxy : words.httpsYes);
  else row(words.https, found.is_local ? 'note' : 'no', found.is_local ? words.httpsLocal : words.httpsNo);

  if (cookies.plain === null) {
    row(words.none, 'unknown', words.probesFailed(cookies.status));
  } else {
    row(words.plain, cookies.plain ? 'yes' : isCrossSite ? 'note' : 'no', cookies.plain ? words.plainYes : isCrossSite ? words.plainNo : words.plainLost);
    const needsHttps = !isHttps && !found.is_local;
    // What comes back in a window of our own site proves nothing about a frame of another's.
    const crossed = (fact) => (fact && !isCrossSite ? 'note' : whether(fact));
    row(words.none, crossed(cookies.none), cookies.none ? (isCrossSite ? words.noneYes : words.onlyHere) : needsHttps ? words.noneHttp : words.noneNo);
    row(words.chips, crossed(cookies.partitioned), cookies.partitioned ? (isCrossSite ? words.chipsYes : words.onlyHere) : needsHttps ? words.chipsHttp : words.chipsNo);
  }

  for (const { origin, allowed } of found.origins) {
    if (origin === found.own_origin) continue;
    row(words.origin(origin), allowed === null ? 'unknown' : allowed ? 'allowed' : 'refused', allowed === null ? words.unknown : allowed ? words.originYes : words.originNo);
  }
  if (framed && found.origins.length === 0) row(words.originNone, 'unknown', words.originNoneNote);

  if (bearer.status === 401) row(words.bearer, 'yes', bearer.header_seen ? words.bearerYes : words.bearerLikely);
  else row(words.bearer, 'no', bearer.status === 0 ? words.bearerLost : words.bearerNo(bearer.status));
  return rows;
};

/** What to change, most basic first: `{setting, why}`. */
const advise = (found) => {
  const { cookies, bearer, framed } = found;
  const isHttps = found.page_scheme === 'https';
  const isCrossSite = found.cross_site === true;
  const list = [];
  const change = (setting, why) => list.push({ setting, why });

  if (isHttps && cookies.server_scheme === 'http') change('server.trusted_proxies = ["<address of the proxy>"]', words.whyProxy);
  if (!isHttps && !found.is_local) change(`server.public_url = "https://${location.host}"`, words.whyHttps);

  const refused = found.origins.filter(({ origin, allowed }) => allowed === false && origin !== found.own_origin);
  if (refused.length) change(`embed.origins = [${refused.map(({ origin }) => JSON.stringify(origin)).join(', ')}]`, words.whyOrigins);
  else if (framed && found.origins.length === 0 && cookies.origins_configured === false) change('embed.origins = ["https://app.example.com"]', words.whyOrigins);

  // Without HTTPS the probes say nothing about cookies: that has to change first.
  const isTelling = cookies.plain !== null && (isHttps || found.is_local);
  if (isTelling && isCrossSite && !cookies.none) {
    if (cookies.partitioned && cookies.server_partitions !== true) change('cookies.partitioned = true', words.whyPartitioned);
    else if (!cookies.partitioned) change('authType: AuthType.TrustedAuthTokenCookieless  // "AuthServerCookieless"', words.whyCookieless);
  }
  if (isCrossSite && ['lax', 'strict'].includes(cookies.server_same_site)) change('cookies.same_site = "auto"', words.whySameSite);
  if (isTelling && !isCrossSite && !cookies.plain) {
    if (framed) change('authType: AuthType.TrustedAuthTokenCookieless  // "AuthServerCookieless"', words.whyCookieless);
    else change('(browser) allow cookies for this site', words.whyCookiesOff);
  }
  if (bearer.status !== 401 && bearer.status !== 0) change('(proxy) pass Authorization', words.whyBearer);
  return list;
};

const drawRow = ([what, outcome, meaning]) => {
  const [mark, word, className] = OUTCOMES[outcome];
  const head = make('th', what);
  head.scope = 'row';
  const cell = make('td', '', `outcome ${className}`);
  const sign = make('span', mark);
  sign.setAttribute('aria-hidden', 'true');
  cell.append(sign, ` ${word}`);
  const row = make('tr');
  row.append(head, cell, make('td', meaning));
  return row;
};

const drawAdvice = ({ setting, why }) => {
  const item = make('li');
  item.append(make('p', why), make('pre', setting));
  item.lastChild.tabIndex = 0; // a long line scrolls, and must do so by keyboard too
  return item;
};

const run = async () => {
  const { dataset } = document.documentElement;
  dataset.doctor = 'running';
  byId('verdict').textContent = words.running;

  const found = await examine();
  const advice = advise(found);
  const isBroken = found.cookies.plain === null || found.bearer.status === 0;
  const verdict = isBroken ? 'unfinished' : advice.length ? 'change' : 'ok';

  byId('checks').replaceChildren(...judgeAll(found).map(drawRow));
  byId('advice').hidden = advice.length === 0;
  byId('advice-list').replaceChildren(...advice.map(drawAdvice));
  byId('doctor-json').textContent = JSON.stringify({ ...found, settings: advice.map(({ setting }) => setting), verdict }, null, 2);
  byId('results').hidden = false;
  if (isBroken) byId('verdict').textContent = words.broken;
  else if (advice.length) byId('verdict').textContent = words.change(advice.length);
  else byId('verdict').textContent = found.framed ? words.fine : words.fineAlone;
  dataset.doctor = 'done';
};

fillWords(words);
if (window.parent !== window) document.body.classList.add('framed');
byId('again').addEventListener('click', run);
run();
