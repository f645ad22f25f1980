use std::io;

use thiserror::Error;
use tonic::Code;

use crate::exit::Exit;

/// Why a connector does not serve the process that started it.
#[derive(Debug, Error)]
pub enum ServerError {
    /// What was written to standard input is no handshake.
    #[error(
        "standard input holds no line with the credentials of the process that drives this one ({why}); \
         `_connector-service` is started by such a process, not by a person"
    )]
    Handshake {
        /// What is wrong; nothing of the line.
        why: &'static str,
    },
    /// Certificates and key do not work.
    #[error("the credentials on standard input cannot be used: {why}")]
    Credential {
        /// What is wrong.
        why: String,
    },
    /// The descriptor that was handed down.
    #[error(
        "the socket handed down in BATON_CONNECTOR_SERVICE_LISTENER_FD cannot be used ({why}); start the process \
         without that variable and with a port in its place"
    )]
    Descriptor {
        /// What is wrong.
        why: String,
    },
    /// There is no socket and no port.
    #[error("neither a socket nor a port was handed down; one of the two says where the connector is called")]
    NoPlace,
    /// The port.
    #[error("port {port} of 127.0.0.1 cannot be listened on: {source}")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server broke.
    #[error("the connector cannot be served any longer: {0}")]
    Serve(#[source] tonic::transport::Error),
}

impl ServerError {
    /// The status with which the process ends (baton C-15).
    pub fn exit(&self) -> Exit {
        Exit::of(match self {
            Self::Handshake { .. } | Self::Credential { .. } | Self::NoPlace => Code::InvalidArgument,
            Self::Descriptor { .. } | Self::Port { .. } => Code::Unavailable,
            Self::Serve(_) => Code::Internal,
        })
    }
}
