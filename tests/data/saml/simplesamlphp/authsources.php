<?php
// Who can sign in there.
$lena = [
    'uid' => ['lena'],
    'mail' => ['lena@example.org'],
    'displayName' => ['Lena Öztürk & Söhne <BI>'],
    'groups' => ['analysts', 'staff'],
];
$config = [
    'people' => [
        'exampleauth:UserPass',
        'lena:p1anted-lena-word' => $lena,
    ],
];
