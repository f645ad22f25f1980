use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::merkle::{inclusion_proof, leaf_hash, root};
use crypto::{Envelope, EnvelopeError, PublicKey, SigningKey, canonical_json};
use rstest::rstest;
use serde_json::json;

use super::*;

fn address(text: &str) -> CollectionAddress {
    text.parse().unwrap()
}

fn operation(order: u64, collection: &str, outcome: Outcome, grade: MaskingGrade) -> CertifiedOperation {
    CertifiedOperation {
        order,
        connection: collection.split(':').next().unwrap().into(),
        collections: vec![address(collection)],
        reason: vec![Reason {
            rule: "erase".into(),
            category: "user.name".into(),
            fields: vec!["name".into()],
        }],
        rows: 1,
        outcome,
        grade: Some(grade),
        destinations: vec![],
    }
}

fn read(collection: &str, state: VerificationState) -> VerifiedRead {
    VerifiedRead {
        address: address(collection),
        state,
        evidence: Evidence::Reading,
        explanation: None,
        rows_before: 1,
        rows_left: 0,
        checked_at: "2026-05-02T10:00:00Z".parse().unwrap(),
    }
}

fn parts() -> CertificateParts {
    CertificateParts {
        run: "run_0197a6a0-0000-7000-8000-000000000000".parse().unwrap(),
        issued_at: "2026-05-02T10:00:01Z".parse().unwrap(),
        action: PlanAction::Erasure,
        plan_digest: PlanDigest::of(b"{}"),
        policy: "erase_customer".into(),
        policy_sha256: "policy".into(),
        subject: "keyed-hash".into(),
        operations: vec![
            operation(1, "shop:customers", Outcome::Masked, MaskingGrade::KeyedHash),
            operation(2, "segment:events", Outcome::Erased, MaskingGrade::Deleted),
        ],
        verification: CertifiedVerification {
            quiet_period_s: 60,
            reads: vec![
                read("shop:customers", VerificationState::Gone),
                read("segment:events", VerificationState::Gone),
            ],
        },
        not_covered: vec![],
    }
}

fn stays(outcome: Outcome) -> NotCovered {
    NotCovered {
        collection: address("shop:orders"),
        fields: vec!["total".into()],
        rows: 2,
        outcome,
        reason: "read_only".into(),
        explanation: "the dataset declares the field as `read_only`".into(),
    }
}

/// A proof of a log of three entries, of which the second is `entry`.
fn proof_of(entry: &str, key: &SigningKey) -> AuditProof {
    let leaves = [leaf_hash(b"first"), leaf_hash(entry.as_bytes()), leaf_hash(b"third")];
    let hashes =
        inclusion_proof(1, 3).into_iter().map(|range| STANDARD.encode(root(&leaves[range.as_usize()])));
    let checkpoint = json!({
        "format": "tutela.checkpoint/1",
        "size": 3,
        "root": STANDARD.encode(root(&leaves)),
        "made_at": "2026-05-02T10:00:02Z",
    });
    let checkpoint = Envelope::sign(store::CHECKPOINT_TYPE, &canonical_json(&checkpoint), key).to_bytes();
    AuditProof {
        entry: entry.to_owned(),
        number: 1,
        hashes: hashes.collect(),
        checkpoint: String::from_utf8(checkpoint).unwrap(),
    }
}

fn logged(certificate: Certificate, key: &SigningKey) -> Certificate {
    let entry = json!({"action": "certificate.issued", "details": certificate.log_details()});
    let entry = String::from_utf8(canonical_json(&entry)).unwrap();
    certificate.with_log(proof_of(&entry, key))
}

fn verified(file: &[u8], key: &SigningKey) -> Result<Certificate, CertificateError> {
    Certificate::verify(file, &[key.public()])
}

#[test]
fn a_signed_certificate_is_verified_with_the_public_key_alone() {
    let key = SigningKey::random();
    let certificate = logged(Certificate::new(parts()), &key);

    let file = certificate.sign(&key);

    let public: PublicKey = key.public().to_string().parse().unwrap();
    assert_eq!(Certificate::verify(&file, &[SigningKey::random().public(), public]).unwrap(), certificate);
}

#[test]
fn any_flipped_bit_of_the_file_is_noticed() {
    let key = SigningKey::random();
    let file = logged(Certificate::new(parts()), &key).sign(&key);

    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verified(&changed, &key).is_err(), "byte {at}");
    }
}

