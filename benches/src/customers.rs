//! Customers of 20 fields: twelve texts of 8 to 40 bytes, four amounts, two dates, two options. As a typed struct, as
//! values for a record, and as JSON; generated from a seed.

use seamless_core::model::{Decimal, Value};

/// How many fields a customer has.
pub const FIELDS: usize = 20;
/// How many of them are texts; amounts, dates and options follow.
pub const TEXTS: usize = 12;

/// A customer as somebody would write it by hand, with nothing that is not needed: the limit that others are held to.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Texts.
    pub texts: [String; TEXTS],
    /// Amounts in cents.
    pub cents: [i64; 4],
    /// Dates as days.
    pub days: [i32; 2],
    /// Option values.
    pub options: [i64; 2],
}

/// Random numbers (xorshift), the same on every run.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn text(&mut self) -> String {
        let length = 8 + self.below(33);
        (0..length).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// So many different fields.
    pub fn fields(&mut self, count: usize) -> Vec<usize> {
        let mut fields: Vec<usize> = (0..FIELDS).collect();
        for place in 0..FIELDS {
            let other = self.below(FIELDS);
            fields.swap(place, other);
        }
        fields.truncate(count);
        fields
    }
}

impl Customer {
    /// A random customer.
    pub fn new(dice: &mut Dice) -> Self {
        Self {
            texts: std::array::from_fn(|_| dice.text()),
            cents: std::array::from_fn(|_| dice.below(10_000_000) as i64),
            days: std::array::from_fn(|_| 730_000 + dice.below(10_000) as i32),
            options: std::array::from_fn(|_| dice.below(10) as i64),
        }
    }

    /// Gives a field another value.
    pub fn change(&mut self, field: usize, dice: &mut Dice) {
        if let Some(text) = self.texts.get_mut(field) {
            *text = dice.text();
        } else if let Some(cents) = self.cents.get_mut(field - TEXTS) {
            *cents += 1 + dice.below(10_000) as i64;
        } else if let Some(days) = self.days.get_mut(field.wrapping_sub(TEXTS + 4)) {
            *days += 1 + dice.below(100) as i32;
        } else if let Some(option) = self.options.get_mut(field.wrapping_sub(TEXTS + 6)) {
            *option += 1 + dice.below(9) as i64;
        }
    }

    /// Takes a field's value from another customer.
    pub fn copy(&mut self, field: usize, from: &Customer) {
        if let Some(text) = self.texts.get_mut(field) {
            text.clone_from(&from.texts[field]);
        } else if let Some(cents) = self.cents.get_mut(field - TEXTS) {
            *cents = from.cents[field - TEXTS];
        } else if field < TEXTS + 6 {
            self.days[field - TEXTS - 4] = from.days[field - TEXTS - 4];
        } else {
            self.options[field - TEXTS - 6] = from.options[field - TEXTS - 6];
        }
    }

    /// The fields that differ, as bits: the loop that everything is measured against.
    #[inline(never)]
    pub fn differing(&self, other: &Customer) -> u32 {
        let mut bits = 0;
        for (place, (a, b)) in self.texts.iter().zip(&other.texts).enumerate() {
            bits |= u32::from(a != b) << place;
        }
        for (place, (a, b)) in self.cents.iter().zip(&other.cents).enumerate() {
            bits |= u32::from(a != b) << (TEXTS + place);
        }
        for (place, (a, b)) in self.days.iter().zip(&other.days).enumerate() {
            bits |= u32::from(a != b) << (TEXTS + 4 + place);
        }
        for (place, (a, b)) in self.options.iter().zip(&other.options).enumerate() {
            bits |= u32::from(a != b) << (TEXTS + 6 + place);
        }
        bits
    }

    /// The name of a field.
    pub fn field_name(field: usize) -> String {
        match field {
            field if field < TEXTS => format!("text_{field}"),
            field if field < TEXTS + 4 => format!("amount_{}", field - TEXTS),
            field if field < TEXTS + 6 => format!("date_{}", field - TEXTS - 4),
            _ => format!("option_{}", field - TEXTS - 6),
        }
    }

    /// The values, in the order of the fields.
    pub fn values(&self) -> Vec<Value> {
        let texts = self.texts.iter().map(|text| Value::text(text));
        let amounts = self.cents.iter().map(|cents| Value::Decimal(Decimal::new(*cents, 2)));
        let dates = self
            .days
            .iter()
            .filter_map(|days| chrono::NaiveDate::from_num_days_from_ce_opt(*days).map(Value::Date));
        let options = self.options.iter().map(|option| Value::Int(*option));
        texts.chain(amounts).chain(dates).chain(options).collect()
    }

    /// The customer as JSON, as a system would send it.
    pub fn to_json(&self) -> serde_json::Value {
        let fields = self.values().into_iter().enumerate().map(|(field, value)| {
            let value = match value {
                Value::Int(option) => option.into(),
                Value::Text(text) => text.to_string().into(),
                other => other.to_string().into(),
            };
            (Self::field_name(field), value)
        });
        serde_json::Value::Object(fields.collect())
    }
}
