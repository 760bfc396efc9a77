<?php
// The provider itself.
$metadata[getenv('IDP_BASE') . '/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
    'sign.logout' => true,
    'validate.logout' => true,
    'redirect.sign' => true,
    'redirect.validate' => true,
];
