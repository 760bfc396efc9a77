// The sign-in form, for a window of its own and for a frame that may offer one.

import { byId } from './dom.js';
import { logIn, logOut } from './session.js';
import { text } from './strings.js';

const form = byId('sign-in');
const button = byId('submit');
const error = byId('error');
const password = byId('password');

let waiting = null;
let isBusy = false;

// `aria-disabled` rather than `disabled`: focus stays where the person left it.
const rest = (label) => {
  button.textContent = label;
  button.setAttribute('aria-disabled', 'true');
};

const ready = () => {
  clearInterval(waiting);
  waiting = null;
  button.textContent = text.signIn;
  button.removeAttribute('aria-disabled');
};

/** Counts the wait down on the button; the alert says it once, so that a screen reader is not flooded. */
const waitFor = (seconds) => {
  const until = performance.now() + seconds * 1000;
  const tick = () => {
    const left = (until - performance.now()) / 1000;
    if (left > 0) {
      rest(text.waitToSignIn(left));
      return;
    }
    ready();
    error.textContent = '';
  };
  clearInterval(waiting);
  waiting = setInterval(tick, 500);
  tick();
};

const complain = (message, isAboutFields = false) => {
  error.textContent = message;
  for (const field of [byId('username'), password]) {
    if (isAboutFields) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }
};

/** Says that the password was right and the session still did not last. */
export const complainOfCookies = () => complain(text.cookieNotKept);

const judge = ({ status, retryAfter }) => {
  switch (status) {
    case 400: complain(text.incomplete, true); break;
    case 401:
      complain(text.wrongCredentials, true);
      password.focus();
      password.select();
      break;
    case 403: complain(text.refusedHere); break;
    case 429:
      complain(text.tooManyAttempts(retryAfter ?? 30));
      waitFor(retryAfter ?? 30);
      break;
    case 503: complain(text.storeAway); break;
    case 0: complain(text.offline); break;
    default: complain(text.unexpected(status));
  }
};

/** Makes the form work; `onSuccess` runs after a right password, and decides what is shown next. */
export const prepareSignIn = (onSuccess) => {
  const reveal = byId('reveal');
  const setRevealed = (isRevealed) => {
    password.type = isRevealed ? 'text' : 'password';
    reveal.textContent = isRevealed ? text.hide : text.show;
    reveal.setAttribute('aria-label', isRevealed ? text.hidePassword : text.showPassword);
  };
  reveal.hidden = false;
  setRevealed(false);
  reveal.addEventListener('click', () => setRevealed(password.type === 'password'));

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isBusy || waiting) return;
    isBusy = true;
    complain('');
    setRevealed(false);
    rest(text.signingIn);
    const answer = await logIn(new FormData(form));
    isBusy = false;
    ready();
    if (answer.status >= 200 && answer.status < 300) {
      form.reset();
      await onSuccess();
    } else {
      judge(answer);
    }
  });
};

/** Empties the form of what an earlier attempt left. */
export const clearSignIn = () => {
  form.reset();
  complain('');
};

/** Ends the session; true when nobody is signed in afterwards (401 says it was over already). */
export const signOut = async () => {
  const { status } = await logOut();
  return status === 401 || (status >= 200 && status < 300);
};
