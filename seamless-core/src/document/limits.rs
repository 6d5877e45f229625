//! How large a document may be. What goes beyond is refused by name, never cut.
//!
//! The door is the list of constants; [`Limits`] lets tests meet them cheaply.

/// Bytes of a document. Declarations of a whole system with thousands of fields stay below a tenth
/// of it; data belongs into tables.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Sequences and mappings inside each other. It bounds the stack of whoever walks a tree.
pub const DEPTH_MAX: usize = 64;

/// Nodes of a document, keys counted too. It bounds memory to some hundred megabytes.
pub const NODES_MAX: usize = 2_000_000;

/// Characters of a key: the limit of YAML itself for a key without `?`.
pub const KEY_CHARACTERS_MAX: usize = 1024;

/// Errors of one document after which reading stops.
pub const ERRORS_MAX: usize = 100;

/// Warnings of one document after which the others are only counted.
pub const WARNINGS_MAX: usize = 100;

/// The limits of one reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) document_bytes_max: usize,
    pub(super) nodes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { document_bytes_max: DOCUMENT_BYTES_MAX, nodes_max: NODES_MAX }
    }
}
