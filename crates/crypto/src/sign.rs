use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroize;

/// Signs `message` with RSA PKCS#1 v1.5 and SHA-256, the `RS256` of JSON web tokens.
///
/// `pem` is a private key in PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`) form.
///
/// # Errors
/// [`SignError`] names what is wrong with the key and never shows any of it.
pub fn sign_rs256(pem: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let key = read_key(pem)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| SignError::NotUsable)?;
    Ok(signature)
}

/// Kinds of PEM blocks that people give in the place of an RSA key. Any other text after `BEGIN` is
/// not shown: it may be part of a key.
const OTHER_KINDS: [&str; 7] = [
    "CERTIFICATE",
    "DSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
];

fn read_key(pem: &str) -> Result<RsaKeyPair, SignError> {
    let mut label = None;
    // Large enough from the start: growing would leave copies of the key behind.
    let mut body = String::with_capacity(pem.len());
    for line in pem.lines().map(str::trim) {
        match line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            // Without its line breaks, this line holds the key itself.
            Some(found) if found.contains("-----") => return Err(SignError::NotPem),
            Some(found) => label = Some(found),
            None if line.starts_with("-----END ") => break,
            None if label.is_some() => body.push_str(line),
            None => {}
        }
    }
    let label = label.ok_or(SignError::NotPem)?;
    let decoded = STANDARD.decode(&body);
    body.zeroize();
    let mut der = decoded.map_err(|_| SignError::NotPem)?;
    let key = match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        _ => {
            der.zeroize();
            return Err(OTHER_KINDS
                .iter()
                .find(|kind| **kind == label)
                .map_or(SignError::NotPem, |label| SignError::NotRsa { label }));
        }
    };
    der.zeroize();
    key.map_err(|_| SignError::NotUsable)
}

/// A private key that cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// No PEM block, or one that is cut.
    #[error(
        "the private key is not PEM text; it must start with `-----BEGIN PRIVATE KEY-----` on a line of its own"
    )]
    NotPem,
    /// A PEM block of another kind.
    #[error("the private key is a `{label}`; an RSA key in PKCS#8 or PKCS#1 form is needed")]
    NotRsa {
        /// What stands after `BEGIN`, one of the names that are in use.
        label: &'static str,
    },
    /// Decodes, but is no RSA key of a supported size.
    #[error("the private key cannot be used; it must be an unencrypted RSA key of at least 2048 bits")]
    NotUsable,
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    #[test]
    fn signature_verifies_with_the_public_key_and_fails_for_another_message() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();

        let signature = sign_rs256(&pem("PRIVATE KEY", der.as_ref()), b"header.claims").unwrap();

        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        assert!(public.verify(b"header.claims", &signature).is_ok());
        assert!(public.verify(b"header.claimz", &signature).is_err());
    }

    #[test]
    fn wrong_keys_are_told_apart() {
        assert_eq!(sign_rs256("hello", b""), Err(SignError::NotPem));
        assert_eq!(sign_rs256(&pem("PRIVATE KEY", b"junk"), b""), Err(SignError::NotUsable));
        assert_eq!(
            sign_rs256(&pem("EC PRIVATE KEY", b"junk"), b""),
            Err(SignError::NotRsa { label: "EC PRIVATE KEY" })
        );
    }

    #[test]
    fn no_error_shows_part_of_a_key() {
        let one_line = "-----BEGIN PRIVATE KEY----- canary -----END PRIVATE KEY-----";
        let split = "-----BEGIN canary-----\nAAAA\n-----END canary-----\n";
        for text in [one_line, split, "canary", "-----BEGIN PRIVATE KEY-----\ncanary"] {
            let error = sign_rs256(text, b"").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }
}
