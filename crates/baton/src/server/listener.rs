use std::net::{Ipv4Addr, TcpListener};

use super::{Handshake, ServerError};

/// The socket on which the connector is called.
#[derive(Debug)]
pub struct Listening(TcpListener);

/// Takes the socket that was handed down as `descriptor` (the value of `BATON_CONNECTOR_SERVICE_LISTENER_FD`),
/// else the port of the handshake on this machine only (baton W-2).
///
/// # Errors
/// [`ServerError`] if there is neither, or it cannot be used.
pub fn listen(handshake: &Handshake, descriptor: Option<&str>) -> Result<Listening, ServerError> {
    let socket = match (descriptor, handshake.port()) {
        (Some(descriptor), _) => inherited(descriptor)?,
        (None, 0) => return Err(ServerError::NoPlace),
        (None, port) => TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|source| ServerError::Port { port, source })?,
    };
    Ok(Listening(socket))
}

impl Listening {
    /// A socket on any port of this machine.
    #[cfg(test)]
    pub(super) fn anywhere() -> (Self, std::net::SocketAddr) {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        (Self(socket), address)
    }

    pub(super) fn into_inner(self) -> TcpListener {
        self.0
    }
}

/// The socket behind a number. Taking a number for an open file cannot be known to be right, so the system is asked
/// for a copy of it, which it refuses if there is none.
#[cfg(target_os = "linux")]
fn inherited(descriptor: &str) -> Result<TcpListener, ServerError> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let failed = |why: String| ServerError::Descriptor { why };
    let number: i32 = descriptor.trim().parse().map_err(|_| failed("it is no number".to_owned()))?;
    if number < 3 {
        return Err(failed("it is one of the three that every process has".to_owned()));
    }
    let copied = pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|own| pidfd_getfd(own, number, PidfdGetfdFlags::empty()))
        .map_err(|error| failed(std::io::Error::from(error).to_string()))?;
    let socket = TcpListener::from(copied);
    // Anything else than a socket of the network has no such address.
    socket.local_addr().map_err(|_| failed("it is no socket that listens".to_owned()))?;
    Ok(socket)
}

#[cfg(not(target_os = "linux"))]
fn inherited(_descriptor: &str) -> Result<TcpListener, ServerError> {
    Err(ServerError::Descriptor { why: "this system hands no sockets down here".to_owned() })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::fd::AsRawFd as _;

    use base64::Engine as _;
    use prost::Message as _;
    use protos::c1::connector_wrapper::v1::ServerConfig;
    use protos::c1::utls::v1::Credential;

    use super::*;

    fn handshake(port: u16) -> Handshake {
        let config = ServerConfig {
            credential: Some(Credential::default()),
            listen_port: port.into(),
            ..ServerConfig::default()
        };
        let line = base64::engine::general_purpose::STANDARD.encode(config.encode_to_vec());
        Handshake::parse(line.as_bytes()).unwrap()
    }

    // rule: baton W-2
    #[test]
    fn a_socket_that_was_handed_down_is_taken_and_what_is_none_is_refused() {
        let (given, address) = Listening::anywhere();
        let file = tempfile::tempfile().unwrap();

        let taken = listen(&handshake(0), Some(&given.0.as_raw_fd().to_string())).unwrap();

        assert_eq!(taken.0.local_addr().unwrap(), address);
        for wrong in ["1", "-4", "three", "999999", &file.as_raw_fd().to_string()] {
            let refused = listen(&handshake(0), Some(wrong));
            assert!(matches!(refused, Err(ServerError::Descriptor { .. })), "{wrong}: {refused:?}");
        }
        assert!(matches!(listen(&handshake(0), None), Err(ServerError::NoPlace)));
        assert!(matches!(listen(&handshake(address.port()), None), Err(ServerError::Port { .. })));
    }
}
