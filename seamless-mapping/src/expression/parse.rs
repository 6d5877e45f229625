//! Reading an expression: words, then a tree. Bounded by the length of the text and by depth.

use std::ops::Range;
use std::sync::Arc;

use seamless_core::document::did_you_mean;
use seamless_core::model::{Comparison, DEPTH_MAX, Decimal, FieldName, Value};

use super::function::{FUNCTIONS, Function, writes};
use super::{Arithmetic, Expression, Node};
use crate::words::{Piece, pieces};

/// Bytes of an expression at most: what a person still reads.
pub const SOURCE_BYTES_MAX: usize = 4096;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseProblem {
    /// The bytes that it concerns.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl ParseProblem {
    fn new(range: Range<usize>, message: impl Into<String>, help: &str) -> Self {
        Self { range, message: message.into(), help: Some(help.to_owned()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    And,
    Or,
    Not,
    In,
    Is(Comparison),
    Arithmetic(Arithmetic),
    Question,
    Colon,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(Sign),
    Word(String),
    Field(String),
    Text(String),
    /// A parameter.
    Value(Value),
}

const SIGNS: &[(&str, Sign)] = &[
    ("==", Sign::Is(Comparison::Equal)),
    ("!=", Sign::Is(Comparison::NotEqual)),
    ("<=", Sign::Is(Comparison::LessOrEqual)),
    (">=", Sign::Is(Comparison::GreaterOrEqual)),
    ("<", Sign::Is(Comparison::Less)),
    (">", Sign::Is(Comparison::Greater)),
    ("&&", Sign::And),
    ("||", Sign::Or),
    ("!", Sign::Not),
    ("(", Sign::Open),
    (")", Sign::Close),
    ("[", Sign::ListOpen),
    ("]", Sign::ListClose),
    (",", Sign::Comma),
];

/// Signs that names may hold, and words: they stand alone.
const WORDS: &[(&str, Sign)] = &[
    ("and", Sign::And),
    ("or", Sign::Or),
    ("not", Sign::Not),
    ("in", Sign::In),
    ("+", Sign::Arithmetic(Arithmetic::Plus)),
    ("-", Sign::Arithmetic(Arithmetic::Minus)),
    ("*", Sign::Arithmetic(Arithmetic::Times)),
    ("?", Sign::Question),
    (":", Sign::Colon),
];

/// What a word or text is with its parameters put in; `None` where it has none. Errors: message and help.
pub(crate) type PutIn<'a> = dyn Fn(&str) -> Result<Option<Value>, (String, Option<String>)> + 'a;

pub(super) fn parse(source: &str, put_in: &PutIn<'_>) -> Result<Expression, ParseProblem> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the expression has {} bytes, more than {SOURCE_BYTES_MAX}", source.len());
        return Err(ParseProblem::new(0..source.len(), message, "register a function of the host: `custom`"));
    }
    let mut tokens = tokens(source)?;
    let mut parameters = Vec::new();
    for (token, range) in &mut tokens {
        let (Token::Word(text) | Token::Text(text)) = &*token else { continue };
        let value =
            put_in(text).map_err(|(message, help)| ParseProblem { range: range.clone(), message, help })?;
        let Some(value) = value else { continue };
        parameters.push(value.clone());
        // In quotes even a parameter of another type is meant as text.
        *token = Token::Value(match (&*token, value) {
            (Token::Text(_), value) if !matches!(value, Value::Text(_)) => Value::text(&value.to_string()),
            (_, value) => value,
        });
    }
    let mut parser = Parser { tokens: &tokens, next: 0, end: source.len(), depth: 0, fields: Vec::new() };
    let root = parser.choice()?;
    if let Some((_, range)) = parser.peek() {
        return Err(ParseProblem::new(
            range.clone(),
            "the expression ends before this",
            "operators have blanks around them; put a name that holds a blank in backticks",
        ));
    }
    let writes = match &root {
        Node::Call(function, _) => writes(function),
        _ => None,
    };
    Ok(Expression { source: Arc::from(source), parameters, fields: parser.fields, root, writes })
}

fn tokens(source: &str) -> Result<Vec<(Token, Range<usize>)>, ParseProblem> {
    let pieces =
        pieces(source, SIGNS).map_err(|uncut| ParseProblem::new(uncut.range, uncut.message, &uncut.help))?;
    let token = |(piece, range): (Piece<Sign>, Range<usize>)| {
        let token = match piece {
            Piece::Sign(sign) => Token::Sign(sign),
            Piece::Quoted(name, '`') => Token::Field(name),
            Piece::Quoted(text, _) => Token::Text(text),
            Piece::Bare(word) => match WORDS.iter().find(|(text, _)| *text == word) {
                Some((_, sign)) => Token::Sign(*sign),
                None => Token::Word(word),
            },
        };
        (token, range)
    };
    Ok(pieces.into_iter().map(token).collect())
}

struct Parser<'a> {
    tokens: &'a [(Token, Range<usize>)],
    next: usize,
    end: usize,
    depth: usize,
    fields: Vec<FieldName>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a (Token, Range<usize>)> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, sign: Sign) -> bool {
        let found = matches!(self.peek(), Some((Token::Sign(found), _)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |(_, range)| range.clone())
    }

    fn expect(&mut self, sign: Sign, text: &str) -> Result<(), ParseProblem> {
        if self.take(sign) {
            return Ok(());
        }
        Err(ParseProblem::new(
            self.here(),
            format!("`{text}` is expected here"),
            &format!("write `{text}`, or take out what it belongs to"),
        ))
    }

    /// One level deeper, for as long as `read` takes.
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ParseProblem>,
    ) -> Result<T, ParseProblem> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the expression is nested deeper than {DEPTH_MAX}");
            return Err(ParseProblem::new(self.here(), message, "register a function of the host: `custom`"));
        }
        let made = read(self);
        self.depth -= 1;
        made
    }

    fn choice(&mut self) -> Result<Node, ParseProblem> {
        let condition = self.any()?;
        if !self.take(Sign::Question) {
            return Ok(condition);
        }
        self.deeper(|parser| {
            let this = parser.choice()?;
            parser.expect(Sign::Colon, ":")?;
            let that = parser.choice()?;
            Ok(Node::Choose(Box::new([condition, this, that])))
        })
    }

    fn any(&mut self) -> Result<Node, ParseProblem> {
        let mut parts = vec![self.all()?];
        while self.take(Sign::Or) {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Node::Any))
    }

    fn all(&mut self) -> Result<Node, ParseProblem> {
        let mut parts = vec![self.negation()?];
        while self.take(Sign::And) {
            parts.push(self.negation()?);
        }
        Ok(one_or(parts, Node::All))
    }

    fn negation(&mut self) -> Result<Node, ParseProblem> {
        if self.take(Sign::Not) {
            return self.deeper(|parser| Ok(Node::Not(Box::new(parser.negation()?))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Node, ParseProblem> {
        let left = self.sum()?;
        if self.take(Sign::In) {
            self.expect(Sign::ListOpen, "[")?;
            let values = self.listed(Sign::ListClose, "]")?;
            return Ok(Node::OneOf(Box::new(left), values));
        }
        let Some((Token::Sign(Sign::Is(is)), _)) = self.peek() else { return Ok(left) };
        self.next += 1;
        let right = self.sum()?;
        Ok(Node::Compare(Box::new(left), *is, Box::new(right)))
    }

    fn sum(&mut self) -> Result<Node, ParseProblem> {
        let depth = self.depth;
        let mut sum = self.product()?;
        loop {
            let how = match self.peek() {
                Some((Token::Sign(Sign::Arithmetic(how)), _)) if *how != Arithmetic::Times => *how,
                _ => break,
            };
            self.next += 1;
            sum = self.chained(sum, how, Self::product)?;
        }
        self.depth = depth;
        Ok(sum)
    }

    fn product(&mut self) -> Result<Node, ParseProblem> {
        let depth = self.depth;
        let mut product = self.primary()?;
        while self.take(Sign::Arithmetic(Arithmetic::Times)) {
            product = self.chained(product, Arithmetic::Times, Self::primary)?;
        }
        self.depth = depth;
        Ok(product)
    }

    /// A chain of operators is as deep as it is long: each one is a level of the tree.
    fn chained(
        &mut self,
        left: Node,
        how: Arithmetic,
        read: impl FnOnce(&mut Self) -> Result<Node, ParseProblem>,
    ) -> Result<Node, ParseProblem> {
        let right = self.deeper(read)?;
        self.depth += 1;
        Ok(Node::Arithmetic(Box::new(left), how, Box::new(right)))
    }

    fn primary(&mut self) -> Result<Node, ParseProblem> {
        if self.take(Sign::Open) {
            let inner = self.deeper(Self::choice)?;
            return self.expect(Sign::Close, ")").map(|()| inner);
        }
        if self.take(Sign::Arithmetic(Arithmetic::Minus)) {
            return self.deeper(|parser| Ok(Node::Negative(Box::new(parser.primary()?))));
        }
        let Some((token, range)) = self.peek() else {
            return Err(ParseProblem::new(self.here(), "a value is expected here", "name a field"));
        };
        self.next += 1;
        match token {
            Token::Text(text) => Ok(Node::Literal(Value::text(text))),
            Token::Value(value) => Ok(Node::Literal(value.clone())),
            Token::Field(name) => Ok(self.field(name)),
            Token::Word(word) if matches!(self.peek(), Some((Token::Sign(Sign::Open), _))) => {
                self.call(word, range)
            }
            Token::Word(word) => Ok(literal(word).map_or_else(|| self.field(word), Node::Literal)),
            Token::Sign(_) => Err(ParseProblem::new(
                range.clone(),
                "a value is expected here",
                "operators stand between two values; put a hostile name in backticks",
            )),
        }
    }

    fn field(&mut self, name: &str) -> Node {
        let known = self.fields.iter().position(|field| field.as_str() == name);
        Node::Field(known.unwrap_or_else(|| {
            self.fields.push(FieldName::from(name));
            self.fields.len() - 1
        }))
    }

    fn call(&mut self, word: &str, range: &Range<usize>) -> Result<Node, ParseProblem> {
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == word) else {
            let help = did_you_mean(word, FUNCTIONS.iter().map(|function| function.name));
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            let help = help.unwrap_or_else(|| format!("there are {}", names.join(", ")));
            let message = format!("no function is called `{word}`");
            return Err(ParseProblem::new(range.clone(), message, &help));
        };
        self.next += 1;
        let arguments = match self.take(Sign::Close) {
            true => Vec::new(),
            false => self.listed(Sign::Close, ")")?,
        };
        let (least, most) = function.arguments;
        if arguments.len() < least || arguments.len() > most {
            let Function { name, takes, .. } = function;
            let message = format!("`{name}` is given {} values", arguments.len());
            return Err(ParseProblem::new(range.clone(), message, &format!("write `{name}({takes})`")));
        }
        Ok(Node::Call(function, arguments))
    }

    fn listed(&mut self, end: Sign, text: &str) -> Result<Vec<Node>, ParseProblem> {
        let mut values = vec![self.deeper(Self::choice)?];
        while self.take(Sign::Comma) {
            values.push(self.deeper(Self::choice)?);
        }
        self.expect(end, text).map(|()| values)
    }
}

/// A word that is a value and no name.
fn literal(word: &str) -> Option<Value> {
    match word {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ if word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) => {
            word.parse().map(Value::Int).ok().or_else(|| word.parse::<Decimal>().ok().map(Value::Decimal))
        }
        _ => None,
    }
}

fn one_or(mut parts: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Node::Literal(Value::Bool(true)),
    }
}
