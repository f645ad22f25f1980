use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use crypto::HashKey;
use engine::{Cancellation, Canceller};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::{RandomIds, SystemClock};
use prost::Message as _;
use protos::c1::connector_wrapper::v1::ServerConfig;
use protos::c1::utls::v1::Credential;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::body::Body;
use tower::ServiceExt as _;

use super::fake::Fake;
use crate::command_line::Permission;
use crate::server::{Handshake, Listening, ServerError, ServerParts, serve};
use crate::service::ServiceTimes;

pub(super) const AUTHORITY: &[u8] = include_bytes!("own_authority.pem");
const CONNECTOR: [&[u8]; 2] = [include_bytes!("connector.pem"), include_bytes!("connector.key")];
pub(super) const DRIVER: [&[u8]; 2] = [include_bytes!("driver.pem"), include_bytes!("driver.key")];
pub(super) const STRANGER: [&[u8]; 2] = [include_bytes!("stranger.pem"), include_bytes!("stranger.key")];

/// A connector that is served.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) fake: Arc<Fake>,
    canceller: Canceller,
    ended: JoinHandle<Result<(), ServerError>>,
}

/// What calls are made through.
pub(super) type Channel =
    tower::util::BoxCloneService<http::Request<Body>, http::Response<hyper::body::Incoming>, hyper::Error>;

pub(super) fn handshake() -> Handshake {
    let [cert, key] = CONNECTOR.map(<[u8]>::to_vec);
    let credential = Credential { ca_cert: AUTHORITY.to_vec(), cert, key };
    let config = ServerConfig { credential: Some(credential), ..ServerConfig::default() };
    let line = base64::engine::general_purpose::STANDARD.encode(config.encode_to_vec());
    Handshake::parse(line.as_bytes()).unwrap()
}

impl Served {
    pub(super) fn start(provisioning: Permission) -> Self {
        Self::start_with(Fake::default(), (provisioning, HashKey::random()))
    }

    pub(super) fn start_with(fake: Fake, (provisioning, token_key): (Permission, HashKey)) -> Self {
        let fake = Arc::new(fake);
        let (listening, address) = Listening::anywhere();
        let (canceller, stop) = Canceller::new();
        let parts = parts(&fake, (provisioning, token_key), stop);
        let ended = tokio::spawn(async move { serve(listening, &handshake(), parts).await });
        Self { address, fake, canceller, ended }
    }

    pub(super) async fn channel(&self) -> Channel {
        connect(self.address, (AUTHORITY, Some(DRIVER))).await.unwrap()
    }

    /// Stops it in order.
    pub(super) async fn stop(self) {
        self.canceller.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

fn parts(
    fake: &Arc<Fake>,
    (provisioning, token_key): (Permission, HashKey),
    stop: Cancellation,
) -> ServerParts {
    let validating = Arc::clone(fake);
    ServerParts {
        connector: fake.clone(),
        validate: Arc::new(move || {
            let valid = validating.validate();
            Box::pin(async move { valid })
        }),
        provisioning,
        token_key,
        temp_folder: None,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        stop,
        times: ServiceTimes::default(),
    }
}

/// Opens a connection with a certificate, or without.
pub(super) async fn connect(
    address: SocketAddr,
    (authority, own): (&[u8], Option<[&[u8]; 2]>),
) -> std::io::Result<Channel> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => config.with_no_client_auth(),
        Some([certificate, key]) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate).unwrap()];
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
    tokio::spawn(connection);
    let call = move |mut request: http::Request<Body>| {
        let path = request.uri().path();
        *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
        let mut sender = sender.clone();
        async move {
            sender.ready().await?;
            sender.send_request(request).await
        }
    };
    Ok(tower::service_fn(call).boxed_clone())
}
