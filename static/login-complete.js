// Tells the window that opened this one that somebody is signed in, if it is of the origin the server has checked.

const { origin } = document.getElementById('opener').dataset;

if (origin && window.opener) {
  // Carries no token: the page that opened us asks for it with the cookies it may have.
  window.opener.postMessage({ type: 'loginComplete', result: 'success' }, origin);
  window.close();
}
