<?php
// Who can sign in there.
$config = [
    'people' => [
        'exampleauth:UserPass',
        'lena:p1anted-lena-word' => [
            'uid' => ['lena'],
            'mail' => ['lena@example.org'],
            'displayName' => ['Lena Öztürk & Söhne <BI>'],
            'groups' => ['analysts', 'staff'],
        ],
    ],
];
