// Who may embed us, where redirects go, whether keys mint tokens: as configured, as saved, as in force.

import { get, post, put } from './api.js';
import { ask } from './dialog.js';
import { area, badge, button, card, facts, field, h, head, lines, problem, say, table, text } from './ui.js';
import { t } from './words.js';

const listed = (entries) => (entries.length ? h('ul', { class: 'chips' }, entries.map((entry) => h('li', {}, entry))) : h('p', { class: 'hint' }, t.none));

const origins = (security, again) => {
  const { configured, saved } = security;
  const [embedRow, embed] = field(t.embedOrigins, area({ value: saved.embed_origins.join('\n') }), t.embedOriginsHint);
  const [frameRow, frame] = field(t.frameOrigins, area({ rows: 2, value: saved.frame_origins.join('\n') }), t.frameOriginsHint);
  const [redirectRow, redirect] = field(t.redirectHosts, area({ rows: 2, value: saved.redirect_hosts.join('\n') }), t.redirectHostsHint);
  const place = h('div');
  const form = h('form', {
    class: 'plain-form',
    onsubmit: async (event) => {
      event.preventDefault();
      place.replaceChildren();
      try {
        await put('/security', { embed_origins: lines(embed), frame_origins: lines(frame), redirect_hosts: lines(redirect) });
        await again();
        say(t.securitySaved);
      } catch (error) {
        place.replaceChildren(problem(error));
      }
    },
  }, embedRow, frameRow, redirectRow, place, h('div', { class: 'panel-buttons' }, h('button', { type: 'submit', class: 'small main' }, t.save)));
  return [
    card(t.configured, facts([[t.ownOrigins, listed(configured.own_origins)], [t.embedOrigins, listed(configured.embed_origins)]])),
    card(t.saved, h('p', { class: 'hint' }, t.savedAdds), form),
  ];
};

const checker = () => {
  const [row, input] = field(t.target, text({ inputmode: 'url', required: true, placeholder: 'https://app.example.com/#/home' }));
  const place = h('div', { role: 'status' });
  return card(t.checker, h('form', {
    class: 'filters',
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        const found = await post('/redirect/check', { target: input.value });
        const parts = Object.entries(t.parts).filter(([name]) => found[name] !== null).map(([name, title]) => [title, String(found[name])]);
        place.replaceChildren(
          h('p', { class: 'verdict' }, badge(found.is_allowed ? t.allowed : t.refused, found.is_allowed ? 'good' : 'bad'), ' ', found.verdict),
          facts(parts),
        );
      } catch (error) {
        place.replaceChildren(problem(error));
      }
    },
  }, row, h('button', { type: 'submit', class: 'small' }, t.check)), place);
};

const trusted = (security, orgs, again) => {
  const { is_on: isOn, is_in_force: isInForce, orgs_off: orgsOff } = security.trusted;
  const turn = async (body, words) => {
    await put('/trusted', body);
    await again();
    say(words);
  };
  const change = isOn
    ? button(t.switchOff, () => ask(t.switchOffTitle, t.switchOffLead, t.switchOff, () => turn({ is_on: false }, t.switched)), 'danger')
    : button(t.switchOn, () => turn({ is_on: true }, t.switched).catch((error) => say(error.message)), 'main');
  const orgName = (id) => orgs.find((org) => org.id === id)?.name ?? String(id);
  const off = orgsOff.map((id) => h('li', {}, orgName(id), ' ',
    button(t.switchOn, () => turn({ org: String(id), is_on: true }, t.switched).catch((error) => say(error.message)), '', { 'aria-label': `${t.switchOn}: ${orgName(id)}` })));
  return card(t.trusted,
    h('p', { class: 'verdict' }, badge(isInForce ? t.active : t.disabled, isInForce ? 'good' : 'bad'), ' ', isOn ? t.trustedOn : t.trustedOff),
    !security.configured.is_trusted_enabled && h('p', { class: 'status' }, t.trustedSettings),
    off.length > 0 && h('div', {}, h('p', { class: 'hint' }, t.orgsOff), h('ul', { class: 'plain' }, off)),
    h('div', { class: 'panel-buttons' }, change));
};

export const showSecurity = async (view, { again }) => {
  const [security, { orgs }] = await Promise.all([get('/security'), get('/orgs')]);
  view.append(
    head(t.security, t.securityLead),
    h('div', { class: 'columns' },
      h('div', { class: 'stack' }, ...origins(security, again)),
      h('div', { class: 'stack' }, trusted(security, orgs, again), checker(),
        card(t.rulesInForce, table(t.rulesInForce, [[t.rule, (rule) => rule.origin], [t.source, (rule) => rule.source]], security.in_force.redirects, t.none)))),
  );
};
