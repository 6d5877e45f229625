//! Bytes to write to and to read from, and the stored forms of what has parts of any kind: numbers, text, options,
//! lists, sides. Numbers are written in groups of seven bits, lowest first, so that small ones take one byte.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::{DEPTH_MAX, FORM_VERSION, NumberOf, ShapeOf, corrupt};
use crate::model::{Error, ErrorKind, Result, RuledFields, Shape, Sides};

/// Something with a stored form. `take` reads exactly what `put` wrote.
pub(in crate::store) trait Form: Sized {
    /// Appends the form.
    fn put(&self, to: &mut Writer<'_>) -> Result<()>;

    /// Reads the form.
    fn take(from: &mut Reader<'_>) -> Result<Self>;
}

/// Where forms are appended.
pub(in crate::store) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    number_of: &'a mut NumberOf<'a>,
    depth: u32,
}

impl<'a> Writer<'a> {
    /// Opens a form: its version comes first.
    pub(in crate::store) fn new<'b: 'a>(out: &'a mut Vec<u8>, number_of: &'a mut NumberOf<'b>) -> Self {
        out.push(FORM_VERSION);
        Self { out, number_of, depth: 0 }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// How many bytes there are.
    pub(super) fn written(&self) -> usize {
        self.out.len()
    }

    /// Whether the same bytes stand in two places.
    pub(super) fn is_same(&self, one: &Range<usize>, other: &Range<usize>) -> bool {
        one.len() == other.len() && self.out.get(one.clone()) == self.out.get(other.clone())
    }

    /// Takes back what was written from a place on.
    pub(super) fn take_back(&mut self, place: usize) {
        self.out.truncate(place);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    /// A number that may be negative: the sign goes to the lowest bit.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(super) fn shape(&mut self, shape: &Arc<Shape>) -> Result<()> {
        let number = (self.number_of)(shape)?;
        self.number(u64::from(number));
        Ok(())
    }

    /// Writes what is inside of a value.
    pub(super) fn nested(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.depth >= DEPTH_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("values are nested deeper than {DEPTH_MAX}"))
                .with_remedy("leave the field out of the mapping"));
        }
        self.depth += 1;
        let written = write(self);
        self.depth -= 1;
        written
    }
}

/// Where forms are read from.
pub(in crate::store) struct Reader<'a> {
    bytes: &'a [u8],
    shape_of: &'a ShapeOf<'a>,
    names: Option<&'a RefCell<Names>>,
    depth: u32,
}

/// Names that were read from a page of forms. The entries of a page repeat the same names in the same order, so the next
/// one is nearly always the one that came next before; it is shared then, and not allocated again.
#[derive(Debug, Default)]
pub(in crate::store) struct Names {
    known: Vec<Arc<str>>,
    next: usize,
    /// The fields that the last action changed.
    fields: Option<Arc<RuledFields>>,
}

/// Names that are looked at before one is taken for new.
const NAMES_TRIED: usize = 8;

/// Names that are kept: two for each field of a wide record.
const NAMES_KEPT: usize = 1024;

impl Names {
    fn get(&mut self, text: &str) -> Arc<str> {
        let (before, after) = self.known.split_at_checked(self.next).unwrap_or_default();
        let mut tried = after.iter().chain(before).take(NAMES_TRIED);
        if let Some(ahead) = tried.position(|name| **name == *text) {
            let at = (self.next + ahead) % self.known.len().max(1);
            self.next = at + 1;
            return self.known.get(at).map_or_else(|| text.into(), Arc::clone);
        }
        let name: Arc<str> = text.into();
        if self.known.len() < NAMES_KEPT {
            self.known.push(Arc::clone(&name));
            self.next = self.known.len();
        }
        name
    }
}

impl<'a> Reader<'a> {
    /// Opens a form of the version that this build knows.
    pub(in crate::store) fn open(bytes: &'a [u8], shape_of: &'a ShapeOf<'a>) -> Result<Self> {
        Self::open_with(bytes, shape_of, None)
    }

    /// The same, with the names that other forms of the page have.
    pub(in crate::store) fn open_with(
        bytes: &'a [u8],
        shape_of: &'a ShapeOf<'a>,
        names: Option<&'a RefCell<Names>>,
    ) -> Result<Self> {
        let mut from = Self { bytes, shape_of, names, depth: 0 };
        match from.byte()? {
            FORM_VERSION => Ok(from),
            other => Err(Error::new(
                ErrorKind::Corrupt,
                format!("a stored form has version {other}, this build knows {FORM_VERSION}"),
            )
            .with_remedy("use the version of the program that wrote the store, or a newer one")),
        }
    }

