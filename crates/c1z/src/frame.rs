//! What a file holds: one frame of zstd with its length and a checksum, whose first page is known last.
//!
//! The first page of a database says where all others begin. So the others are pressed as they come, into a frame of
//! their own. Once the first page is known, it goes in front of their blocks as a block that is not pressed (RFC 8878,
//! 3.1.1.2.2): nothing in them looks back to what was before them. The checksum is over the whole content in its order,
//! so what was pressed is unpacked once for it.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};

use twox_hash::XxHash64;
use zstd::stream::{raw, zio};
use zstd::zstd_safe::CParameter;

/// How hard a file is pressed. Always the same: another level would give other bytes for the same rows.
const LEVEL: i32 = 1;
/// Threads that press a file. How many does not change its bytes, but whether there are any does: always the same number.
const WORKERS: u32 = 2;
/// So much of it is pressed by one of them at a time.
const JOB_BYTES: u32 = 1 << 20;
/// What is handed to the system at once.
const BUFFER_BYTES: usize = 1 << 18;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The descriptor of a body: neither a length nor a checksum.
const BODY_DESCRIPTOR: u8 = 0;
/// The descriptor of the whole: a length of eight bytes, and a checksum.
const DESCRIPTOR: u8 = 0b1100_0100;
/// Magic number, descriptor and window.
const HEADER_BYTES: usize = MAGIC.len() + 2;

/// Presses what comes behind the first page.
pub(crate) struct BodyWriter {
    out: zio::Writer<BufWriter<File>, raw::Encoder<'static>>,
    bytes: u64,
}

/// What comes behind the first page, pressed.
pub(crate) struct Body {
    file: File,
    bytes: u64,
}

/// One frame, ready to be written.
pub(crate) struct Frame {
    /// Its header and its first block.
    start: Vec<u8>,
    /// All other blocks, from where the file stands.
    blocks: File,
    checksum: u32,
}

impl BodyWriter {
    /// Into a file, from its beginning.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let mut encoder = raw::Encoder::new(LEVEL)?;
        encoder.set_parameter(CParameter::ContentSizeFlag(false))?;
        encoder.set_parameter(CParameter::ChecksumFlag(false))?;
        encoder.set_parameter(CParameter::NbWorkers(WORKERS))?;
        encoder.set_parameter(CParameter::JobSize(JOB_BYTES))?;
        Ok(Self { out: zio::Writer::new(BufWriter::with_capacity(BUFFER_BYTES, file), encoder), bytes: 0 })
    }

    /// Presses what is left.
    pub(crate) fn finish(mut self) -> io::Result<Body> {
        self.out.finish()?;
        let (out, _) = self.out.into_inner();
        Ok(Body { file: out.into_inner().map_err(io::IntoInnerError::into_error)?, bytes: self.bytes })
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    /// Does nothing: to press what is there would cut it elsewhere, and give other bytes for the same content.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body {
    /// It, unpacked.
    pub(crate) fn read(&mut self) -> io::Result<impl Read> {
        self.file.seek(SeekFrom::Start(0))?;
        zstd::Decoder::with_buffer(BufReader::with_capacity(BUFFER_BYTES, &mut self.file))
    }

    /// The frame of `first` and all that comes behind it.
    pub(crate) fn framed(mut self, first: &[u8]) -> io::Result<Frame> {
        let window = self.window()?;
        let block = (u32::try_from(first.len()).map_err(io::Error::other)? << 3).to_le_bytes();
        let mut start = Vec::from(MAGIC);
        start.extend_from_slice(&[DESCRIPTOR, window]);
        start.extend_from_slice(&(first.len() as u64 + self.bytes).to_le_bytes());
        start.extend_from_slice(block.get(..3).unwrap_or_default());
        start.extend_from_slice(first);
        let checksum = self.checksum(first)? as u32;
        self.file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        Ok(Frame { start, blocks: self.file, checksum })
    }

    /// How far its blocks look back, as its header says it.
    fn window(&mut self) -> io::Result<u8> {
        let mut header = [0; HEADER_BYTES];
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut header)?;
        match header.strip_prefix(&MAGIC) {
            Some([BODY_DESCRIPTOR, window]) => Ok(*window),
            _ => Err(io::Error::other("zstd began a frame in another way than it was told to")),
        }
    }

    fn checksum(&mut self, first: &[u8]) -> io::Result<u64> {
        let mut hash = XxHash64::with_seed(0);
        hash.write(first);
        let (mut unpacked, told) = (0, self.bytes);
        let mut rest = BufReader::with_capacity(BUFFER_BYTES, self.read()?);
        loop {
            let bytes = rest.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            hash.write(bytes);
            let length = bytes.len();
            unpacked += length as u64;
            rest.consume(length);
        }
        if unpacked != told {
            return Err(io::Error::other("what was pressed has another length when it is unpacked"));
        }
        Ok(hash.finish())
    }
}

