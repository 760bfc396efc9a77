//! Records read back, older ones are read, later ones and damage are told apart.

use super::*;
use crate::domain::session::SessionHandle;
use crate::domain::sso::{NameForm, ProviderLink};
use crate::domain::token::{Attributes, Family, Filter, Lineage, MetadataRef, NamedValues, Sort};
use proptest::prelude::*;

fn session() -> Session {
    Session {
        user_id: UserId(Uuid::from_u128(7)),
        user_name: "alice".to_owned(),
        org: OrgId(-3),
        method: Method::TrustedToken,
        key: Some(KeyId(Uuid::from_u128(9))),
        access: Access::Object(Uuid::from_u128(8)),
        attributes: Attributes {
            filters: vec![Filter {
                column: "region".to_owned(),
                operator: "IN".to_owned(),
                values: vec!["a\0\"".to_owned(), "é".to_owned()],
            }],
            sorts: vec![Sort {
                column: "c".to_owned(),
                is_ascending: false,
            }],
            parameters: vec![NamedValues {
                name: "p".to_owned(),
                values: vec!["1".to_owned()],
            }],
            variables: vec![NamedValues {
                name: "v".to_owned(),
                values: vec![],
            }],
            objects: vec![MetadataRef {
                kind: "LIVEBOARD".to_owned(),
                id: Uuid::from_u128(1),
            }],
        },
        opened_at: Timestamp::from_millis(5),
        last_seen_at: Timestamp::from_millis(6),
        lifetime: Lifetime {
            idle: Duration::from_secs(1),
            absolute: Duration::from_secs(2),
        },
        is_remembered: true,
        address: "::1".to_owned(),
        agent: "curl".to_owned(),
        notes: SessionNotes {
            working_set: Some(0),
            max_search: None,
            shares: Some(session_id()),
            provider: Some(ProviderLink {
                provider: "corp".to_owned(),
                subject: "u-1".to_owned(),
                form: NameForm {
                    format: Some("f".to_owned()),
                    qualifier: None,
                    sp_qualifier: Some("us".to_owned()),
                },
                session_index: Some("s-1".to_owned()),
                is_proven: true,
            }),
            origin: Some(SessionHandle::of(&session_id())),
            orgs: vec![OrgId(7), OrgId(8)],
        },
    }
}

fn session_id() -> SessionId {
    SessionId::parse(&"A".repeat(51)).unwrap()
}

fn tag() -> UserTag {
    UserTag::of(session().user_id, b"key")
}

#[test]
fn a_session_reads_back_as_it_was_written() {
    let bytes = encode_session(&session(), tag()).unwrap();
    let read = decode_tagged_session(&bytes).unwrap();
    assert_eq!(read, (session(), Some(tag())));
}

#[test]
fn a_token_reads_back_as_it_was_written() {
    let whole = session();
    let record = TokenRecord {
        user_id: whole.user_id,
        user_tag: UserTag::of(whole.user_id, b"key"),
        user_name: whole.user_name,
        minted_for: "Alice".to_owned(),
        org: whole.org,
        purpose: Purpose::Refresh,
        session: None,
        is_bound: true,
        access: whole.access,
        attributes: whole.attributes,
        key: None,
        minted_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(2),
        lineage: Some(Box::new(Lineage {
            created_at: Timestamp::from_millis(3),
            ends_at: Timestamp::from_millis(4),
            origin: whole.notes.origin,
            root: Some(Family::from_number(u64::MAX)),
            provider: whole.notes.provider,
            is_by_bearer: true,
        })),
    };
    let bytes = encode_token(&record).unwrap();
    assert_eq!(decode_token(&bytes).unwrap(), record);
    let identity = TokenRecord {
        purpose: Purpose::Identity,
        session: Some(session_id()),
        lineage: None,
        ..record
    };
    let bytes = encode_token(&identity).unwrap();
    assert_eq!(decode_token(&bytes).unwrap(), identity);
}

