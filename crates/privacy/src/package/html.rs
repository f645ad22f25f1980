//! Values as HTML, written directly: a package has thousands of them, and a template takes many times
//! as long for each. What it writes is what `show.html` would.

use super::shown::Shown;

/// The records of a page, numbered from `first`.
pub(super) fn records(first: u64, rows: &[Shown]) -> String {
    let mut html = String::new();
    for (number, row) in (first..).zip(rows) {
        html.push_str("\n<article>\n<h2 class=\"record\">Record ");
        html.push_str(&number.to_string());
        html.push_str("</h2>\n");
        show(row, &mut html);
        html.push_str("\n</article>");
    }
    html
}

fn show(value: &Shown, html: &mut String) {
    match value {
        Shown::Text(text) => {
            html.push_str("<span class=\"text\">");
            escape(text, html);
            html.push_str("</span>");
        }
        Shown::Nothing => html.push_str("<span class=\"none\">no value</span>"),
        Shown::List(items) if items.is_empty() => html.push_str("<span class=\"none\">empty list</span>"),
        Shown::List(items) => {
            html.push_str("<ul>");
            for item in items {
                html.push_str("<li>");
                show(item, html);
                html.push_str("</li>");
            }
            html.push_str("</ul>");
        }
        Shown::Members(members) if members.is_empty() => {
            html.push_str("<span class=\"none\">empty</span>");
        }
        Shown::Members(members) => {
            html.push_str("<dl>");
            for (name, member) in members {
                html.push_str("<div><dt>");
                escape(name, html);
                html.push_str("</dt><dd>");
                show(member, html);
                html.push_str("</dd></div>");
            }
            html.push_str("</dl>");
        }
    }
}

/// As the templates do it: what could end a text or begin a tag, an attribute or a closing tag.
fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\'', '/']) {
        let (plain, special) = rest.split_at(at);
        html.push_str(plain);
        let mut characters = special.chars();
        html.push_str(match characters.next() {
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('&') => "&amp;",
            Some('"') => "&quot;",
            Some('\'') => "&#x27;",
            Some(_) | None => "&#x2f;",
        });
        rest = characters.as_str();
    }
    html.push_str(rest);
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use serde::Serialize;
    use serde_json::json;

    use super::super::site::environment;
    use super::*;

    #[derive(Serialize)]
    struct Context<'a> {
        row: &'a Shown,
    }

    #[test]
    fn values_are_written_as_the_template_writes_them() {
        const TEMPLATE: &str = concat!(include_str!("show.html"), "{{ show(row) }}");
        let row = json!({
            "text": "<b a='1' b=\"2\">&amp;/ü 🙂</b>", "nothing": null, "empty": "", "number": 1.50, "flag": true,
            "list": [1, [], {}, ["</span>"]], "<name>": {"a & b": {"c": []}}
        });
        let row = Shown::of_row(row.as_object().unwrap().clone());
        let mut environment = environment();
        environment.add_template("row", TEMPLATE).unwrap();
        let expected = environment.get_template("row").unwrap().render(Serde(Context { row: &row })).unwrap();

        let mut html = String::new();
        show(&row, &mut html);

        assert_eq!(html, expected);
        assert!(!html.contains("<b ") && !html.contains("<name>"), "{html}");
    }
}
