// The settings in force and where each came from; they are changed in the settings file, not here.

import { get } from './api.js';
import { card, field, h, head, table, text } from './ui.js';
import { t } from './words.js';

export const showSettings = async (view) => {
  const { settings } = await get('/settings');
  const place = h('div', { role: 'status' });
  const draw = (word) => {
    const found = settings.filter(({ key, value }) => `${key} ${value}`.toLowerCase().includes(word.toLowerCase()));
    place.replaceChildren(table(t.settings, [
      [t.setting, (one) => h('code', {}, one.key)],
      [t.value, (one) => one.value],
      [t.origin, (one) => one.origin],
    ], found, t.none));
  };
  const [row, input] = field(t.find, text({ type: 'search', oninput: () => draw(input.value) }));
  draw('');
  view.append(head(t.settings, t.settingsLead), card(t.settingsInForce, row, place));
};
