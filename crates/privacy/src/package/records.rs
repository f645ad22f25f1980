//! One page of records, written directly: there is one for every collection, and a template copies all
//! of them several times. What it writes is what `records.html` would.

use std::io::Write as _;

use super::html::escape;
use super::site::STYLE;

/// What stands around the style, the names and the records is no longer than this.
const ROUND_BYTES: usize = 2048;

/// What a page says about its records.
#[derive(Debug)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct RecordsPage<'a> {
    pub(super) address: String,
    pub(super) dataset: &'a str,
    pub(super) first: u64,
    pub(super) last: u64,
    /// The only page of the collection.
    pub(super) only: bool,
    /// The pages before and behind it, by the names of their files.
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl RecordsPage<'_> {
    /// What stands before the records.
    pub(super) fn head(&self) -> Vec<u8> {
        const TOP: &str = concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta http-equiv=\"Content-Security-Policy\" ",
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
            "<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
        );
        const BACK: &str = concat!(
            "</style>\n</head>\n<body>\n<header>\n",
            "<p><a href=\"../../../clickme.html\">All places</a> · <a href=\"../index.html\">",
        );
        let names = self.address.len() + self.dataset.len();
        let mut html = Vec::with_capacity(STYLE.len() + ROUND_BYTES + 3 * names);
        html.extend_from_slice(TOP.as_bytes());
        escape(&self.address, &mut html);
        html.extend_from_slice(b": your personal data</title>\n<style>\n");
        html.extend_from_slice(STYLE.as_bytes());
        html.extend_from_slice(BACK.as_bytes());
        escape(self.dataset, &mut html);
        html.extend_from_slice(b"</a></p>\n<h1>");
        escape(&self.address, &mut html);
        let all = if self.only { ", all there are" } else { "" };
        // A vector takes everything.
        let _ =
            write!(html, "</h1>\n<p>Records {} to {}{all}.</p>\n</header>\n<main>", self.first, self.last);
        html
    }

    /// What stands behind them.
    pub(super) fn foot(&self) -> String {
        let previous =
            self.previous.as_ref().map(|name| format!("<a href=\"{name}\" rel=\"prev\">Earlier records</a>"));
        let next =
            self.next.as_ref().map(|name| format!("<a href=\"{name}\" rel=\"next\">Further records</a>"));
        let links: Vec<String> = previous.into_iter().chain(next).collect();
        let pages = if links.is_empty() {
            String::new()
        } else {
            format!("\n<nav aria-label=\"Pages\">{}</nav>", links.join(" · "))
        };
        format!("\n</main>\n<footer>{pages}\n</footer>\n</body>\n</html>")
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use rstest::rstest;
    use serde::Serialize;

    use super::super::site::environment;
    use super::*;

    const TEMPLATE: &str = include_str!("records.html");

    #[derive(Serialize)]
    struct Context<'a> {
        style: &'a str,
        records: &'a str,
        #[serde(flatten)]
        page: &'a RecordsPage<'a>,
    }

    #[rstest]
    #[case::alone(None, None)]
    #[case::first(None, Some("page-2.html"))]
    #[case::between(Some("index.html"), Some("page-3.html"))]
    #[case::last(Some("page-2.html"), None)]
    fn a_page_is_written_as_the_template_writes_it(
        #[case] previous: Option<&str>,
        #[case] next: Option<&str>,
    ) {
        let page = RecordsPage {
            address: "a <shop>:people & 'more'".to_owned(),
            dataset: "a <shop>",
            first: 1,
            last: 1234,
            only: previous.is_none() && next.is_none(),
            previous: previous.map(str::to_owned),
            next: next.map(str::to_owned),
        };
        let records = "\n<article>\n</article>";
        let mut environment = environment();
        environment.add_template("records", TEMPLATE).unwrap();
        let context = Context { style: STYLE, records, page: &page };
        let expected = environment.get_template("records").unwrap().render(Serde(context)).unwrap();

        let written = format!("{}{records}{}", String::from_utf8(page.head()).unwrap(), page.foot());

        assert_eq!(written, expected);
    }
}
