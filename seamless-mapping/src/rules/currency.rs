//! How many digits after the point the currencies of the world have.
//!
//! Source: ISO 4217, list one (current currency and funds), as published by the maintenance agency (SIX) on 2026-01-01:
//! the column of minor units. Codes without minor units (metals, units of account, tests) are not in it, nor are
//! currencies that were withdrawn: a mapping that meets one says its digits in `scales`.

/// By number of digits, the codes in alphabetical order.
const DIGITS: [(u32, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW \
         CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF \
         IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
         MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
         SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG \
         YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// The digits after the point of a currency, by its code in capital letters; `None` for what is no code of the list.
pub(crate) fn digits(code: &str) -> Option<u32> {
    let known = |codes: &str| codes.split(' ').any(|known| known == code);
    DIGITS.iter().find(|(_, codes)| known(codes)).map(|(digits, _)| *digits)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::{DIGITS, digits};

    /// A typing mistake in the list would round amounts of a country to the wrong unit.
    #[test]
    fn every_code_is_three_capital_letters_and_stands_once() {
        let codes: Vec<&str> = DIGITS.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        assert_eq!(codes.len(), 165);
        for (at, code) in codes.iter().enumerate() {
            assert!(code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()), "{code}");
            assert!(!codes.iter().take(at).any(|earlier| earlier == code), "{code} stands twice");
        }
        assert_eq!(
            [digits("JPY"), digits("EUR"), digits("KWD"), digits("CLF")],
            [Some(0), Some(2), Some(3), Some(4)]
        );
        assert_eq!([digits("eur"), digits(""), digits("XAU"), digits("EUR USD")], [None; 4]);
    }
}
