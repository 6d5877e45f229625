//! Damage to inputs, drawn from a number: the same number draws the same. Knows no target. The door is [`damaged`].

/// Numbers that readers compute with at their limits.
const LIMITS: [&str; 12] = [
    "0",
    "-1",
    "127",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775809",
    "18446744073709551616",
    "1e400",
    "-0.0",
    "340282366920938463463374607431768211456",
];

/// Bytes of an input at most.
pub(crate) const BYTES_MAX: usize = 1 << 16;

/// A source of numbers: SplitMix64, by Steele, Lea and Flood.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a number that is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = if self.below(4) == 0 { length - start } else { (length - start).min(16) };
        start..start + self.below(most + 1)
    }
}

/// An input with some damage; `others` are what it may be mixed with.
pub(crate) fn damaged(draw: &mut Draw, input: &[u8], others: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=draw.below(4) {
        once(draw, &mut bytes, others, words);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn once(draw: &mut Draw, bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str]) {
    let at = draw.below(bytes.len() + 1);
    let range = draw.range(bytes.len());
    match draw.below(14) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draw.below(8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = draw.below(256) as u8;
            }
        }
        2 => drop(bytes.drain(range)),
        3 => {
            let again = bytes[range].to_vec();
            bytes.splice(at..at, again);
        }
        4 => {
            let other: &Vec<u8> = draw.one(others);
            let part = other[draw.range(other.len())].to_vec();
            bytes.splice(range, part);
        }
        5 => {
            let other: &Vec<u8> = draw.one(others);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[draw.below(other.len() + 1)..]);
        }
        6 | 7 if !words.is_empty() => {
            let word = draw.one(words).as_bytes().to_vec();
            bytes.splice(at..at, word);
        }
        8 if !words.is_empty() => {
            let word = draw.one(words).as_bytes().to_vec();
            bytes.splice(range, word);
        }
        9 => number(draw, bytes),
        10 => bytes.truncate(at),
        11 => {
            let odd: [&[u8]; 5] = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0"];
            bytes.splice(at..at, draw.one(&odd).iter().copied());
        }
        _ => repeated(draw, bytes, words, at),
    }
}

/// A number of the text, or a place where there is none, becomes one at a limit.
fn number(draw: &mut Draw, bytes: &mut Vec<u8>) {
    let from = draw.below(bytes.len() + 1);
    let start = bytes[from..].iter().position(u8::is_ascii_digit).map_or(from, |found| from + found);
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let limit = draw.one(&LIMITS).bytes().collect::<Vec<u8>>();
    bytes.splice(start..start + length, limit);
}

/// Nesting and length: something that opens or a piece of the input, again and again.
fn repeated(draw: &mut Draw, bytes: &mut Vec<u8>, words: &[&str], at: usize) {
    const OPENING: [&str; 8] = ["(", "[", "{\"a\":", "- ", "not ", "-", "'", "a"];
    let piece = match draw.below(3) {
        0 if !words.is_empty() => draw.one(words).as_bytes().to_vec(),
        1 => bytes[draw.range(bytes.len())].to_vec(),
        _ => draw.one(&OPENING).as_bytes().to_vec(),
    };
    let times = *draw.one(&[3, 33, 65, 129, 1025, 9000]);
    let times = times.min(BYTES_MAX / piece.len().max(1));
    bytes.splice(at..at, piece.repeat(times));
}
