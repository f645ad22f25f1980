use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// A public key that a provider of accounts shows (RFC 7517), to check its statements with.
#[derive(Debug, Clone, Deserialize)]
pub struct WebKey {
    kty: String,
    /// Its name, which a statement gives.
    pub kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl WebKey {
    /// Whether `signature` over `message` is of this key and of the kind that `algorithm` names.
    ///
    /// Kinds without a key of their own (`none`, the `HS` family) are never right: with those, whoever
    /// knows the public key could sign.
    pub fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig")
            || self.alg.as_deref().is_some_and(|own| own != algorithm)
        {
            return false;
        }
        let verified = match algorithm {
            "RS256" => self.rsa(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            "RS384" => self.rsa(&RSA_PKCS1_2048_8192_SHA384, message, signature),
            "RS512" => self.rsa(&RSA_PKCS1_2048_8192_SHA512, message, signature),
            "PS256" => self.rsa(&RSA_PSS_2048_8192_SHA256, message, signature),
            "ES256" => self.curve("P-256", &ECDSA_P256_SHA256_FIXED, (message, signature)),
            "ES384" => self.curve("P-384", &ECDSA_P384_SHA384_FIXED, (message, signature)),
            "EdDSA" | "Ed25519" => self.edwards(message, signature),
            _ => None,
        };
        verified.is_some()
    }

    fn rsa(&self, parameters: &'static RsaParameters, message: &[u8], signature: &[u8]) -> Option<()> {
        let key = RsaPublicKeyComponents { n: bytes(self.n.as_ref())?, e: bytes(self.e.as_ref())? };
        (self.kty == "RSA").then_some(())?;
        key.verify(parameters, message, signature).ok()
    }

    fn curve(
        &self,
        name: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        (message, signature): (&[u8], &[u8]),
    ) -> Option<()> {
        (self.kty == "EC" && self.crv.as_deref() == Some(name)).then_some(())?;
        // The uncompressed form: both coordinates in full length.
        let point = [vec![4], bytes(self.x.as_ref())?, bytes(self.y.as_ref())?].concat();
        UnparsedPublicKey::new(algorithm, point).verify(message, signature).ok()
    }

    fn edwards(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        (self.kty == "OKP" && self.crv.as_deref() == Some("Ed25519")).then_some(())?;
        UnparsedPublicKey::new(&ED25519, bytes(self.x.as_ref())?).verify(message, signature).ok()
    }
}

fn bytes(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    };
    use serde_json::{Value, json};

    use super::*;

    const MESSAGE: &[u8] = b"header.claims";

    fn text(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn key(value: Value) -> WebKey {
        serde_json::from_value(value).unwrap()
    }

    fn rsa() -> (Value, Vec<u8>) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        let public = pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
        (json!({"kty": "RSA", "n": text(n), "e": text(e)}), signature)
    }

    fn curve() -> (Value, Vec<u8>) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let signature = pair.sign(&SystemRandom::new(), MESSAGE).unwrap();
        let point = pair.public_key().as_ref();
        let value = json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])});
        (value, signature.as_ref().to_vec())
    }

    fn edwards() -> (Value, Vec<u8>) {
        let pair = Ed25519KeyPair::generate().unwrap();
        let value = json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())});
        (value, pair.sign(MESSAGE).as_ref().to_vec())
    }

    #[test]
    fn a_signature_of_each_kind_is_right_for_its_key_its_message_and_its_kind_only() {
        let made = [("RS256", rsa(), rsa()), ("ES256", curve(), curve()), ("EdDSA", edwards(), edwards())];

        for (algorithm, (own, signature), (other, _)) in made {
            let own = key(own);
            assert!(own.verify(algorithm, MESSAGE, &signature), "{algorithm}");
            assert!(!own.verify(algorithm, b"header.claimz", &signature), "{algorithm}");
            assert!(!key(other).verify(algorithm, MESSAGE, &signature), "{algorithm}");
            for kind in ["none", "HS256", "RS512", "ES384", "", "rs256"] {
                assert!(!own.verify(kind, MESSAGE, &signature), "{algorithm} as {kind}");
            }
            assert!(!own.verify(algorithm, MESSAGE, &[]), "{algorithm}");
        }
    }

    #[test]
    fn a_key_for_another_use_or_kind_and_half_a_key_are_not_used() {
        let (value, signature) = rsa();
        let with = |name: &str, said: &str| {
            let mut value = value.clone();
            value[name] = json!(said);
            key(value)
        };

        assert!(with("use", "sig").verify("RS256", MESSAGE, &signature));
        for wrong in [with("use", "enc"), with("alg", "PS256"), with("n", "%"), with("kty", "EC")] {
            assert!(!wrong.verify("RS256", MESSAGE, &signature), "{wrong:?}");
        }
        assert!(!key(json!({"kty": "RSA"})).verify("RS256", MESSAGE, &signature));
    }
}
