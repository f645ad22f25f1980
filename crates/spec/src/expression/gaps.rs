//! Published conformance cases that are known to fail, each with the reason.
//!
//! The reference page lists them, and a test fails as soon as one of them passes.

/// Cases that fail for one reason.
#[derive(Debug)]
pub struct Gap {
    /// Why, as a sentence without a full stop.
    pub reason: &'static str,
    /// The cases, as `file/section/name`.
    pub cases: &'static [&'static str],
}

/// All known gaps.
pub const GAPS: &[Gap] = &[
    Gap {
        reason: "a variable's name holds no dot: `a.b` is always the key `b` of the variable `a`",
        cases: &[
            "fields/qualified_identifier_resolution/qualified_ident",
            "fields/qualified_identifier_resolution/map_field_select",
            "fields/qualified_identifier_resolution/qualified_identifier_resolution_unchecked",
            "fields/qualified_identifier_resolution/ident_with_longest_prefix_check",
        ],
    },
    Gap {
        reason: "a call of an unknown function is refused when the file is read, even where its result would not matter",
        cases: &[
            "parse/receiver_function_names/as",
            "parse/receiver_function_names/break",
            "parse/receiver_function_names/const",
            "parse/receiver_function_names/continue",
            "parse/receiver_function_names/else",
            "parse/receiver_function_names/for",
            "parse/receiver_function_names/function",
            "parse/receiver_function_names/if",
            "parse/receiver_function_names/import",
            "parse/receiver_function_names/let",
            "parse/receiver_function_names/loop",
            "parse/receiver_function_names/package",
            "parse/receiver_function_names/namespace",
            "parse/receiver_function_names/return",
            "parse/receiver_function_names/var",
            "parse/receiver_function_names/void",
            "parse/receiver_function_names/while",
        ],
    },
];
