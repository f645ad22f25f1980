use std::path::Path;
use std::sync::Arc;

use spec::server_file::TlsFiles;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::failure::Failure;

/// The server's own TLS from its files: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// Bad input if a file cannot be read, holds something else, or the key is not that of the
/// certificate.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Failure> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable("tls.certificate", &files.certificate, &error))?;
    if certificates.is_empty() {
        return Err(Failure::BadInput(format!(
            "`tls.certificate`: {} holds no certificate; write it in PEM form",
            files.certificate
        )));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable("tls.key", &files.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| {
            Failure::BadInput(format!("`tls`: certificate and key do not work together: {error}"))
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn unusable(key: &str, file: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::BadInput(format!("`{key}`: {} cannot be used: {error}", Path::new(file).display()))
}
