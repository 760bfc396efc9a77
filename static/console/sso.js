// Identity providers: how each fares, and whom one of them would sign in here.

import { get, part, post } from './api.js';
import { area, badge, card, facts, field, h, head, problem, select, table } from './ui.js';
import { t } from './words.js';

const states = (list) => table(t.providers, [
  [t.provider, (one) => one.label || one.name],
  [t.protocol, (one) => one.protocol.toUpperCase()],
  [t.status, (one) => badge(one.is_ready ? t.ready : t.notReady, one.is_ready ? 'good' : 'bad')],
  [t.detail, (one) => h('ul', { class: 'plain small-print' }, h('li', {}, one.issuer), one.details.map((line) => h('li', {}, line)))],
], list, '');

const joined = (list) => list.join(', ') || t.none;

const someone = (found) => {
  if (found.user) return h('a', { href: `#/users/${part(found.user.id)}` }, t.isUser(found.user.name));
  return found.creates_users ? t.becomesUser : t.staysUnknown;
};

const outcome = (found) => {
  const { refused } = found;
  const why = refused && (t.refusals[refused.why] ?? refused.why.replaceAll('_', ' '));
  const verdict = h('p', { class: 'verdict' }, badge(refused ? t.wouldRefuse : t.wouldSignIn, refused ? 'bad' : 'good'), ' ', refused ? why : found.username);
  if (found.username === undefined) return [verdict, refused.detail && h('p', { class: 'hint' }, refused.detail)];
  return [verdict, facts([
    [t.userName, found.username],
    [t.here, someone(found)],
    [t.displayName, found.display_name ?? t.none],
    [t.email, found.email ?? t.none],
    [t.orgsAfter, joined(found.orgs.map((org) => org.name))],
    [t.groupsMapped, joined(found.groups)],
    found.held_groups.length ? [t.groupsHeld, joined(found.held_groups)] : null,
    found.unknown_orgs.length ? [t.orgsOfNoRule, joined(found.unknown_orgs)] : null,
  ].filter(Boolean))];
};

const trial = (list) => {
  const [providerRow, provider] = field(t.provider, select(list.map((one) => [one.name, one.label || one.name]), list[0].name));
  const kinds = [['claims', t.claims], ['response', t.response]];
  const [kindRow, kind] = field(t.what, select(kinds, 'claims'), t.whatHint);
  const [saidRow, said] = field(t.pasted, area({ rows: 8, required: true, placeholder: '{"sub": "00u1", "preferred_username": "alice", "groups": ["analysts"]}' }), t.pastedHint);
  const place = h('div', { role: 'status' });
  const isSaml = () => list.find((one) => one.name === provider.value).protocol === 'saml';
  const offer = () => {
    kindRow.hidden = !isSaml();
    if (!isSaml()) kind.value = 'claims';
  };
  provider.addEventListener('change', offer);
  offer();
  return card(t.trial, h('p', { class: 'hint' }, t.trialLead), h('form', {
    class: 'plain-form',
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        const found = await post(`/providers/${part(provider.value)}/trial`, { [kind.value]: said.value });
        place.replaceChildren(...outcome(found).filter(Boolean));
      } catch (error) {
        place.replaceChildren(problem(error));
      }
    },
  }, h('div', { class: 'pair' }, providerRow, kindRow), saidRow, h('div', { class: 'panel-buttons' }, h('button', { type: 'submit', class: 'small main' }, t.tryOut))), place);
};

export const showSso = async (view) => {
  const place = h('div', { class: 'stack' }, h('p', { class: 'hint' }, t.asking));
  view.append(head(t.providers, t.ssoLead), place);
  // Asked apart from the page: a provider that is away takes its time to be so.
  get('/providers').then(({ providers: list }) => place.replaceChildren(...(list.length
    ? [h('div', { class: 'panel flush' }, states(list)), trial(list)]
    : [card('', h('p', { class: 'empty' }, t.providersNone))]))).catch((error) => place.replaceChildren(problem(error)));
};
