// Importing users from a CSV file, with how far it is and what went wrong in which line.

import { post } from './api.js';
import { readUsers } from './csv.js';
import { button, field, h, problem, table, tick } from './ui.js';
import { t } from './words.js';

// Hashing a password takes a noticeable part of a second, so a batch is answered within a few.
const AT_A_TIME = 20;

/** Opens the dialog; resolves with whether anything was imported. */
export const openImport = () => new Promise((resolve) => {
  let isStopped = false;
  let isBusy = false;
  let created = 0;
  const [fileRow, file] = field(t.file, h('input', { type: 'file', accept: '.csv,text/csv', required: true }));
  const [makeRow, make] = tick(t.makeGroups);
  const bar = h('progress', { value: 0, max: 1, 'aria-label': t.importTitle, hidden: true });
  const told = h('p', { class: 'hint', role: 'status' });
  const place = h('div');
  const send = h('button', { type: 'submit', class: 'small main' }, t.startImport);

  const run = async () => {
    const { users, skipped } = readUsers(await file.files[0].text());
    const total = users.length + skipped.length;
    let done = skipped.length;
    bar.hidden = false;
    bar.max = total;
    const tell = () => {
      bar.value = done;
      told.textContent = t.importProgress(done, total);
    };
    tell();
    for (let at = 0; at < users.length && !isStopped; at += AT_A_TIME) {
      const rows = users.slice(at, at + AT_A_TIME);
      const report = await post('/users/import', { rows, create_groups: make.checked });
      created += report.created;
      skipped.push(...report.skipped);
      done += rows.length;
      tell();
    }
    skipped.sort((one, other) => one.line - other.line);
    told.textContent = t.importDone(created, skipped.length);
    place.replaceChildren(skipped.length
      ? table(t.reason, [[t.line, (row) => String(row.line)], [t.reason, (row) => row.reason]], skipped, '')
      : '');
  };

  const form = h('form', {
    onsubmit: async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      send.setAttribute('aria-disabled', 'true');
      place.replaceChildren();
      try {
        await run();
      } catch (error) {
        place.replaceChildren(problem(error), created ? h('p', { class: 'hint' }, t.importStopped) : '');
      }
      isBusy = false;
      send.removeAttribute('aria-disabled');
    },
  }, fileRow, makeRow, bar, told, place, h('div', { class: 'dialog-buttons' }, button(t.close, () => dialog.close(), 'quiet'), send));
  const heading = h('h2', { id: 'import-title' }, t.importTitle);
  const dialog = h('dialog', {
    'aria-labelledby': heading.id,
    class: 'wide',
    onclose: () => {
      isStopped = true;
      dialog.remove();
      resolve(created > 0);
    },
  }, heading, h('p', { class: 'lead' }, t.importLead), form);
  document.body.append(dialog);
  dialog.showModal();
});
