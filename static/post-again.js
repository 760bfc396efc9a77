// Posts the form by itself; without scripts there is a button.

document.getElementById('again').submit();
