//! A connector file as a Baton connector process, and both sides of the Baton service protocol.
//!
//! For: the command line, log and exit status of such a process ([`command_line`], [`flag`], [`log`],
//! [`exit`]), its one job on one file ([`one_shot`]), what it says about itself ([`description`]), its
//! health ([`health`]), and how it proves to a control plane who it is ([`credential`], [`assertion`],
//! [`token`]) and does what that gives it to do ([`service`]), by a connector file ([`serving`]). Not for: what
//! an application's accounts and grants are (`governance`), the file format (`c1z`), and the messages (`protos`).
//!
//! ```
//! use std::sync::Arc;
//! use baton::assertion::{AssertionChecks, sign_assertion};
//! use baton::credential::{ClientSecret, Credential, FreshCredential};
//! use model::{Clock as _, RandomIds, SystemClock};
//!
//! let fresh = FreshCredential::random(&"tutela.example.com".parse()?, &RandomIds);
//! let client_secret = ClientSecret::parse(&fresh.client_secret)?;
//! let credential = Credential { client_id: fresh.client_id.clone(), client_secret };
//! let assertion = sign_assertion(&credential, SystemClock.now(), &RandomIds);
//!
//! let checks = AssertionChecks::new(jiff::SignedDuration::ZERO, Arc::new(SystemClock));
//! let shown = checks.check(assertion.expose(), &fresh.client_id, &fresh.public_key)?;
//! assert_eq!(shown.nonce.len(), 32);
//! assert!(checks.check("x.y.z", &fresh.client_id, &fresh.public_key).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod assertion;
pub mod command_line;
pub mod config_file;
pub mod control;
pub mod credential;
pub mod description;
pub mod exit;
pub mod flag;
pub mod foreign;
pub mod health;
pub mod import;
pub mod log;
pub mod one_shot;
mod private_folder;
pub mod program;
pub mod server;
pub mod service;
pub mod serving;
pub mod token;
