//! The page about expressions.

use std::fmt::Write as _;

use crate::expression::gaps::GAPS;
use crate::expression::{functions, operators};

const LEAD: &str = "\
# Expressions

Some values of a connector file are expressions: `when`, `required_when` and `retry.when`, which are true or false, and \
most of the sections `governance` and `activity`. They are written in the [Common Expression Language](https://cel.dev) \
(CEL), in a YAML string: put those that hold `: `, `#` or quotes into single quotes.

An expression sees the variables that its place names, and nothing else. It is compiled, and its variables and functions \
are checked, when the file is read. What it gives is JSON.

- Texts stand in single or double quotes: `'user'`. A text alone is still an expression: `type: '\"user\"'`.
- `item.name` is the key `name` of `item`; keys that are no names stand in backticks, ``item.`content-type` ``, or in \
brackets, `item['content-type']`.
- A key that is absent is an error: ask with `has(item.name)`, or write `item.?name.orValue('')`. A key whose value is \
null is there.
- Operations take values of their kind: `1 + 'a'` and `1 + 1.5` are errors, nothing is converted by itself. JSON numbers \
without fraction and exponent are `int` (`uint` from 2⁶³), others `double`. Whole numbers beyond 64 bits keep their \
digits, can be compared with `==` and written with `string(…)`, and nothing else.
- Loops over an object go by its keys, in their order.
- As a result, bytes become Base64, times RFC 3339, durations seconds (`90s`), an optional what it holds or null. Kinds, \
infinite numbers, and objects with two keys of one spelling are errors.
- At most 2,000 bytes, 64 operations below each other, 2 loops inside each other; a function makes texts of at most 1 MiB \
and lists of at most 1,000,000 items.
";

pub(super) fn draw() -> String {
    let mut page = LEAD.to_owned();
    page.push_str("\n## Operators\n\n| Written | Meaning | Example | Gives |\n| --- | --- | --- | --- |\n");
    for operator in operators::OPERATORS {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            code(operator.written),
            operator.meaning,
            code(operator.example),
            code(operator.result)
        );
    }
    for group in functions::GROUPS {
        let _ = write!(
            page,
            "\n## {}\n\n| Function | Meaning | Example | Gives |\n| --- | --- | --- | --- |\n",
            group.title
        );
        for function in group.functions {
            let signatures: Vec<_> = function.signature.split(", ").fold(Vec::new(), joined);
            let signatures: Vec<_> = signatures.iter().map(|signature| code(signature)).collect();
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} |",
                signatures.join("<br>"),
                function.meaning,
                code(function.example),
                code(function.result)
            );
        }
    }
    page.push_str(
        "\n## What differs from the published language\n\nThe cases of the CEL specification that need neither protobuf \
         messages nor functions that are not listed here are run as tests. Those that fail do so on purpose:\n\n",
    );
    for gap in GAPS {
        let _ = writeln!(page, "- {} ({} cases).", gap.reason, gap.cases.len());
    }
    page.push_str(
        "\nBesides, `list + object` is an error, and functions whose results nothing bounds (`lists.range`, `format`) are \
         left out.\n",
    );
    page
}

/// Puts signatures back together that were cut between two arguments.
fn joined(mut signatures: Vec<String>, part: &str) -> Vec<String> {
    match signatures.last_mut() {
        Some(last) if !last.contains('→') => {
            last.push_str(", ");
            last.push_str(part);
        }
        _ => signatures.push(part.to_owned()),
    }
    signatures
}

/// `text` as code in a cell of a table.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