#[test]
fn what_version_one_wrote_stays_readable() {
    let kept = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","n":"al","o":0,"m":"password","b":1,"t":2,"i":3,"a":4,"r":false,"ip":"","ag":""}"#;
    let (session, tag) = decode_tagged_session(kept).unwrap();
    assert_eq!(session.user_name, "al");
    assert_eq!(tag, None, "it had none then");
    assert_eq!(session.access, Access::Full);
    assert!(session.attributes.is_empty());
}

#[test]
fn of_a_providers_session_without_a_word_about_proof_nothing_is_proven() {
    let kept = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","n":"al","o":0,"m":"saml","b":1,"t":2,"i":3,"a":4,"r":false,"ip":"","ag":"","no":{"p":["corp","u-1",null]}}"#;
    let link = decode_session(kept).unwrap().notes.provider.unwrap();
    assert_eq!((link.provider.as_str(), link.is_proven), ("corp", false));
}

#[test]
fn case_60_what_a_token_inherits_is_read_as_it_was_first_written() {
    let kept = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","g":"AAAAAAAA","n":"al","f":"al","o":0,"b":1,"e":9,"l":{"c":2,"e":9,"s":"000000000000-0011223344556677","p":["corp","u-1","s-1"],"pp":true,"pn":["f",null,"us"],"b":true}}"#;
    let lineage = decode_token(kept).unwrap().lineage.unwrap();
    let moments = (lineage.created_at.millis(), lineage.ends_at.millis());
    assert_eq!((moments, lineage.is_by_bearer), ((2, 9), true));
    let origin = lineage.origin.unwrap().to_string();
    assert_eq!(origin, "000000000000-0011223344556677");
    let link = lineage.provider.unwrap();
    assert_eq!((link.subject.as_str(), link.is_proven), ("u-1", true));
    // Before that there was none, and what such a token opens has a whole life.
    let before = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","g":"AAAAAAAA","n":"al","f":"al","o":0,"b":1,"e":9}"#;
    let record = decode_token(before).unwrap();
    assert_eq!(record.created_at().millis(), 1);
    assert_eq!(record.lineage, None);
    let opened = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","n":"al","o":0,"m":"trusted_token","b":1,"t":2,"i":3,"a":4,"r":false,"ip":"","ag":"","no":{"or":"000000000000-0011223344556677"}}"#;
    let origin = decode_session(opened).unwrap().notes.origin.unwrap();
    assert_eq!(origin.to_string(), "000000000000-0011223344556677");
    let damaged = br#"{"v":1,"u":"00000000-0000-0000-0000-000000000007","g":"AAAAAAAA","n":"al","f":"al","o":0,"b":1,"e":9,"l":{"c":2,"e":9,"s":"x"}}"#;
    assert!(matches!(decode_token(damaged), Err(StoreError::Corrupt(_))));
}

#[test]
fn case_60_a_later_version_says_so_whatever_its_shape() {
    for later in [&br#"{"v":2}"#[..], br#"{"v":2,"u":[],"new":{}}"#] {
        let error = decode_session(later).unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt(_)), "{error}");
        let StoreError::Corrupt(cause) = error else {
            return;
        };
        assert!(format!("{cause:#}").contains("version 2"), "{cause:#}");
        assert!(is_of_later_version(later));
    }
}

#[test]
fn what_is_of_this_version_or_none_is_not_taken_for_a_later_one() {
    for other in [
        &br#"{"v":1}"#[..],
        br#"{"v":0}"#,
        br#"{"v":"2"}"#,
        b"\x00\xff",
        b"",
    ] {
        assert!(!is_of_later_version(other));
    }
}

#[test]
fn case_56_a_damaged_record_is_not_quoted() {
    let error = decode_session(br#"{"v":1,"u":"planted secret"}"#).unwrap_err();
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..400) {
        prop_assert!(decode_session(&bytes).is_err());
        prop_assert!(decode_token(&bytes).is_err());
        let whole = encode_session(&session(), tag()).unwrap();
        let cut = cut.min(whole.len() - 1);
        prop_assert!(decode_session(&whole[..cut]).is_err());
    }
}
