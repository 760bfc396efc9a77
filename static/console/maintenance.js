// Work on the server that takes a while or a shell: measuring password hashes, moving the directory.

import { get, post } from './api.js';
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

const moving = (directory) => {
  const where = facts([[t.node, directory.node], [t.storedIn, h('code', {}, directory.store)]]);
  if (!directory.is_embedded) return card(t.directory, where, h('p', { class: 'hint' }, t.directoryMoved));
  const commands = directory.commands.join('\n');
  return card(t.directory, where,
    h('p', {}, t.directoryLead),
    h('ol', { class: 'steps' }, t.directorySteps.map((step) => h('li', {}, step))),
    h('div', { class: 'beside commands' }, h('pre', { tabindex: 0, 'aria-label': t.directoryCommands }, commands), button(t.copy, () => copy(commands))),
    h('p', { class: 'hint' }, t.directoryWhy));
};

export const showMaintenance = async (view) => {
  const [state, directory] = await Promise.all([get('/passwords/calibration'), get('/directory')]);
  const [hashing, stop] = calibration(state);
  view.append(head(t.maintenance, t.maintenanceLead), h('div', { class: 'stack' }, hashing, moving(directory)));
  return stop;
};
