use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use model::visible;

/// A table for a person, as wide as the terminal at most; the columns at `numbers` are set to the right.
///
/// A cell may have lines; everything else that could move the cursor or not be seen is written out.
/// What comes from outside has no lines of its own either: whoever makes the cell sees to it with
/// [`visible`].
pub(crate) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    numbers: &[usize],
) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heading);
    for row in rows {
        table.add_row(row.map(|cell| cell.split('\n').map(visible).collect::<Vec<_>>().join("\n")));
    }
    for number in numbers {
        if let Some(column) = table.column_mut(*number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_lines_and_shows_what_would_not_be_seen() {
        let drawn = table(["a"], [["one\ntwo\u{1b}[2K\u{202e}".to_owned()]], &[]);

        assert!(drawn.contains(r"two\u{1b}[2K\u{202e}"), "{drawn}");
        assert!(drawn.lines().any(|line| line.contains("one") && !line.contains("two")), "{drawn}");
    }
}