#[test]
fn a_file_with_more_or_less_bytes_is_refused() {
    let key = SigningKey::random();
    let file = logged(Certificate::new(parts()), &key).sign(&key);
    let spaced: Vec<u8> = [file.as_slice(), b"\n"].concat();

    assert!(matches!(verified(&spaced, &key), Err(CertificateError::Envelope(EnvelopeError::NotCanonical))));
    assert!(verified(&file[..file.len() - 1], &key).is_err());
    assert!(verified(b"", &key).is_err());
}

#[test]
fn without_a_trusted_key_nothing_is_believed() {
    let key = SigningKey::random();
    let file = logged(Certificate::new(parts()), &key).sign(&key);

    let none = Certificate::verify(&file, &[]).unwrap_err();
    let other = Certificate::verify(&file, &[SigningKey::random().public()]).unwrap_err();

    assert!(matches!(none, CertificateError::Envelope(EnvelopeError::NoKey)), "{none}");
    assert!(matches!(other, CertificateError::Envelope(EnvelopeError::NotSigned)), "{other}");
}

#[test]
fn a_signed_payload_in_another_form_is_refused() {
    let key = SigningKey::random();
    let certificate = logged(Certificate::new(parts()), &key);
    let pretty = serde_json::to_vec_pretty(&certificate).unwrap();
    let mut with_null: Value = serde_json::from_slice(&pretty).unwrap();
    with_null["operations"][0]["destinations"] = json!([]);
    let sign = |payload: &[u8]| Envelope::sign(CERTIFICATE_TYPE, payload, &key).to_bytes();

    assert!(matches!(verified(&sign(&pretty), &key), Err(CertificateError::NotCanonical)));
    assert!(matches!(
        verified(&sign(&canonical_json(&with_null)), &key),
        Err(CertificateError::NotCanonical)
    ));
    assert!(matches!(verified(&sign(b"{}"), &key), Err(CertificateError::NotACertificate)));
}

#[test]
fn a_conclusion_that_does_not_follow_is_refused_though_signed() {
    let key = SigningKey::random();
    let mut parts = parts();
    parts.operations[0].outcome = Outcome::Failed;
    let mut boast = Certificate::new(parts);
    boast.conclusion.proven = true;

    let file = logged(boast, &key).sign(&key);

    assert!(matches!(verified(&file, &key), Err(CertificateError::WrongConclusion)));
}

#[test]
fn the_log_must_hold_an_entry_that_names_the_certificate() {
    let key = SigningKey::random();
    let certificate = Certificate::new(parts());
    let mut later = parts();
    later.policy = "other".into();
    let of_another = logged(Certificate::new(later), &key).log.unwrap();
    let mut misplaced = logged(certificate.clone(), &key);
    misplaced.log.as_mut().unwrap().number = 2;
    let foreign = logged(certificate.clone(), &SigningKey::random());

    let missing = verified(&certificate.sign(&key), &key).unwrap_err();
    let other = verified(&certificate.clone().with_log(of_another).sign(&key), &key).unwrap_err();
    let wrong_place = verified(&misplaced.sign(&key), &key).unwrap_err();
    let wrong_key = verified(&foreign.sign(&key), &key).unwrap_err();

    assert!(matches!(missing, CertificateError::NotInLog), "{missing}");
    assert!(matches!(other, CertificateError::OtherLogEntry), "{other}");
    assert!(matches!(wrong_place, CertificateError::Log(_)), "{wrong_place}");
    assert!(matches!(wrong_key, CertificateError::Log(_)), "{wrong_key}");
}

#[test]
fn everything_settled_and_gone_is_proven_with_the_worst_grade() {
    let certificate = Certificate::new(parts());

    assert_eq!(
        certificate.conclusion,
        Conclusion {
            outcome: Some(Outcome::Masked),
            verification: Some(VerificationState::Gone),
            evidence: Some(Evidence::Reading),
            grade: Some(MaskingGrade::KeyedHash),
            proven: true,
        }
    );
}

#[test]
fn the_word_of_an_application_is_told_apart_from_reading_again() {
    let mut parts = parts();
    parts.verification.reads[1].evidence = Evidence::Application;

    let certificate = Certificate::new(parts);
    let html = certificate.to_html().unwrap();

    assert!(certificate.conclusion.proven);
    assert_eq!(certificate.conclusion.evidence, Some(Evidence::Application));
    assert!(html.contains("by the application&#x27;s word"), "{html}");
}

#[test]
fn what_is_only_not_found_any_more_is_told_apart_from_reading_again() {
    let mut parts = parts();
    parts.verification.reads[0].evidence = Evidence::Lookup;

    let certificate = Certificate::new(parts);
    let html = certificate.to_html().unwrap();

    assert!(certificate.conclusion.proven);
    assert_eq!(certificate.conclusion.evidence, Some(Evidence::Lookup));
    assert!(
        html.contains("gone, not found any more") && html.contains("does not find it any more"),
        "{html}"
    );
}

