//! Expressions: values worked out from the fields of one side. A part of CEL's syntax, with exact decimals.
//!
//! Grammar, loosest first: `condition ? this : that`; `or` (`||`), `and` (`&&`), `not` (`!`); `==` `!=` `<` `<=` `>` `>=`
//! and `x in [a, b]`; `+` `-`; `*`; then a number, a text in single or double quotes, `true`, `false`, `null`, a field
//! (a bare word, or in backticks), a function of [`FUNCTIONS`], or an expression in parentheses. Operators have blanks
//! around them, since names hold `-`, `.` and `/`.
//!
//! Nothing loops: the work is bounded by the text, which has at most [`SOURCE_BYTES_MAX`] bytes and is nested at most
//! [`DEPTH_MAX`](seamless_core::model::DEPTH_MAX) deep; a text that comes out has at most [`TEXT_BYTES_MAX`] bytes, a
//! number as many digits as a decimal may have. Pure: the same fields give the same value. The doors are
//! [`Expression::parse`] and [`Expression::value`].

mod calendar;
mod function;
mod operator;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use seamless_core::model::{Comparison, FieldName, Value, ValueRef};
use serde::{Serialize, Serializer};

pub use function::FUNCTIONS;
pub(crate) use parse::PutIn;
pub use parse::{ParseProblem, SOURCE_BYTES_MAX};

use function::{Function, Writes};

/// Bytes of a text that an expression may make.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    /// The values of the parameters that stand in the text, in their order.
    parameters: Vec<Value>,
    fields: Vec<FieldName>,
    root: Node,
    /// How the text that the whole expression makes is written where there is room for it already.
    writes: Option<Writes>,
}

/// What an expression is made of.
#[derive(Clone, Debug)]
enum Node {
    Literal(Value),
    /// A place in the fields of the expression.
    Field(usize),
    Not(Box<Node>),
    Negative(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Compare(Box<Node>, Comparison, Box<Node>),
    OneOf(Box<Node>, Vec<Node>),
    Arithmetic(Box<Node>, Arithmetic, Box<Node>),
    Choose(Box<[Node; 3]>),
    Call(&'static Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Plus,
    Minus,
    Times,
}

/// Why an expression has no value for what the fields hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in words.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Problem {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

impl Expression {
    /// Reads an expression.
    ///
    /// Errors: what is no expression, with the bytes that it concerns.
    pub fn parse(source: &str) -> Result<Self, ParseProblem> {
        parse::parse(source, &|_| Ok(None))
    }

    /// Reads an expression with parameters (`${name}`) in its words and texts, which `put_in` knows: they are put in
    /// after the text was cut into words, so that no value changes what the expression means.
    pub(crate) fn parse_with(source: &str, put_in: &PutIn<'_>) -> Result<Self, ParseProblem> {
        parse::parse(source, put_in)
    }

    /// The fields that it looks at, in order of appearance.
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// The text that it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The value for what the fields hold, in the order of [`Expression::fields`].
    ///
    /// Errors: values that an operator or a function does not take, numbers and texts that grow beyond their limits.
    pub fn value(&self, fields: &[ValueRef<'_>]) -> Result<Value, Problem> {
        self.root.worth(fields).map(Worth::into_value)
    }

    /// The value, where it is lent by the fields or the expression, or a text, which is then put into `scratch`.
    pub(crate) fn lent<'a>(
        &'a self,
        fields: &[ValueRef<'a>],
        scratch: &'a mut String,
    ) -> Option<ValueRef<'a>> {
        if let (Some(writes), Node::Call(_, arguments)) = (self.writes, &self.root) {
            let mut at_hand = [ValueRef::Null; ARGUMENTS_AT_HAND];
            let given = at_hand.get_mut(..arguments.len())?;
            let mut lent = true;
            for (place, argument) in given.iter_mut().zip(arguments) {
                match argument.worth(fields).ok()? {
                    Worth::Lent(value) => *place = value,
                    Worth::Text(_) | Worth::Made(_) => lent = false,
                }
            }
            if lent && writes(given, scratch) {
                return Some(ValueRef::Text(scratch));
            }
            scratch.clear();
        }
        match self.root.worth(fields).ok()? {
            Worth::Lent(value) => Some(value),
            Worth::Text(text) => {
                *scratch = text;
                Some(ValueRef::Text(scratch))
            }
            Worth::Made(_) => None,
        }
    }
}

/// What a part of an expression is worth: lent by the fields or the expression itself where it can be, so that looking at a
/// field allocates nothing.
#[derive(Debug)]
pub(crate) enum Worth<'a> {
    Lent(ValueRef<'a>),
    /// A text that was made.
    Text(String),
    /// Another value that was made.
    Made(Value),
}

impl<'a> Worth<'a> {
    fn text(text: &'a str) -> Self {
        Worth::Lent(ValueRef::Text(text))
    }

    pub(crate) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Worth::Lent(value) => *value,
            Worth::Text(text) => ValueRef::Text(text),
            Worth::Made(value) => value.as_ref(),
        }
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Worth::Lent(value) => value.to_value(),
            Worth::Text(text) => Value::Text(text.into()),
            Worth::Made(value) => value,
        }
    }

    /// The same, lent by nobody.
    fn kept(self) -> Worth<'static> {
        match self {
            Worth::Lent(ValueRef::Null) => Worth::Lent(ValueRef::Null),
            Worth::Lent(ValueRef::Text(text)) => Worth::Text(text.to_owned()),
            Worth::Lent(value) => Worth::Made(value.to_value()),
            Worth::Text(text) => Worth::Text(text),
            Worth::Made(value) => Worth::Made(value),
        }
    }
}

