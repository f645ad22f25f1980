//! Where a database is, out of the secrets of its connection.

use std::path::PathBuf;

use crypto::Secret;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use crate::{DatabaseKind, Fault};

/// A place to connect to.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Server(ServerAddress),
    File(PathBuf),
}

/// A database on a server.
#[derive(Debug, Clone)]
pub(crate) struct ServerAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) database: Option<String>,
    /// Sets the session's search path (privacy-requests Q-10a).
    pub(crate) schema: Option<String>,
    /// `None`: chosen by where the server is.
    pub(crate) tls: Option<Tls>,
    pub(crate) root_certificate: Option<PathBuf>,
}

/// How much TLS is asked for, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Secrets by name; a text, a number or a flag each.
struct Parts<'a>(&'a [(String, Value)]);

impl Parts<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key == name)?;
        model::text_form(value).filter(|text| !text.is_empty())
    }
}

impl Address {
    /// Reads `url` or its parts (privacy-requests C-4).
    pub(crate) fn parse(kind: DatabaseKind, secrets: &[(String, Value)]) -> Result<Self, Fault> {
        let parts = Parts(secrets);
        if parts.text("ssh_required").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Err(problem(
                "`ssh_required` is not supported; open the tunnel outside and name its end as host",
            ));
        }
        let url = parts.text("url");
        if kind == DatabaseKind::Sqlite {
            let url = url.ok_or_else(|| {
                problem("the secret `url` is missing; write `sqlite:file.db` or `sqlite:///absolute/path`")
            })?;
            return file(&url).map(Self::File);
        }
        let mut server = match url {
            Some(url) => server_from_url(kind, &url)?,
            None => ServerAddress {
                host: parts.text("host").ok_or_else(|| {
                    problem("neither `url` nor `host` is among the secrets; give one of them")
                })?,
                port: match parts.text("port") {
                    Some(port) => {
                        port.parse().map_err(|_| problem("the secret `port` is not a port number"))?
                    }
                    None => kind.default_port(),
                },
                username: parts.text("username"),
                password: parts.text("password").map(Secret::new),
                database: parts.text("dbname"),
                schema: None,
                tls: None,
                root_certificate: None,
            },
        };
        server.schema = server.schema.or_else(|| parts.text("db_schema"));
        if server.tls.is_none() {
            server.tls = parts.text("sslmode").map(|mode| tls(&mode)).transpose()?;
        }
        server.root_certificate =
            server.root_certificate.or_else(|| parts.text("sslrootcert").map(PathBuf::from));
        Ok(Self::Server(server))
    }
}

fn file(url: &str) -> Result<PathBuf, Fault> {
    let rest = url.strip_prefix("sqlite:").ok_or_else(|| {
        problem("the secret `url` does not begin with `sqlite:`; write `sqlite:file.db` or `sqlite:///absolute/path`")
    })?;
    if rest.contains('?') {
        return Err(problem("the secret `url` of a SQLite file takes no parameters"));
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(problem(
            "the secret `url` names no file; write `sqlite:file.db` or `sqlite:///absolute/path`",
        ));
    }
    Ok(PathBuf::from(decoded(path)?))
}

fn server_from_url(kind: DatabaseKind, text: &str) -> Result<ServerAddress, Fault> {
    let url = Url::parse(text).map_err(|_| {
        problem("the secret `url` is not a URL; special characters in the password are written as %XX")
    })?;
    let schemes: &[&str] = match kind {
        DatabaseKind::PostgreSql => &["postgres", "postgresql"],
        DatabaseKind::MySql => &["mysql", "mariadb"],
        DatabaseKind::Sqlite | DatabaseKind::SqlServer | DatabaseKind::MongoDb => &[],
    };
    if !schemes.contains(&url.scheme()) {
        return Err(problem(&format!(
            "the secret `url` does not begin with `{}://`",
            schemes.first().unwrap_or(&kind.as_str())
        )));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let mut server = ServerAddress {
        host: decoded(host.unwrap_or("localhost"))?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or_else(|| kind.default_port()),
        username: Some(decoded(url.username())?).filter(|name| !name.is_empty()),
        password: url.password().map(decoded).transpose()?.map(Secret::new),
        database: Some(decoded(url.path().trim_start_matches('/'))?).filter(|name| !name.is_empty()),
        schema: None,
        tls: None,
        root_certificate: None,
    };
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "sslmode" | "ssl-mode" => server.tls = Some(tls(&value)?),
            "sslrootcert" | "ssl-ca" => server.root_certificate = Some(PathBuf::from(value.as_ref())),
            "application_name" => {}
            other => {
                return Err(problem(&format!(
                    "parameter `{other}` of the secret `url` is not known; `sslmode` and `sslrootcert` are"
                )));
            }
        }
    }
    Ok(server)
}

