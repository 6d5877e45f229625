//! A workbook as a package: a ZIP file of parts that refer to each other. Knows no cells. The doors are [`Package::open`]
//! and [`Package::part`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use quick_xml::events::Event;
use seamless_core::model::{Error, ErrorKind, Result};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::xml::{Xml, attribute, broken, local};
use crate::files::format::disk;

/// Bytes of a part at most, unpacked: a small file can hold one of any size.
const PART_BYTES_MAX: u64 = 256 << 20;

/// Parts at most; workbooks of hundreds of sheets have a thousand.
const PARTS_MAX: usize = 10_000;

/// A sheet of a workbook.
#[derive(Clone, Debug)]
pub(super) struct SheetPart {
    pub(super) name: String,
    pub(super) part: String,
    pub(super) hidden: bool,
}

/// A workbook, opened.
pub(super) struct Package {
    zip: ZipArchive<BufReader<File>>,
    /// The part of the workbook itself.
    pub(super) workbook: String,
    pub(super) sheets: Vec<SheetPart>,
    pub(super) is_1904: bool,
    pub(super) strings: Option<String>,
    pub(super) styles: Option<String>,
}

fn unreadable(why: &str) -> Error {
    Error::data(format!("the file is no workbook: {why}")).with_remedy(
        "save it as an Excel workbook (.xlsx) without a password; .xls and .xlsb are other formats",
    )
}

impl Package {
    /// Opens a workbook.
    ///
    /// Errors: no ZIP file, or none of a workbook; encrypted; more parts than a workbook has.
    pub(super) fn open(file: File) -> Result<Self> {
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|problem| unreadable("it is no ZIP file").caused_by(problem))?;
        if zip.len() > PARTS_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("the workbook has {} parts", zip.len()))
                .with_remedy(format!("at most {PARTS_MAX} are read")));
        }
        let mut package = Self {
            zip,
            workbook: String::new(),
            sheets: Vec::new(),
            is_1904: false,
            strings: None,
            styles: None,
        };
        let roots = package.references("")?;
        let found = roots.values().find(|(kind, _)| kind.ends_with("/officeDocument"));
        package.workbook = found.ok_or_else(|| unreadable("it names no document"))?.1.clone();
        package.read_workbook()?;
        Ok(package)
    }

    fn read_workbook(&mut self) -> Result<()> {
        let references = self.references(&self.workbook.clone())?;
        let of_kind = |end: &str| {
            references.values().find(|(kind, _)| kind.ends_with(end)).map(|(_, target)| target.clone())
        };
        (self.strings, self.styles) = (of_kind("/sharedStrings"), of_kind("/styles"));
        let text = self.needed(&self.workbook.clone())?;
        let mut xml = Xml::new(&text);
        while let Some(event) = xml.next()? {
            let (Event::Start(tag) | Event::Empty(tag)) = &event else { continue };
            match local(tag) {
                "workbookPr" => {
                    let said = attribute(tag, "date1904")?;
                    self.is_1904 = said.is_some_and(|said| said == "1" || said == "true");
                }
                "sheet" => {
                    let name = attribute(tag, "name")?.ok_or_else(|| broken("a sheet has no name"))?;
                    // `r:id`, not `sheetId`: only one of them has this name without its prefix.
                    let id = attribute(tag, "id")?.unwrap_or_default();
                    let hidden = attribute(tag, "state")?.is_some_and(|state| state != "visible");
                    match references.get(&id) {
                        Some((kind, part)) if kind.ends_with("/worksheet") => {
                            self.sheets.push(SheetPart { name, part: part.clone(), hidden });
                        }
                        // Sheets of one chart, dialogs and macros of old.
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What a part refers to: kind and part, by the name of the reference.
    pub(super) fn references(&mut self, part: &str) -> Result<BTreeMap<String, (String, String)>> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let rels = if folder.is_empty() {
            format!("_rels/{name}.rels")
        } else {
            format!("{folder}/_rels/{name}.rels")
        };
        let Some(text) = self.part(&rels)? else { return Ok(BTreeMap::new()) };
        let mut references = BTreeMap::new();
        let mut xml = Xml::new(&text);
        while let Some(event) = xml.next()? {
            let (Event::Start(tag) | Event::Empty(tag)) = &event else { continue };
            if local(tag) != "Relationship"
                || attribute(tag, "TargetMode")?.is_some_and(|mode| mode == "External")
            {
                continue;
            }
            if let (Some(id), Some(kind), Some(target)) =
                (attribute(tag, "Id")?, attribute(tag, "Type")?, attribute(tag, "Target")?)
            {
                references.insert(id, (kind, resolved(folder, &target)));
            }
        }
        Ok(references)
    }

    /// The text of a part; `None` when there is none of this name.
    ///
    /// Errors: it is too large, no UTF-8, or damaged.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let part = self
            .zip
            .by_index(index)
            .map_err(|problem| unreadable("a part is damaged or encrypted").caused_by(problem))?;
        let mut text = String::new();
        part.take(PART_BYTES_MAX + 1).read_to_string(&mut text).map_err(|problem| match problem.kind() {
            std::io::ErrorKind::InvalidData => broken("it is no UTF-8, or damaged").caused_by(problem),
            _ => disk(problem, "reading"),
        })?;
        if text.len() as u64 > PART_BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, "a part of the workbook is too large")
                .at("part", name)
                .with_remedy(format!("at most {PART_BYTES_MAX} bytes are read; divide the sheet")));
        }
        Ok(Some(text))
    }

    /// The text of a part that must be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String> {
        self.part(name)?.ok_or_else(|| broken("it is not there"))
    }

    /// Whether there is a part whose name begins like this.
    pub(super) fn has(&self, begin: &str) -> bool {
        self.zip.file_names().flatten().any(|name| name.starts_with(begin))
    }

    /// Writes the package with these parts in place of its own. All others are copied as they are packed.
    pub(super) fn rewrite(&mut self, parts: &BTreeMap<String, String>, to: &File) -> Result<()> {
        let writing = |problem: zip::result::ZipError| {
            Error::new(ErrorKind::Unavailable, "writing the workbook failed").caused_by(problem)
        };
        let mut out = ZipWriter::new(BufWriter::new(to));
        for index in 0..self.zip.len() {
            let part = self.zip.by_index_raw(index).map_err(writing)?;
            let name = part.name().map_err(writing)?.into_owned();
            match parts.get(&name) {
                None => out.raw_copy_file(part).map_err(writing)?,
                Some(text) => {
                    drop(part);
                    let options = SimpleFileOptions::default()
                        .compression_method(zip::CompressionMethod::Deflated)
                        .large_file(text.len() > u32::MAX as usize);
                    out.start_file(name, options).map_err(writing)?;
                    out.write_all(text.as_bytes()).map_err(|problem| disk(problem, "writing"))?;
                }
            }
        }
        let mut buffer = out.finish().map_err(writing)?;
        buffer.flush().map_err(|problem| disk(problem, "writing"))
    }
}

/// The name of a part that is referred to from a folder.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn references_lead_to_parts_from_where_they_stand() {
        assert_eq!(resolved("xl", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolved("xl/worksheets", "../tables/table1.xml"), "xl/tables/table1.xml");
        assert_eq!(resolved("xl", "/xl/styles.xml"), "xl/styles.xml");
        assert_eq!(resolved("", "../../x"), "x");
    }
}
