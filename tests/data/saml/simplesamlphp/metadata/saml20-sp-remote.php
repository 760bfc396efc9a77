<?php
// Us, as the test says we are.
$own = getenv('SP_CERT');
$metadata[getenv('SP_ENTITY')] = [
    'AssertionConsumerService' => explode(',', getenv('SP_CALLBACKS')),
    'SingleLogoutService' => getenv('SP_LOGOUT'),
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
    'simplesaml.nameidattribute' => 'uid',
    'certData' => preg_replace('/-----[A-Z ]+-----|\s/', '', file_get_contents($own)),
    'validate.authnrequest' => true,
    'saml20.sign.response' => getenv('SP_RESPONSE_SIGNED') === 'yes',
    'assertion.encryption' => getenv('SP_ENCRYPTION') === 'yes',
];
