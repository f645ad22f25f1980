use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};

use crate::SendError;

/// Largest piece of memory taken on the word of a `Content-Length`.
const MOST_TRUSTED_BYTES: u64 = 1024 * 1024;

/// How much one answer may hold, and whose answer it is.
#[derive(Clone, Copy)]
pub(crate) struct Caps<'a> {
    pub(crate) host: &'a str,
    pub(crate) max_bytes: u64,
}

impl Caps<'_> {
    fn too_large(self) -> SendError {
        SendError::TooLarge { host: self.host.to_owned(), limit_bytes: self.max_bytes }
    }

    fn undecodable(self) -> SendError {
        SendError::Decompression { host: self.host.to_owned() }
    }
}

/// Reads the body of `response` to its end and unpacks it.
///
/// Sizes are counted chunk by chunk, as sent and as unpacked; whatever exceeds the cap is not
/// read. `headers` are those of the response.
pub(crate) async fn read(
    mut response: reqwest::Response,
    headers: &HeaderMap,
    caps: Caps<'_>,
    failed: impl Fn(reqwest::Error) -> SendError,
) -> Result<Bytes, SendError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // An answer without body (HEAD, 304) may announce the length it would have.
    let Some(first) = response.chunk().await.map_err(&failed)? else { return Ok(Bytes::new()) };
    if announced.is_some_and(|length| length > caps.max_bytes) {
        return Err(caps.too_large());
    }
    let mut wire_bytes = first.len() as u64;
    if wire_bytes > caps.max_bytes {
        return Err(caps.too_large());
    }
    let mut sink = Sink::open(headers, &first, caps)?;
    if let Sink::Plain(_) = sink
        && announced == Some(wire_bytes)
    {
        // One chunk is everything: no copy. The end is still awaited, so that the connection
        // goes back to the pool.
        return match response.chunk().await.map_err(&failed)? {
            None => Ok(first),
            Some(_) => Err(caps.too_large()),
        };
    }
    sink.reserve(announced.unwrap_or_default().min(MOST_TRUSTED_BYTES));
    sink.take(&first, caps)?;
    while let Some(chunk) = response.chunk().await.map_err(&failed)? {
        wire_bytes += chunk.len() as u64;
        if wire_bytes > caps.max_bytes {
            return Err(caps.too_large());
        }
        sink.take(&chunk, caps)?;
    }
    sink.close(caps)
}

/// Where the chunks go: straight into memory, or through one decoder.
enum Sink {
    Plain(Vec<u8>),
    Gzip(MultiGzDecoder<Capped>),
    Zlib(ZlibDecoder<Capped>),
    Deflate(DeflateDecoder<Capped>),
}

impl Sink {
    fn open(headers: &HeaderMap, first: &[u8], caps: Caps<'_>) -> Result<Self, SendError> {
        let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
        let encoding = match (encodings.next(), encodings.next()) {
            (None, _) => return Ok(Self::Plain(Vec::new())),
            (Some(only), None) => only.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
            (Some(_), Some(_)) => return Err(caps.undecodable()),
        };
        let out = Capped { bytes: Vec::new(), max_bytes: caps.max_bytes, full: false };
        match encoding.as_str() {
            "" | "identity" => Ok(Self::Plain(Vec::new())),
            "gzip" | "x-gzip" => Ok(Self::Gzip(MultiGzDecoder::new(out))),
            // Named after zlib's format, by many servers used for the bare stream.
            "deflate" if has_zlib_header(first) => Ok(Self::Zlib(ZlibDecoder::new(out))),
            "deflate" => Ok(Self::Deflate(DeflateDecoder::new(out))),
            _ => Err(caps.undecodable()),
        }
    }

    fn reserve(&mut self, bytes: u64) {
        if let Self::Plain(plain) = self {
            plain.reserve(bytes as usize);
        }
    }

    fn take(&mut self, chunk: &[u8], caps: Caps<'_>) -> Result<(), SendError> {
        let written = match self {
            Self::Plain(plain) => {
                plain.extend_from_slice(chunk);
                return Ok(());
            }
            Self::Gzip(decoder) => decoder.write_all(chunk),
            Self::Zlib(decoder) => decoder.write_all(chunk),
            Self::Deflate(decoder) => decoder.write_all(chunk),
        };
        match written {
            Ok(()) => Ok(()),
            Err(_) if self.is_full() => Err(caps.too_large()),
            Err(_) => Err(caps.undecodable()),
        }
    }

    fn is_full(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Gzip(decoder) => decoder.get_ref().full,
            Self::Zlib(decoder) => decoder.get_ref().full,
            Self::Deflate(decoder) => decoder.get_ref().full,
        }
    }

    /// The unpacked bytes. A stream that lacks its end was truncated before it was packed into
    /// the answer, or the answer was.
    fn close(mut self, caps: Caps<'_>) -> Result<Bytes, SendError> {
        let finished = match &mut self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::Deflate(decoder) => decoder.try_finish(),
        };
        if let Err(error) = finished {
            return Err(match error.kind() {
                _ if self.is_full() => caps.too_large(),
                io::ErrorKind::UnexpectedEof => SendError::Truncated { host: caps.host.to_owned() },
                _ => caps.undecodable(),
            });
        }
        let bytes = match &mut self {
            Self::Plain(plain) => std::mem::take(plain),
            Self::Gzip(decoder) => std::mem::take(&mut decoder.get_mut().bytes),
            Self::Zlib(decoder) => std::mem::take(&mut decoder.get_mut().bytes),
            Self::Deflate(decoder) => std::mem::take(&mut decoder.get_mut().bytes),
        };
        Ok(Bytes::from(bytes))
    }
}

fn has_zlib_header(first: &[u8]) -> bool {
    match first {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)).is_multiple_of(31)
        }
        [method] => *method == 0x78,
        [] => false,
    }
}

/// Memory with an end. Decoders write in pieces of some 32 KiB, so a bomb stops at the cap.
struct Capped {
    bytes: Vec<u8>,
    max_bytes: u64,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + piece.len()) as u64 > self.max_bytes {
            self.full = true;
            return Err(io::Error::other("cap reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