fn tls(mode: &str) -> Result<Tls, Fault> {
    match mode.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(Tls::Disable),
        "allow" | "prefer" | "preferred" => Ok(Tls::Prefer),
        "require" | "required" => Ok(Tls::Require),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-full" | "verify-identity" => Ok(Tls::VerifyFull),
        _ => Err(problem("`sslmode` is none of `disable`, `prefer`, `require`, `verify-ca`, `verify-full`")),
    }
}

fn decoded(text: &str) -> Result<String, Fault> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| problem("the secret `url` holds bytes that are no UTF-8 text"))
}

fn problem(text: &str) -> Fault {
    Fault::Secrets { problem: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn server(kind: DatabaseKind, secrets: &[(&str, Value)]) -> ServerAddress {
        let secrets: Vec<_> =
            secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        match Address::parse(kind, &secrets).unwrap() {
            Address::Server(server) => server,
            Address::File(path) => panic!("{path:?} is a file"),
        }
    }

    // rule: privacy-requests C-4
    #[test]
    fn url_wins_over_the_parts() {
        let found = server(
            DatabaseKind::PostgreSql,
            &[
                ("host", json!("other.example.com")),
                ("url", json!("postgresql://ana:p%40ss@db.example.com/shop?sslmode=verify-full")),
                ("db_schema", json!("sales")),
            ],
        );

        assert_eq!((found.host.as_str(), found.port), ("db.example.com", 5432));
        assert_eq!(found.username.as_deref(), Some("ana"));
        assert_eq!(found.password.as_ref().map(|password| password.expose().as_str()), Some("p@ss"));
        assert_eq!(found.database.as_deref(), Some("shop"));
        assert_eq!(found.schema.as_deref(), Some("sales"));
        assert_eq!(found.tls, Some(Tls::VerifyFull));
    }

    #[test]
    fn parts_are_enough() {
        let found = server(
            DatabaseKind::MySql,
            &[("host", json!("db.example.com")), ("port", json!(3307)), ("dbname", json!("shop"))],
        );

        assert_eq!((found.host.as_str(), found.port), ("db.example.com", 3307));
        assert_eq!(found.database.as_deref(), Some("shop"));
    }

    #[rstest]
    #[case(DatabaseKind::PostgreSql, "url", "mysql://canary@host/db")]
    #[case(DatabaseKind::PostgreSql, "url", "canary not a url")]
    #[case(DatabaseKind::PostgreSql, "url", "postgres://u:canary@host/db?sslmod=require")]
    #[case(DatabaseKind::PostgreSql, "dbname", "canary")]
    #[case(DatabaseKind::Sqlite, "url", "/canary/file")]
    #[case(DatabaseKind::Sqlite, "url", "sqlite::memory:canary")]
    #[case(DatabaseKind::Sqlite, "url", "sqlite:canary?mode=rwc")]
    fn bad_secrets_are_refused_without_their_values(
        #[case] kind: DatabaseKind,
        #[case] name: &str,
        #[case] value: &str,
    ) {
        let error = Address::parse(kind, &[(name.to_owned(), json!(value))]).unwrap_err();

        assert!(matches!(error, Fault::Secrets { .. }));
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[rstest]
    #[case("sqlite:shop.db", "shop.db")]
    #[case("sqlite:///var/lib/shop.db", "/var/lib/shop.db")]
    #[case("sqlite:/var/lib/a%20b.db", "/var/lib/a b.db")]
    fn sqlite_paths(#[case] url: &str, #[case] expected: &str) {
        let Address::File(path) =
            Address::parse(DatabaseKind::Sqlite, &[("url".into(), json!(url))]).unwrap()
        else {
            panic!("not a file");
        };

        assert_eq!(path, PathBuf::from(expected));
    }
}
