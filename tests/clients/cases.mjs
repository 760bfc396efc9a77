// Runs cases one after the other and says how each went: `PASS name` or `FAIL name: why`, and exit code 1 after a failure.

import assert from 'node:assert/strict';

const cases = [];

/** Adds a case; its name is a sentence, `run` gets what `prepare` returned. */
export const test = (name, run) => cases.push({ name, run });

/** A setting from the environment that must be there. */
export const given = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
};

/** Fails after so many seconds: a browser that never answers must not be waited for. */
const late = (seconds) => new Promise((_, fail) => { setTimeout(() => fail(new Error('no answer in time')), seconds * 1000).unref(); });

/** Asks until the answer is truthy and returns it; fails after `seconds`, saying for what. */
export const until = async (what, ask, seconds = 15) => {
  const end = performance.now() + seconds * 1000;
  let last;
  do {
    try {
      const answer = await Promise.race([ask(), late(10)]);
      if (answer) return answer;
      last = '';
    } catch (error) {
      last = `; last: ${error.message}`;
    }
    await new Promise((resume) => setTimeout(resume, 50));
  } while (performance.now() < end);
  throw new Error(`waited in vain: ${what}${last}`);
};

const firstLines = (error) => String(error?.stack ?? error).split('\n').slice(0, 6).join('\n    ');

/**
 * Runs every case added so far, those named on the command line only if any are. `prepare` makes what a case
 * works with; `dispose` gets it back, with the case's name and whether it failed, and may fail the case itself.
 */
export const runAll = async ({ prepare = () => null, dispose = () => null } = {}) => {
  const wanted = process.argv.slice(2);
  let failures = 0;
  for (const { name, run } of cases.splice(0)) {
    if (wanted.length && !wanted.some((part) => name.includes(part))) continue;
    let failure = null;
    let world = null;
    try {
      world = await prepare(name);
      await run(world);
    } catch (error) {
      failure = error;
    }
    try {
      await dispose(world, name, failure);
    } catch (error) {
      failure ??= error;
    }
    if (failure) failures += 1;
    console.log(failure ? `FAIL ${name}: ${firstLines(failure)}` : `PASS ${name}`);
  }
  return failures;
};
