use axum::body::Body;
use bytes::BytesMut;
use futures::stream::unfold;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

/// How much of a file is read at once, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// The rest of a file as a body; it is never whole in memory.
pub(crate) fn file_body(file: File) -> Body {
    Body::from_stream(unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        match file.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk.freeze()), Some(file))),
            // The connection breaks off: whoever reads sees that the file is not whole.
            Err(error) => Some((Err(error), None)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_file_comes_whole_and_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();

        let body = file_body(File::open(&path).await.unwrap()).collect().await.unwrap().to_bytes();

        assert_eq!(body, bytes);
    }
}