    /// Closes the form: nothing may follow.
    pub(in crate::store) fn end(&self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(corrupt("bytes follow the end of a stored form")) }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or_else(cut_off)?;
        self.bytes = rest;
        Ok(*byte)
    }

    /// Passes over the next byte if it is this one.
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        match self.bytes.split_first() {
            Some((next, rest)) if *next == byte => {
                self.bytes = rest;
                true
            }
            _ => false,
        }
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.bytes.split_at_checked(length).ok_or_else(cut_off)?;
        self.bytes = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self.bytes.split_first_chunk::<N>().ok_or_else(cut_off)?;
        self.bytes = rest;
        Ok(*bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(corrupt("a stored number is too large"))
    }

    pub(super) fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number that must fit a smaller type.
    pub(super) fn narrow<T: TryFrom<u64>>(&mut self) -> Result<T> {
        T::try_from(self.number()?).map_err(|_| corrupt("a stored number is too large"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.narrow()?;
        self.raw(length)
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| corrupt("a stored text is not UTF-8"))
    }

    /// A text that many forms repeat.
    pub(super) fn name(&mut self) -> Result<Arc<str>> {
        let text = self.text()?;
        Ok(self.names.map_or_else(|| text.into(), |names| names.borrow_mut().get(text)))
    }

    /// The fields that the last action of the page changed.
    pub(super) fn fields(&self) -> Option<Arc<RuledFields>> {
        self.names.and_then(|names| names.borrow().fields.clone())
    }

    pub(super) fn keep_fields(&self, fields: &Arc<RuledFields>) {
        if let Some(names) = self.names {
            names.borrow_mut().fields = Some(Arc::clone(fields));
        }
    }

    /// Where reading stands, to go back to.
    pub(super) fn place(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn go_back(&mut self, place: &'a [u8]) {
        self.bytes = place;
    }

    /// How many things follow, each of at least one byte.
    pub(super) fn count(&mut self) -> Result<usize> {
        let count = self.narrow()?;
        if count > self.bytes.len() { Err(cut_off()) } else { Ok(count) }
    }

    pub(super) fn shape(&mut self) -> Result<Arc<Shape>> {
        let number = self.narrow()?;
        (self.shape_of)(number)
    }

    /// Reads what is inside of a value.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(corrupt(format!("stored values are nested deeper than {DEPTH_MAX}")));
        }
        self.depth += 1;
        let content = read(self);
        self.depth -= 1;
        content
    }
}

/// Room to set aside for things whose number came from bytes: never more than this before they are read.
pub(super) const ROOM_MAX: usize = 256;

fn cut_off() -> Error {
    corrupt("a stored form is cut off")
}

/// The error of a tag that no table has.
pub(super) fn unknown_tag(of: &str, tag: u8) -> Error {
    corrupt(format!("no stored {of} has the tag {tag}"))
}

impl Form for bool {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.byte(u8::from(*self));
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(unknown_tag("yes or no", tag)),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Form for $number {
            fn put(&self, to: &mut Writer<'_>) -> Result<()> {
                to.number(u64::from(*self));
                Ok(())
            }

            fn take(from: &mut Reader<'_>) -> Result<Self> {
                from.narrow()
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

impl Form for String {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.bytes(self.as_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        from.text().map(str::to_owned)
    }
}

impl<T: Form> Form for Option<T> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.is_some().put(to)?;
        self.as_ref().map_or(Ok(()), |content| content.put(to))
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Form> Form for Vec<T> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.number(self.len() as u64);
        self.iter().try_for_each(|content| content.put(to))
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count()?;
        let mut all = Vec::with_capacity(count.min(ROOM_MAX));
        for _ in 0..count {
            all.push(T::take(from)?);
        }
        Ok(all)
    }
}

impl<T: Form> Form for Sides<T> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.left.put(to)?;
        self.right.put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Ok(Sides { left: T::take(from)?, right: T::take(from)? })
    }
}

impl<A: Form, B: Form> Form for (A, B) {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.0.put(to)?;
        self.1.put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl<A: Form, B: Form, C: Form> Form for (A, B, C) {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.0.put(to)?;
        self.1.put(to)?;
        self.2.put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Ok((A::take(from)?, B::take(from)?, C::take(from)?))
    }
}
