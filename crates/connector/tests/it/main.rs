//! Connector files against a made-up application on loopback.

#[cfg(test)]
mod access;
#[cfg(test)]
mod acme;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod one;
#[cfg(test)]
mod pagination;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod script;
#[cfg(test)]
mod segment;
#[cfg(test)]
mod worked_example;
