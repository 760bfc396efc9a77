// Work on the server that takes a while: measuring password hashes, moving the directory.

import { get, post } from './api.js';
import { ask, openForm } from './dialog.js';
import { badge, button, card, copy, facts, field, h, head, problem, table, text, when } from './ui.js';
import { t } from './words.js';

const POLL = 700;

const choices = (run) => table(t.measured, [
  [t.memory, (one) => t.kib(one.memory_kib)],
  [t.passes, (one) => String(one.iterations)],
  [t.perHash, (one) => `${one.ms} ms`],
  [t.perSecond, (one) => String(one.logins_per_second)],
  [t.memoryAll, (one) => `${one.memory_mib} MiB`],
], run.measured, t.none);

const proposal = ({ proposal: found, is_within: isWithin, target_ms: target, slots }) => {
  const lines = ['[passwords]', `memory_kib = ${found.memory_kib}`, `iterations = ${found.iterations}`, `lanes = ${found.lanes}`].join('\n');
  return [
    h('p', { class: 'verdict' }, badge(t.proposal, 'strong'), ' ', isWithin ? t.strongestWithin(target, slots) : t.noneWithin(target, slots)),
    h('div', { class: 'beside commands' }, h('pre', { tabindex: 0, 'aria-label': t.proposal }, lines), button(t.copy, () => copy(lines))),
    h('p', { class: 'hint' }, t.proposalHint),
  ];
};

const calibration = (first) => {
  const [targetRow, target] = field(t.targetMs, text({ type: 'number', min: 1, max: 10000, value: '50', required: true }));
  const [memoryRow, memory] = field(t.memoryMib, text({ type: 'number', min: 1, value: '512', required: true }));
  const bar = h('progress', { value: 0, max: 1, 'aria-label': t.measuring, hidden: true });
  const told = h('p', { class: 'hint', role: 'status' });
  const place = h('div', { class: 'stack' });
  const send = h('button', { type: 'submit', class: 'small main' }, t.measure);
  let timer = null;
  let node = first.node;

  const draw = ({ run }) => {
    if (!run) return;
    const { measured, total, is_running: isRunning } = run;
    bar.hidden = !isRunning;
    bar.max = total;
    bar.value = measured.length;
    send.setAttribute('aria-disabled', String(isRunning));
    const by = t.measuredBy(run.by, node);
    told.replaceChildren(isRunning ? t.measuringOf(measured.length, total, node) : h('span', {}, by, ' ', when(run.began_at)));
    place.replaceChildren(...[
      run.failure && h('p', { class: 'error', role: 'alert' }, t.measureFailed(run.failure)),
      run.proposal && h('div', {}, proposal(run)),
      measured.length > 0 && choices(run),
    ].filter(Boolean));
    if (!isRunning) clearInterval(timer);
  };
  const follow = () => {
    clearInterval(timer);
    timer = setInterval(async () => {
      const state = await get('/passwords/calibration').catch(() => null);
      // Another node answers what it measured itself, which is not what was asked.
      if (state && state.node === node) draw(state);
    }, POLL);
  };
  const form = h('form', {
    class: 'filters',
    onsubmit: async (event) => {
      event.preventDefault();
      if (send.getAttribute('aria-disabled') === 'true') return;
      try {
        const state = await post('/passwords/calibration', { target_ms: target.valueAsNumber, memory_mib: memory.valueAsNumber });
        node = state.node;
        draw(state);
        follow();
      } catch (error) {
        place.replaceChildren(problem(error));
      }
    },
  }, targetRow, memoryRow, send);
  draw(first);
  if (first.run?.is_running) follow();
  return [card(t.hashing, h('p', { class: 'hint' }, t.hashingLead), form, bar, told, place), () => clearInterval(timer)];
};

const atShell = (directory) => {
  const commands = directory.commands.join('\n');
  return [
    h('ol', { class: 'steps' }, t.directorySteps.map((step) => h('li', {}, step))),
    h('div', { class: 'beside commands' }, h('pre', { tabindex: 0, 'aria-label': t.directoryCommands }, commands), button(t.copy, () => copy(commands))),
  ];
};

