//! Which formats are of days and times, and new ones where a workbook has none. Knows no cells. The doors are [`Styles::read`]
//! and [`Styles::for_day`].

use std::collections::BTreeMap;

use quick_xml::events::Event;
use seamless_core::model::Result;

use super::xml::{Xml, attribute, broken, local};

/// Excel's own formats for days, times and both.
const DAY: u32 = 14;
const TIME: u32 = 21;
const BOTH: u32 = 22;

/// The formats of cells.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// The number format of each style of a cell.
    formats: Vec<u32>,
    /// Number formats that the workbook defines.
    codes: BTreeMap<u32, String>,
    /// Number formats of styles that are to be added behind the others.
    added: Vec<u32>,
}

/// What a number with a style is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    Day,
    Time,
    Both,
}

impl Styles {
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let mut styles = Self::default();
        let Some(text) = text else { return Ok(styles) };
        let (mut xml, mut inside) = (Xml::new(text), false);
        while let Some(event) = xml.next()? {
            match &event {
                Event::Start(tag) | Event::Empty(tag) => match local(tag) {
                    "numFmt" => {
                        let id = attribute(tag, "numFmtId")?.and_then(|id| id.parse().ok());
                        if let (Some(id), Some(code)) = (id, attribute(tag, "formatCode")?) {
                            styles.codes.insert(id, code);
                        }
                    }
                    "cellXfs" => inside = matches!(event, Event::Start(_)),
                    "xf" if inside => {
                        let format = attribute(tag, "numFmtId")?.and_then(|id| id.parse().ok());
                        styles.formats.push(format.unwrap_or_default());
                    }
                    _ => {}
                },
                Event::End(tag) if tag.name().into_inner().ends_with("cellXfs") => inside = false,
                _ => {}
            }
        }
        Ok(styles)
    }

    /// Whether a number with this style is a day or a time.
    pub(super) fn is_day(&self, style: u32) -> bool {
        let place = style as usize;
        let added = place.checked_sub(self.formats.len()).and_then(|place| self.added.get(place));
        let Some(format) = self.formats.get(place).or(added) else { return false };
        match self.codes.get(format) {
            Some(code) => code_is_day(code),
            None => matches!(format, 14..=22 | 27..=36 | 45..=47 | 50..=58),
        }
    }

    /// A style that shows days, times or both, made where there is none.
    pub(super) fn for_day(&mut self, shows: Shows) -> u32 {
        let format = match shows {
            Shows::Day => DAY,
            Shows::Time => TIME,
            Shows::Both => BOTH,
        };
        let all = self.formats.iter().chain(&self.added);
        let place = all.clone().position(|known| *known == format).unwrap_or_else(|| {
            self.added.push(format);
            self.formats.len() + self.added.len() - 1
        });
        u32::try_from(place).unwrap_or_default()
    }

    /// The part with the styles that were added; `None` where there are none.
    pub(super) fn patched(&self, text: &str) -> Result<Option<String>> {
        if self.added.is_empty() {
            return Ok(None);
        }
        let mut xml = Xml::new(text);
        let mut begin = None;
        while let Some(event) = xml.next()? {
            match event {
                Event::Start(tag) if local(&tag) == "cellXfs" => {
                    let name = tag.name().into_inner();
                    let prefix = name.strip_suffix("cellXfs").unwrap_or_default().to_owned();
                    begin = Some((xml.span.clone(), prefix));
                }
                Event::End(tag) if tag.name().into_inner().ends_with("cellXfs") => {
                    let Some((open, prefix)) = begin else { break };
                    let (Some(head), Some(middle), Some(rest)) = (
                        text.get(..open.start),
                        text.get(open.end..xml.span.start),
                        text.get(xml.span.start..),
                    ) else {
                        break;
                    };
                    let count = self.formats.len() + self.added.len();
                    let mut made = format!("{head}<{prefix}cellXfs count=\"{count}\">{middle}");
                    for format in &self.added {
                        made.push_str(&format!(
                            "<{prefix}xf numFmtId=\"{format}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
                        ));
                    }
                    made.push_str(rest);
                    return Ok(Some(made));
                }
                _ => {}
            }
        }
        Err(broken("it has no formats of cells"))
    }
}

/// Whether a format's code has a part of a day in it: a letter of one outside of texts, colours and languages.
fn code_is_day(code: &str) -> bool {
    // What comes behind a semicolon is for negative numbers and texts.
    let code = code.split(';').next().unwrap_or_default();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                chars.by_ref().find(|c| *c == '"');
            }
            '\\' | '_' | '*' => {
                chars.next();
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // `[h]:mm` counts hours beyond a day.
                if matches!(inside.to_lowercase().as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss") {
                    return true;
                }
            }
            'y' | 'Y' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' | 'm' | 'M' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Shows, Styles, code_is_day};

    #[test]
    fn formats_of_days_are_told_from_formats_of_numbers() {
        for code in
            ["yyyy-mm-dd", "DD.MM.YYYY", "[$-409]d-mmm-yy", "[h]:mm", "hh:mm:ss", "[Red]mm/dd", "mmm\\ yy"]
        {
            assert!(code_is_day(code), "{code}");
        }
        for code in [
            "General",
            "0.00",
            "#,##0",
            "0.00\" days\"",
            "[Red]0.00",
            "0\\d",
            "0_m",
            "@",
            "0.00E+00",
            "#,##0 [$USD]",
            "0;[h]",
        ] {
            assert!(!code_is_day(code), "{code}");
        }
    }

    #[test]
    fn a_style_for_days_is_added_once_and_everything_else_stays() {
        let text = "<x:styleSheet xmlns:x=\"u\"><x:cellXfs count=\"1\"><x:xf numFmtId=\"0\"/></x:cellXfs><x:dxfs/></x:styleSheet>";
        let mut styles = Styles::read(Some(text)).unwrap();
        assert!(!styles.is_day(0));
        assert_eq!(styles.patched(text).unwrap(), None);
        assert_eq!(
            [styles.for_day(Shows::Day), styles.for_day(Shows::Both), styles.for_day(Shows::Day)],
            [1, 2, 1]
        );
        assert!(styles.is_day(1) && styles.is_day(2) && !styles.is_day(3));
        let made = styles.patched(text).unwrap().unwrap();
        assert!(
            made.contains("count=\"3\"") && made.ends_with("</x:cellXfs><x:dxfs/></x:styleSheet>"),
            "{made}"
        );
        let again = Styles::read(Some(&made)).unwrap();
        assert!(again.is_day(1) && again.is_day(2));
    }
}
