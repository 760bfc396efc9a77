// Dialogs: a form that does something and stays open with what went wrong, or a question before something ends.

import { askWith, confirm } from './api.js';
import { button, field, h, problem, text } from './ui.js';
import { t } from './words.js';

/**
 * Opens a form. `act` runs when it is sent; when it throws, its words are shown and the form stays.
 * Resolves with what `act` returned, or null when the person thought better of it.
 */
export const openForm = ({ title, lead = '', rows = [], label, kind = 'main', act, isWide = false }) => new Promise((resolve) => {
  const place = h('div');
  const send = h('button', { type: 'submit', class: `small ${kind}` }, label);
  const cancel = button(t.cancel, () => dialog.close(), 'quiet');
  let isBusy = false;
  let outcome = null;
  const form = h('form', {
    method: 'dialog',
    onsubmit: async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      send.setAttribute('aria-disabled', 'true');
      place.replaceChildren();
      try {
        outcome = (await act()) ?? true;
        dialog.close();
      } catch (error) {
        place.replaceChildren(problem(error));
      }
      isBusy = false;
      send.removeAttribute('aria-disabled');
    },
  }, rows, place, h('div', { class: 'dialog-buttons' }, cancel, send));
  const heading = h('h2', { id: `dialog-${Date.now()}` }, title);
  const dialog = h('dialog', {
    'aria-labelledby': heading.id,
    class: isWide ? 'wide' : '',
    onclose: () => {
      dialog.remove();
      resolve(outcome);
    },
  }, heading, lead && h('p', { class: 'lead' }, lead), form);
  document.body.append(dialog);
  dialog.showModal();
});

/** Asks before something ends. */
export const ask = (title, lead, label, act) => openForm({ title, lead, label, kind: 'danger', act });

/** Shows something to be read, once. */
export const openNote = (title, ...children) => new Promise((resolve) => {
  const heading = h('h2', { id: `dialog-${Date.now()}` }, title);
  const dialog = h('dialog', { 'aria-labelledby': heading.id, onclose: () => { dialog.remove(); resolve(); } },
    heading, children, h('div', { class: 'dialog-buttons' }, button(t.close, () => dialog.close(), 'main')));
  document.body.append(dialog);
  dialog.showModal();
});

// Whoever is back from there is on the same view, and repeats the change.
const proveThere = ({ label, href }) => {
  const here = encodeURIComponent(location.pathname + location.hash);
  return h('p', {}, h('a', { class: 'button', href: href + here }, t.proveAt(label)));
};

/** Asks for the password, or for proof at a provider, when a change is refused for want of recent proof. */
export const prepareProof = (me) => askWith(async () => {
  if (me.prove_at) {
    await openNote(t.confirmTitle, h('p', { class: 'lead' }, t.proveLead), proveThere(me.prove_at));
    return false;
  }
  if (!me.may_confirm) {
    await openNote(t.confirmTitle, h('p', { class: 'lead' }, t.confirmOnly));
    return false;
  }
  const [row, input] = field(t.password, text({ type: 'password', autocomplete: 'current-password', required: true }));
  // Password keepers look for a name beside the password.
  const name = h('input', { type: 'text', autocomplete: 'username', value: me.user.name, class: 'for-readers', tabindex: -1, 'aria-hidden': 'true' });
  const given = await openForm({
    title: t.confirmTitle, lead: t.confirmLead, rows: [name, row], label: t.confirm, act: () => confirm(input.value),
  });
  return given !== null;
});
