use std::path::{Path, PathBuf};

use sandbox::segment::Description;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::failure::Failure;

/// What the demo wrote.
pub(super) struct Written {
    /// The project file.
    pub(super) project: PathBuf,
    /// The server file.
    pub(super) server: PathBuf,
    /// The server's data folder.
    pub(super) data: PathBuf,
}

/// Writes project, dataset, sample database and server file of the demo. What an earlier demo left of
/// them is replaced.
pub(super) async fn write(folder: &Path, sandbox: &Description, listen: &str) -> Result<Written, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| Failure::unwritable(&path, &error)).map(|()| path)
    };
    put("shop_dataset.yml", include_str!("shop_dataset.yml"))?;
    shop(&folder.join("shop.db")).await?;
    let data = folder.join("server");
    match std::fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::unwritable(&data, &error));
        }
        Ok(()) | Err(_) => {}
    }
    // The secrets open the simulator only.
    let project = include_str!("tutela.yml")
        .replace("SPACE", &sandbox.space)
        .replace("TOKEN", &sandbox.tokens.access_token)
        .replace("ACCESS_SECRET", &sandbox.tokens.access_secret)
        .replace("FOLDER", &folder.display().to_string())
        .replace("URL", &sandbox.url);
    let server = include_str!("server.yml")
        .replace("LISTEN", listen)
        .replace("FOLDER", &folder.display().to_string())
        .replace("URL", &sandbox.url);
    Ok(Written { project: put("tutela.yml", &project)?, server: put("server.yml", &server)?, data })
}

/// Makes the sample shop's database.
async fn shop(path: &Path) -> Result<(), Failure> {
    for ending in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{ending}", path.display()));
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::unwritable(&old, &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    let failed = |error: sqlx::Error| Failure::Failed(format!("{} cannot be made: {error}", path.display()));
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.map_err(failed)?;
    sqlx::raw_sql(include_str!("shop.sql")).execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}