const arrived = (tables) => table(t.copyTables, [
  [t.copyTable, (one) => h('span', { class: 'unbroken' }, one.table)],
  [t.copyRows, (one) => one.rows.toLocaleString()],
  // Whole when pointed at, and for whoever copies it.
  [t.copyChecksum, (one) => h('code', { title: one.checksum, class: 'checksum' }, one.checksum)],
], tables, t.none);

const copying = (directory) => {
  const place = t.copyPlace(directory.copy.destination);
  const bar = h('progress', { value: 0, max: 1, 'aria-label': t.copying, hidden: true });
  const told = h('p', { class: 'hint', role: 'status' });
  const below = h('div', { class: 'stack' });
  let timer = null;

  const act = async (path) => {
    const state = await post(path, {});
    draw(state);
    follow(state);
  };
  const start = button(t.copyDirectory, async () => {
    // Counted anew: the page may have been open for hours.
    const { census } = await get('/directory').catch(() => directory);
    openForm({ title: t.copyTitle, lead: t.copyLead(census, place), label: t.copyDirectory, act: () => act('/directory/copy') });
  }, 'main');
  const reopen = button(t.goOnOld, () => ask(t.goOnTitle, t.goOnLead, t.goOnOld, () => act('/directory/reopen')));
  const buttons = h('div', { class: 'row-buttons' });

  const draw = ({ run, read_only: readOnly }) => {
    const isRunning = readOnly === 'being_copied' || Boolean(run?.is_running);
    bar.hidden = !isRunning;
    if (run?.total) Object.assign(bar, { max: run.total, value: run.done });
    // Without a value the bar says that it is not known yet.
    else bar.removeAttribute('value');
    buttons.replaceChildren(...[!readOnly && !isRunning && start, readOnly === 'copied' && reopen].filter(Boolean));
    if (isRunning) told.replaceChildren(run?.total ? t.copyingOf(run.done, run.total) : t.copyCounting);
    else told.replaceChildren(...(run ? [t.copyBy(run.by), ' ', when(run.began_at)] : [t.copyTerms]));
    below.replaceChildren(...[
      !run && directory.copied_before && h('p', { class: 'error' }, t.copiedBefore(directory.copied_before)),
      run?.failure && h('p', { class: 'error', role: 'alert' }, t.copyFailed(run.failure)),
      run?.tables && h('p', { class: 'verdict' }, badge(t.copyDone, readOnly ? 'good' : 'off'), ' ', readOnly ? t.copyNext : t.copyStale),
      run?.tables && arrived(run.tables),
    ].filter(Boolean));
    if (!isRunning) clearInterval(timer);
  };
  const follow = ({ run }) => {
    clearInterval(timer);
    if (!run?.is_running) return;
    timer = setInterval(async () => {
      const state = await get('/directory/copy').catch(() => null);
      if (state) draw(state);
    }, POLL);
  };
  draw(directory.copy);
  follow(directory.copy);
  return [[facts([[t.copyTo, h('code', {}, place)]]), buttons, bar, told, below], () => clearInterval(timer)];
};

const moving = (directory) => {
  const where = facts([[t.node, directory.node], [t.storedIn, h('code', {}, directory.store)]]);
  const nothing = () => {};
  if (!directory.is_embedded) return [card(t.directory, where, h('p', { class: 'hint' }, t.directoryMoved)), nothing];
  const lead = h('p', {}, t.directoryLead);
  if (!directory.copy?.destination) return [card(t.directory, where, lead, h('p', {}, t.directoryByButton), ...atShell(directory)), nothing];
  const [parts, stop] = copying(directory);
  const shell = h('details', {}, h('summary', {}, t.directoryAtShell), atShell(directory));
  return [card(t.directory, where, lead, ...parts, shell), stop];
};

export const showMaintenance = async (view) => {
  const [state, directory] = await Promise.all([get('/passwords/calibration'), get('/directory')]);
  const [hashing, stopHashing] = calibration(state);
  const [directoryCard, stopCopying] = moving(directory);
  view.append(head(t.maintenance, t.maintenanceLead), h('div', { class: 'stack' }, hashing, directoryCard));
  return () => {
    stopHashing();
    stopCopying();
  };
};
