//! The matrix as one HTML page: no script, nothing fetched, every text escaped, printable, with room for signatures.

use std::fmt::Write as _;

use seamless_core::model::Sides;

use super::{HEADINGS, Matrix, Part, cells};

const STYLE: &str = "
  :root { color-scheme: light; }
  body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1b1f24; }
  h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 .75rem; }
  dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
  table { border-collapse: collapse; width: 100%; } thead { display: table-header-group; }
  th, td { border: 1px solid #c9d1d9; padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
  th { background: #f0f3f6; font-weight: 600; } tbody tr:nth-child(even) td { background: #fafbfc; }
  tr { break-inside: avoid; } .note { color: #57606a; } .digest { font-family: ui-monospace, monospace; font-size: .85em; }
  .signatures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 2.5rem 2rem; margin-top: 3.5rem; break-inside: avoid; }
  .signatures div { border-top: 1px solid #1b1f24; padding-top: .3rem; }
  @page { size: A4 landscape; margin: 12mm; }
  @media print { body { font-size: 10px; margin: 0; max-width: none; } h2 { break-after: avoid; } }
";

impl Matrix {
    /// The matrix as a page of its own.
    pub fn to_html(&self) -> String {
        let title = format!("Who owns what: {}", self.integration);
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
            escaped(&title),
            escaped(&title)
        );
        if let Some(note) = &self.note {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", escaped(note));
        }
        let of_side = |name: &str, system: &str| match system {
            "" => name.to_owned(),
            system => format!("{name} ({system})"),
        };
        let Sides { left, right } = &self.sides;
        page.push_str("<dl>\n");
        definition(
            &mut page,
            "systems",
            &format!("{} and {}", of_side(left, &self.systems.left), of_side(right, &self.systems.right)),
        );
        let _ = writeln!(page, "<dt>mapping</dt><dd class=\"digest\">{}</dd>", escaped(&self.digest));
        page.push_str("</dl>\n");
        self.links.iter().for_each(|link| part(&mut page, link, &self.sides));
        page.push_str("<section class=\"signatures\" aria-label=\"Signatures\">\n<div>for ");
        let _ = writeln!(page, "{}: name, date</div>", escaped(left));
        let _ = writeln!(page, "<div>for {}: name, date</div>", escaped(right));
        page.push_str("<div>for the integration: name, date</div>\n</section>\n</body>\n</html>\n");
        page
    }
}

fn part(page: &mut String, link: &Part, sides: &Sides<String>) {
    let Sides { left, right } = &link.entity;
    let _ = writeln!(page, "<section>\n<h2>{}</h2>", escaped(&format!("{}: {left} and {right}", link.link)));
    if let Some(note) = &link.note {
        let _ = writeln!(page, "<p class=\"note\">{}</p>", escaped(note));
    }
    page.push_str("<dl>\n");
    definition(page, "mode", &link.mode);
    definition(page, &format!("takes part in {}", sides.left), &link.scope.left);
    definition(page, &format!("takes part in {}", sides.right), &link.scope.right);
    definition(page, "found by", &link.matching);
    definition(page, "created", &link.create);
    link.lifecycle.iter().for_each(|line| {
        let (event, then) = line.split_once(": ").unwrap_or(("", line));
        definition(page, event, then);
    });
    page.push_str("</dl>\n<table>\n<thead><tr>");
    for heading in [sides.left.as_str(), sides.right.as_str()].into_iter().chain(HEADINGS) {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(heading));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &link.rows {
        page.push_str("<tr>");
        for cell in [row.fields.left.as_str(), row.fields.right.as_str()].into_iter().chain(cells(row)) {
            let _ = write!(page, "<td>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn definition(page: &mut String, term: &str, text: &str) {
    let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(term), escaped(text));
}

/// A text that means nothing to HTML. What turns the reading direction around, or cannot be seen, is spelled out.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '\n' => shown.push_str("<br>"),
            c if c.is_control() || is_direction(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
