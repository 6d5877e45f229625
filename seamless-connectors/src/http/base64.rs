//! Base64, of both alphabets. Knows nothing else; small enough to have no dependency for it.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_ADDRESSES: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bytes in the standard alphabet, padded.
pub(crate) fn standard(bytes: &[u8]) -> String {
    encoded(bytes, STANDARD)
}

/// Bytes in the alphabet for addresses (`-` and `_`), padded.
pub(crate) fn for_addresses(bytes: &[u8]) -> String {
    encoded(bytes, FOR_ADDRESSES)
}

fn encoded(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let digit = alphabet.get(digit as usize).map_or('=', |digit| char::from(*digit));
            text.push(if place > chunk.len() { '=' } else { digit });
        }
    }
    text
}

/// Reads either alphabet, padded or not; `None` where it is neither.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0u32;
        for place in 0..4 {
            bits = (bits << 6) | chunk.get(place).map_or(Some(0), |digit| value(*digit))?;
        }
        let [_, one, two, three] = bits.to_be_bytes();
        bytes.extend([one, two, three].into_iter().take(chunk.len() - 1));
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{decoded, for_addresses, standard};

    #[test]
    fn the_examples_of_the_standard_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(standard(bytes.as_bytes()), text);
        }
        assert_eq!((standard(&[255, 239]), for_addresses(&[255, 239])), ("/+8=".into(), "_-8=".into()));
        for bad in ["Z", "Zg===", "Z g=", "Zm9v!"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_read_back(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(decoded(&standard(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(decoded(for_addresses(&bytes).trim_end_matches('=')), Some(bytes));
        }
    }
}
