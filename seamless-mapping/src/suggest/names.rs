//! How alike two names are, whoever spelt them: words, short forms and cases brought together.
//!
//! Two names are alike when they are the same letters and digits, when one holds the other, or when few letters differ
//! (Jaro-Winkler). The doors are [`plain`] and [`alike`].

/// Words that mean the same in names of fields.
const SYNONYMS: &[(&str, &str)] = &[
    ("no", "number"),
    ("nr", "number"),
    ("num", "number"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("mail", "email"),
    ("zip", "postcode"),
    ("postalcode", "postcode"),
    ("descr", "description"),
    ("desc", "description"),
    ("qty", "quantity"),
    ("amt", "amount"),
    ("addr", "address"),
    ("web", "homepage"),
    ("website", "homepage"),
];

/// A name as small letters and digits, its words replaced by what they mean: `Phone No.` and `phone_nr` are one.
pub(crate) fn plain(name: &str) -> String {
    let joined = name.replace("e-mail", "email").replace("E-Mail", "email").replace("E-mail", "email");
    let mut words: Vec<String> = vec![String::new()];
    let mut before_small = false;
    for letter in joined.chars() {
        // `accountNumber` has two words, `CRM` has one.
        let begins = !letter.is_alphanumeric() || (letter.is_uppercase() && before_small);
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before_small = letter.is_lowercase() || letter.is_numeric();
    }
    let meaning = |word: &String| {
        let found = SYNONYMS.iter().find(|(short, _)| short == word);
        found.map_or_else(|| word.clone(), |(_, meaning)| (*meaning).to_owned())
    };
    let joined: String = words.iter().map(meaning).collect();
    match joined.strip_suffix('s') {
        Some(one) if one.len() > 3 && !one.ends_with('s') => one.to_owned(),
        _ => joined,
    }
}

/// How alike two plain names are, from 0 to 1.
pub(crate) fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let holds = short.len() >= 4 && (long.starts_with(short) || long.ends_with(short));
    let letters = strsim::jaro_winkler(left, right);
    // Jaro-Winkler likes a common beginning too much: `address1` and `address2` are two fields.
    let numbers = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    if numbers(left) != numbers(right) {
        return (letters - 0.3).max(0.0);
    }
    if holds { letters.max(0.86) } else { (letters - 0.08).max(0.0) }
}
