// Reading the embed doctor: its frame or page once it is done, and what it hands to support.

import { until } from './cases.mjs';

/** Opens the doctor and waits for its verdict: `[frame, its JSON]`. */
export const examined = async (visit, url) => {
  await visit.page.goto(url);
  const frame = await until('the doctor is there', () => visit.page.frames().find((found) => new URL(found.url()).pathname === '/embed/doctor'));
  await frame.waitForSelector('html[data-doctor="done"]', { timeout: 30_000 });
  return [frame, JSON.parse(await frame.textContent('#doctor-json'))];
};
