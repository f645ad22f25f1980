use std::sync::Arc;

use protos::c1::utls::v1::Credential;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::ServerError;

/// Both sides prove that they hold a certificate of the one authority that the driver made for the two (baton W-3).
pub(super) fn acceptor(credential: &Credential) -> Result<TlsAcceptor, ServerError> {
    let failed = |why: String| ServerError::Credential { why };
    let certificates = |pem: &[u8], what: &str| -> Result<Vec<CertificateDer<'static>>, ServerError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match read {
            Ok(read) if !read.is_empty() => Ok(read),
            Ok(_) | Err(_) => Err(failed(format!("{what} is no certificate in PEM form"))),
        }
    };
    let mut roots = RootCertStore::empty();
    for root in certificates(&credential.ca_cert, "the authority")? {
        roots.add(root).map_err(|error| failed(format!("the authority: {error}")))?;
    }
    let own = certificates(&credential.cert, "the certificate")?;
    // What the parser says of a key could repeat it.
    let key = PrivateKeyDer::from_pem_slice(&credential.key)
        .map_err(|_| failed("the key is none in PEM form".to_owned()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let drivers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_client_cert_verifier(drivers).with_single_cert(own, key))
        .map_err(|error| failed(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
