// The few ways in which the pages touch their markup, and their alarm clock.

export const byId = (id) => document.getElementById(id);

/** Fills every `data-text` element from a table of words. */
export const fillWords = (words) => {
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
};

/** Makes an element with text; what users or servers say only ever becomes text, never markup. */
export const make = (tag, content = '', className = '') => {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
};

// Beyond 24 days a timer fires at once, and remembered sessions live for weeks.
const LONGEST_TIMER = 86_400_000;

/** One pending act at a time: `set` replaces the one before. */
export const makeAlarm = () => {
  let timer = null;
  const clear = () => clearTimeout(timer);
  const set = (act, milliseconds) => {
    clear();
    timer = milliseconds > LONGEST_TIMER
      ? setTimeout(set, LONGEST_TIMER, act, milliseconds - LONGEST_TIMER)
      : setTimeout(act, Math.max(milliseconds, 0));
  };
  return { set, clear };
};
