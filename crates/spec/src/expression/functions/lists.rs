//! Functions of lists.

use super::{Function, Style};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "distinct",
        style: Style::Method,
        arguments: (0, 0),
        signature: "list.distinct() → list",
        meaning: "each item once, where it first stands",
        example: "[2, 1, 2].distinct()",
        result: "[2, 1]",
    },
    Function {
        name: "flatten",
        style: Style::Method,
        arguments: (0, 1),
        signature: "list.flatten() → list, list.flatten(int) → list",
        meaning: "the items of the lists in it in place of those lists, one level deep or as many as said",
        example: "[[1], [2, [3]]].flatten()",
        result: "[1, 2, [3]]",
    },
    Function {
        name: "slice",
        style: Style::Method,
        arguments: (2, 2),
        signature: "list.slice(int, int) → list",
        meaning: "the items from the first position up to, not including, the second; an error beyond the end",
        example: "[1, 2, 3, 4].slice(1, 3)",
        result: "[2, 3]",
    },
    Function {
        name: "sort",
        style: Style::Method,
        arguments: (0, 0),
        signature: "list.sort() → list",
        meaning: "the items in ascending order, all texts, all whole numbers or the like",
        example: "['b', 'a'].sort()",
        result: r#"["a", "b"]"#,
    },
];