#[test]
fn what_a_complete_reading_did_not_find_is_no_obstacle() {
    let mut parts = parts();
    let stays = |reason: &str| NotCovered { rows: 0, reason: reason.into(), ..stays(Outcome::NotFound) };
    parts.not_covered = vec![stays("not_found"), stays("not_resolved")];

    assert!(Certificate::new(parts).conclusion.proven);
}

#[rstest]
#[case::failed(|parts: &mut CertificateParts| parts.operations[0].outcome = Outcome::Failed, Outcome::Failed)]
#[case::unknown(|parts: &mut CertificateParts| parts.operations[1].outcome = Outcome::Unknown, Outcome::Unknown)]
#[case::accepted(|parts: &mut CertificateParts| parts.operations[1].outcome = Outcome::Accepted, Outcome::Accepted)]
#[case::unsupported(|parts: &mut CertificateParts| parts.operations[1].outcome = Outcome::Unsupported, Outcome::Unsupported)]
#[case::not_covered(|parts: &mut CertificateParts| parts.not_covered.push(stays(Outcome::Unsupported)), Outcome::Unsupported)]
#[case::still_there(|parts: &mut CertificateParts| parts.verification.reads[0].state = VerificationState::StillPresent, Outcome::Masked)]
#[case::not_checked(|parts: &mut CertificateParts| parts.verification.reads[0].state = VerificationState::NotChecked, Outcome::Masked)]
#[case::not_read(|parts: &mut CertificateParts| { parts.verification.reads.pop(); }, Outcome::Masked)]
#[case::not_reached(|parts: &mut CertificateParts| parts.not_covered.push(NotCovered {
    rows: 0, reason: "not_reached".into(), ..stays(Outcome::NotFound) }), Outcome::Masked)]
#[case::found_after_all(|parts: &mut CertificateParts| parts.not_covered.push(NotCovered {
    rows: 1, reason: "not_found".into(), ..stays(Outcome::NotFound) }), Outcome::Masked)]
#[case::without_evidence(|parts: &mut CertificateParts| parts.verification.reads[0].evidence = Evidence::Nothing, Outcome::Masked)]
#[case::destination(|parts: &mut CertificateParts| parts.operations[1].destinations.push(CertifiedDestination {
    name: "Ads".into(), status: "NOT_SUPPORTED".into(), outcome: Outcome::Unsupported }), Outcome::Masked)]
fn anything_open_is_not_proven(#[case] change: fn(&mut CertificateParts), #[case] outcome: Outcome) {
    let mut parts = parts();
    change(&mut parts);

    let certificate = Certificate::new(parts);

    assert!(!certificate.conclusion.proven);
    assert_eq!(certificate.conclusion.outcome, Some(outcome));
}

#[test]
fn what_a_rule_excepts_is_an_exemption_and_no_obstacle() {
    let mut parts = parts();
    parts.not_covered = vec![stays(Outcome::Exempt), stays(Outcome::Suppressed)];

    let certificate = Certificate::new(parts);

    assert_eq!((certificate.exemptions.len(), certificate.not_covered.len()), (2, 0));
    assert_eq!(certificate.conclusion.outcome, Some(Outcome::Exempt));
    assert!(certificate.conclusion.proven);
}

#[test]
fn the_page_says_what_is_proven_and_escapes_what_it_shows() {
    let mut open = parts();
    open.operations[1].outcome = Outcome::Failed;
    open.operations[1].destinations = vec![CertifiedDestination {
        name: "<b>Ads</b>".into(),
        status: "NOT_SUPPORTED".into(),
        outcome: Outcome::Unsupported,
    }];
    open.not_covered = vec![stays(Outcome::Unsupported)];

    let good = logged(Certificate::new(parts()), &SigningKey::random()).to_html().unwrap();
    let bad = Certificate::new(open).to_html().unwrap();

    assert!(good.contains("<strong>Proven.</strong>") && good.contains("keyed hash"));
    assert!(good.contains("entry 1 of the audit log") && !good.contains("What is not covered"));
    assert!(bad.contains("Not everything is proven") && !bad.contains("<b>Ads"));
    assert!(bad.contains("&lt;b&gt;Ads&lt;"), "{bad}");
    assert!(bad.contains("shop:orders</strong> (total), unsupported"));
    for page in [good, bad] {
        assert!(!page.contains("://") && !page.contains("<script"), "it loads nothing");
    }
}
