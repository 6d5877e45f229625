//! Rules that embed one row of a list, in Rust. The door is [`embed`].

use seamless_core::model::{Condition, FieldName, Several, Side, Value};

use super::names;
use crate::declaration::{EmbedDecl, IfBlank, KindDecl, RuleDecl};

/// Fields of the left are one row of a list of the right: the fields of the row in the same order, and which row it is. The
/// row is left alone when all fields are blank, unless [`RuleDecl::if_blank`] says otherwise.
pub fn embed<const N: usize>(left: [&str; N], right: &str, row: [&str; N], condition: Condition) -> RuleDecl {
    let declared = EmbedDecl {
        list: Some(Side::Right),
        fields: names(row),
        condition,
        several: Several::Park,
        make: Vec::new(),
        if_blank: IfBlank::Leave,
        rules: Vec::new(),
    };
    RuleDecl::new(KindDecl::Embed(declared), names(left), names([right]))
}

impl RuleDecl {
    fn of_row(mut self, change: impl FnOnce(&mut EmbedDecl)) -> Self {
        if let KindDecl::Embed(embed) = &mut self.kind {
            change(embed);
        }
        self
    }

    /// What becomes of an embedded row when all of its fields are blank; says nothing to other rules.
    #[must_use]
    pub fn if_blank(self, policy: IfBlank) -> Self {
        self.of_row(|embed| embed.if_blank = policy)
    }

    /// Which embedded row is meant where several fit; says nothing to other rules.
    #[must_use]
    pub fn several(self, policy: Several) -> Self {
        self.of_row(|embed| embed.several = policy)
    }

    /// What an embedded row that is made holds in a field; says nothing to other rules.
    #[must_use]
    pub fn makes(self, field: &str, value: impl Into<Value>) -> Self {
        self.of_row(|embed| embed.make.push((FieldName::from(field), value.into())))
    }

    /// A rule between fields and an embedded row, instead of copying; says nothing to other rules.
    #[must_use]
    pub fn row_rule(self, rule: RuleDecl) -> Self {
        self.of_row(|embed| embed.rules.push(rule))
    }
}
