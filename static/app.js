// Entry of the app shell: fills in the words and picks the mode (a sign-on popup, a frame, a window of its own).

import { runAlone } from './alone.js';
import { fillWords } from './dom.js';
import { runFramed } from './framed.js';
import { isFramed } from './host.js';
import { text } from './strings.js';
import { show } from './view.js';

fillWords(text);

const isSignOnPopup = () => location.hash.startsWith('#/embed/saml-complete');

if (isSignOnPopup()) {
  // Carries no token, so any opener may hear it; the SDK closes this window in answer.
  window.opener?.postMessage({ type: 'samlComplete' }, '*');
  show('closable', text.titleClosable, true);
} else if (isFramed) {
  runFramed();
} else {
  runAlone();
}
