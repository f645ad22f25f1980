//! An S3 server for tests: signatures are checked, objects lie in a folder.
//!
//! `s3-server FOLDER BUCKET` takes the account from `TUTELA_S3_ACCESS_KEY_ID` and
//! `TUTELA_S3_SECRET_ACCESS_KEY`, listens on a free port of 127.0.0.1, and prints its address.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().context("name the folder for objects")?);
    let bucket = arguments.next().context("name the bucket")?;
    let account = |name| std::env::var(name).with_context(|| format!("set {name}"));
    let (key, secret) = (account("TUTELA_S3_ACCESS_KEY_ID")?, account("TUTELA_S3_SECRET_ACCESS_KEY")?);
    std::fs::create_dir_all(folder.join(bucket))?;
    let objects = s3s_fs::FileSystem::new(&folder).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut builder = S3ServiceBuilder::new(objects);
    builder.set_auth(SimpleAuth::from_single(key, secret));
    let service = builder.build();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", listener.local_addr()?)?;
        out.flush()?;
        drop(out);
        loop {
            let (stream, _) = listener.accept().await?;
            let service = service.clone();
            tokio::spawn(async move {
                let connection = Builder::new();
                // A client that went away is no matter for the others.
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