/// Arguments of a call that are gathered without an allocation.
const ARGUMENTS_AT_HAND: usize = 3;

impl Node {
    fn worth<'a>(&'a self, fields: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
        let truth = |truth: bool| Worth::Lent(ValueRef::Bool(truth));
        match self {
            Node::Literal(value) => Ok(Worth::Lent(value.as_ref())),
            Node::Field(place) => Ok(Worth::Lent(fields.get(*place).copied().unwrap_or(ValueRef::Null))),
            Node::Not(inner) => Ok(truth(!inner.truth(fields)?)),
            Node::Negative(inner) => operator::negative(inner.worth(fields)?.as_ref()),
            Node::All(parts) => {
                for part in parts {
                    if !part.truth(fields)? {
                        return Ok(truth(false));
                    }
                }
                Ok(truth(true))
            }
            Node::Any(parts) => {
                for part in parts {
                    if part.truth(fields)? {
                        return Ok(truth(true));
                    }
                }
                Ok(truth(false))
            }
            Node::Compare(left, is, right) => {
                let (left, right) = (left.worth(fields)?, right.worth(fields)?);
                operator::compare(left.as_ref(), *is, right.as_ref()).map(truth)
            }
            Node::OneOf(one, of) => {
                let one = one.worth(fields)?;
                for other in of {
                    if operator::equal(one.as_ref(), other.worth(fields)?.as_ref()) {
                        return Ok(truth(true));
                    }
                }
                Ok(truth(false))
            }
            Node::Arithmetic(left, how, right) => {
                let (left, right) = (left.worth(fields)?, right.worth(fields)?);
                operator::arithmetic(left, *how, right.as_ref())
            }
            Node::Choose(parts) => {
                let [condition, this, that] = &**parts;
                if condition.truth(fields)? { this.worth(fields) } else { that.worth(fields) }
            }
            Node::Call(function, arguments) => called(function, arguments, fields),
        }
    }

    fn truth(&self, fields: &[ValueRef<'_>]) -> Result<bool, Problem> {
        match self.worth(fields)?.as_ref() {
            ValueRef::Bool(truth) => Ok(truth),
            other => Err(Problem::new(
                format!("a {} is neither true nor false", other.kind()),
                "compare it: `field == value`, `not blank(field)`",
            )),
        }
    }
}

/// A call: where all arguments are lent, so may be what it gives.
fn called<'a>(
    function: &Function,
    arguments: &'a [Node],
    fields: &[ValueRef<'a>],
) -> Result<Worth<'a>, Problem> {
    let mut at_hand = [ValueRef::Null; ARGUMENTS_AT_HAND];
    let mut lent = arguments.len() <= ARGUMENTS_AT_HAND;
    let mut made: Vec<Worth<'a>> = Vec::new();
    for (place, argument) in arguments.iter().enumerate() {
        match (argument.worth(fields)?, at_hand.get_mut(place)) {
            (Worth::Lent(value), Some(cell)) if lent => *cell = value,
            (worth, _) => {
                if std::mem::replace(&mut lent, false) || made.is_empty() {
                    made.extend(at_hand.iter().take(place).map(|value| Worth::Lent(*value)));
                }
                made.push(worth);
            }
        }
    }
    if lent {
        return function.call(at_hand.get(..arguments.len()).unwrap_or_default());
    }
    let values: Vec<ValueRef<'_>> = made.iter().map(Worth::as_ref).collect();
    function.call(&values).map(Worth::kept)
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.parameters == other.parameters
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.parameters.as_slice() {
            [] => serializer.serialize_str(&self.source),
            parameters => (&self.source, parameters).serialize(serializer),
        }
    }
}