impl Frame {
    /// Puts it at the end of `out`.
    pub(crate) fn write(mut self, out: &mut File) -> io::Result<()> {
        out.write_all(&self.start)?;
        io::copy(&mut self.blocks, out)?;
        out.write_all(&self.checksum.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::decoding::StreamingDecoder;

    use super::*;

    fn pressed(rest: &[u8], at_once: usize) -> Body {
        let mut writer = BodyWriter::new(tempfile::tempfile().unwrap()).unwrap();
        rest.chunks(at_once).for_each(|chunk| writer.write_all(chunk).unwrap());
        writer.finish().unwrap()
    }

    fn frame(first: &[u8], rest: &[u8], at_once: usize) -> Vec<u8> {
        let mut out = tempfile::tempfile().unwrap();
        pressed(rest, at_once).framed(first).unwrap().write(&mut out).unwrap();
        let mut bytes = Vec::new();
        out.seek(SeekFrom::Start(0)).unwrap();
        out.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Bytes that repeat each other in part, near and far.
    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| ((at * at / 7) ^ (at >> 9)) as u8 & 0x3f).collect()
    }

    // rule: baton F-3: one frame, with its length and a checksum; lengths around those of blocks, windows and jobs
    #[test]
    fn the_frame_is_what_any_reader_takes() {
        let first = content(4096);
        for length in [1, 100, 4096, 128 << 10, (128 << 10) + 1, 512 << 10, 1 << 20, (5 << 20) + 17] {
            let rest = content(length);

            let frame = frame(&first, &rest, 4096);

            assert_eq!(zstd::zstd_safe::find_frame_compressed_size(&frame), Ok(frame.len()), "{length}");
            let declared = zstd::zstd_safe::get_frame_content_size(&frame).unwrap();
            assert_eq!(declared, Some((first.len() + length) as u64));
            let content = [first.as_slice(), &rest].concat();
            assert!(zstd::decode_all(frame.as_slice()).unwrap() == content, "{length}");
            // Not everybody reads with the library that wrote it.
            let (mut other, mut read) = (StreamingDecoder::new(frame.as_slice()).unwrap(), Vec::new());
            other.read_to_end(&mut read).unwrap();
            assert!(read == content, "{length}");
            let of_other = &other.decoder;
            let checksums = (of_other.get_checksum_from_data(), of_other.get_calculated_checksum());
            assert!(checksums.0.is_some() && checksums.0 == checksums.1, "{checksums:?}");
        }
    }

    #[test]
    fn a_frame_that_was_damaged_is_known_by_its_checksum() {
        let mut frame = frame(&content(4096), &content(100_000), 4096);
        let in_first = 4 + 1 + 1 + 8 + 3 + 1000;
        frame[in_first] ^= 1;

        let error = zstd::decode_all(frame.as_slice()).unwrap_err();

        assert!(error.to_string().contains("checksum"), "{error}");
    }

    // The same rows give the same file, however fast they come.
    #[test]
    fn how_the_content_is_cut_changes_no_byte() {
        let rest = content(3 << 20);
        let mut writer = BodyWriter::new(tempfile::tempfile().unwrap()).unwrap();
        for chunk in rest.chunks(5_000) {
            writer.write_all(chunk).unwrap();
            writer.flush().unwrap();
        }
        let (mut flushed, mut bytes) = (tempfile::tempfile().unwrap(), Vec::new());
        writer.finish().unwrap().framed(b"first").unwrap().write(&mut flushed).unwrap();
        flushed.seek(SeekFrom::Start(0)).unwrap();
        flushed.read_to_end(&mut bytes).unwrap();

        assert!(frame(b"first", &rest, 4096) == frame(b"first", &rest, 1000));
        assert!(frame(b"first", &rest, 4096) == bytes);
    }

    // What is declared would be a lie to whoever reads it.
    #[test]
    fn a_body_of_another_length_is_refused() {
        let body = Body { bytes: 99, ..pressed(&content(100), 4096) };

        let error = body.framed(b"first").err().unwrap();

        assert!(error.to_string().contains("another length"), "{error}");
    }

    #[test]
    fn the_rest_can_be_read_as_often_as_it_is_wanted() {
        let rest = content(200_000);
        let mut body = pressed(&rest, 4096);

        for _ in 0..2 {
            let mut read = Vec::new();
            body.read().unwrap().read_to_end(&mut read).unwrap();
            assert!(read == rest);
        }
    }

    // A header that says something else would be taken for a block.
    #[test]
    fn another_header_is_no_body() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&zstd::bulk::compress(&content(10), 1).unwrap()).unwrap();
        let body = Body { file, bytes: 10 };

        assert!(body.framed(b"first").is_err());
    }
}
