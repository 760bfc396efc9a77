//! Thousands of answers, each bent at random places: none is believed, none does harm.
//!
//! The same seed bends the same way every time, so what fails once fails again.

use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::sso::{Answer, AssertionFault, IdentityProvider, LogoutNotice};

const ROUNDS: usize = 6_000;

/// Marsaglia's xorshift: for choosing places, not for secrets.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// Pieces that mean something to somebody.
const PIECES: [&str; 18] = [
    "<",
    ">",
    "\"",
    "'",
    "&",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x ?>",
    "&#0;",
    "&lt;",
    "<saml:Assertion ",
    "</saml:Assertion>",
    "<ds:Signature/>",
    " ID=\"_assertion\"",
    "\u{0}",
    "é",
];

fn bend(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(bytes.len());
        match dice.roll(6) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => {
                bytes.remove(at);
            }
            2 => {
                let piece = PIECES[dice.roll(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
            3 => {
                let to = (at + dice.roll(400)).min(bytes.len());
                let cut: Vec<u8> = bytes.drain(at..to).collect();
                let there = dice.roll(bytes.len());
                bytes.splice(there..there, cut);
            }
            4 => {
                let to = (at + dice.roll(400)).min(bytes.len());
                let copy = bytes[at..to].to_vec();
                let there = dice.roll(bytes.len());
                bytes.splice(there..there, copy);
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

#[tokio::test]
async fn no_bent_answer_is_believed() {
    let stage = Stage::set();
    let plain = stage.answer(&Says::default());
    let both = stage.answer(&Says {
        response_signature: Some(Signature {
            key_info: "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>".into(),
            ..Signature::default()
        }),
        ..Says::default()
    });
    let mut dice = Dice(0x5eed_0001);
    let expected = stage.finish(&plain).await.unwrap();
    let (begun, now) = (begun(), Timestamp::from_millis(NOW));
    let mut harmless = 0;
    for round in 0..ROUNDS {
        let original = if round % 2 == 0 { &plain } else { &both };
        let bytes = bend(original, &mut dice);
        let answer = Answer::Saml(STANDARD.encode(&bytes));
        let found = stage
            .provider
            .finish(&answer, Some(&begun), CALLBACK, now)
            .await;
        if let Ok(found) = found {
            // The envelope of an answer whose assertion alone is signed is anybody's to write, and XML can be spelled in
            // several ways. What is believed is to the letter what was signed.
            assert_eq!(found, expected, "round {round}");
            harmless += 1;
        }
    }
    assert!(harmless < ROUNDS / 10, "{harmless} of {ROUNDS} believed");
}

#[tokio::test]
async fn no_bytes_do_harm() {
    let stage = Stage::with(with_own_key);
    let mut dice = Dice(0x5eed_0002);
    let (begun, now) = (begun(), Timestamp::from_millis(NOW));
    let seeds = [
        stage.answer(&Says::default()),
        "SAMLRequest=fZFBa4Mw&RelayState=x&SigAlg=y&Signature=z".to_owned(),
        "<a xmlns='b'><c d=\"e\"/></a>".to_owned(),
    ];
    for round in 0..ROUNDS {
        let bytes = bend(&seeds[round % seeds.len()], &mut dice);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for encoded in [STANDARD.encode(&bytes), text.clone()] {
            let answer = Answer::Saml(encoded.clone());
            let _ = stage
                .provider
                .finish(&answer, Some(&begun), CALLBACK, now)
                .await;
            for notice in [
                LogoutNotice::SamlRedirect(text.clone()),
                LogoutNotice::SamlPost {
                    message: encoded,
                    is_request: round % 2 == 0,
                    relay_state: None,
                },
            ] {
                let found = stage.provider.read_logout(&notice, CALLBACK, now).await;
                assert!(found.is_err(), "round {round}");
            }
        }
    }
}

#[tokio::test]
async fn the_seeds_of_the_fuzz_target_are_read_to_their_end() {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let mut stage = Stage::with(with_own_key);
    stage.settings.metadata_file = Some(fuzz.join("saml_response.xml"));
    stage.provider = open(&stage.settings, &stage.clock).unwrap();
    let seed = std::fs::read_to_string(fuzz.join("seeds/saml_response/signed.xml")).unwrap();
    let found = stage.finish(&seed).await.unwrap();
    assert_eq!(
        (found.subject.as_str(), found.id.as_str()),
        ("lena", "_assertion")
    );
    assert_eq!(found.attributes["groups"], ["analysts", "staff"]);
    // Sealed to nobody's key: every method in it is understood, and the key opens nothing.
    let seed = std::fs::read_to_string(fuzz.join("seeds/saml_response/encrypted.xml")).unwrap();
    assert_eq!(stage.fault(&seed).await, AssertionFault::Undecryptable);
}
