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

use function::Function;

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
        self.root.value(fields)
    }
}

impl Node {
    fn value(&self, fields: &[ValueRef<'_>]) -> Result<Value, Problem> {
        match self {
            Node::Literal(value) => Ok(value.clone()),
            Node::Field(place) => Ok(fields.get(*place).map_or(Value::Null, |value| value.to_value())),
            Node::Not(inner) => Ok(Value::Bool(!inner.truth(fields)?)),
            Node::Negative(inner) => operator::negative(&inner.value(fields)?),
            Node::All(parts) => {
                for part in parts {
                    if !part.truth(fields)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Ok(Value::Bool(true))
            }
            Node::Any(parts) => {
                for part in parts {
                    if part.truth(fields)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Node::Compare(left, is, right) => {
                operator::compare(&left.value(fields)?, *is, &right.value(fields)?).map(Value::Bool)
            }
            Node::OneOf(one, of) => {
                let one = one.value(fields)?;
                for other in of {
                    if operator::equal(&one, &other.value(fields)?) {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Node::Arithmetic(left, how, right) => {
                operator::arithmetic(left.value(fields)?, *how, right.value(fields)?)
            }
            Node::Choose(parts) => {
                let [condition, this, that] = &**parts;
                if condition.truth(fields)? { this.value(fields) } else { that.value(fields) }
            }
            Node::Call(function, arguments) => {
                let arguments: Vec<Value> =
                    arguments.iter().map(|argument| argument.value(fields)).collect::<Result<_, _>>()?;
                function.call(&arguments)
            }
        }
    }

    fn truth(&self, fields: &[ValueRef<'_>]) -> Result<bool, Problem> {
        match self.value(fields)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(Problem::new(
                format!("a {} is neither true nor false", other.kind()),
                "compare it: `field == value`, `not blank(field)`",
            )),
        }
    }
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
