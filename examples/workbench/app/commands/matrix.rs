//! `matrix`: who owns which field, as a page, a workbook, or a table. Reads no system unless asked to.

use std::path::Path;

use seamless_mapping::Matrix;
use serde_json::json;

use crate::app::Outcome;
use crate::app::checks::MatrixArgs;
use crate::app::cli::Global;
use crate::app::failure::Failure;
use crate::app::files::{Readers, replace, write_text};
use crate::app::host::Host;
use crate::app::material::Material;
use crate::app::show;

pub(crate) fn run(args: &MatrixArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let material = Material::read(&args.material, global, host)?;
    let matrix = Matrix::of(&material.mapping()?);
    let Some(path) = args.out.as_deref().map(|path| global.file(path)) else {
        if global.json {
            host.json(&json!(matrix))?;
        } else {
            show_matrix(&matrix, host)?;
        }
        return Ok(Outcome::Done);
    };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => write_text(&path, &matrix.to_html())?,
        Some("xlsx") => write_bytes(&path, &matrix.to_xlsx()?)?,
        _ => {
            let message = format!("{} says not what to write", path.display());
            return Err(Failure::usage(message).remedy("give a name that ends with .html or .xlsx"));
        }
    }
    let rows: usize = matrix.links.iter().map(|link| link.rows.len()).sum();
    if global.json {
        host.json(
            &json!({ "out": path, "links": matrix.links.len(), "rows": rows, "digest": matrix.digest }),
        )?;
    } else {
        host.line(format_args!("Wrote {} with {}.", path.display(), show::counted(rows as u64, "row")))?;
    }
    Ok(Outcome::Done)
}

fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(path, Readers::Usual, |out| {
        out.write_all(bytes).map_err(|cause| Failure::file("writing", path, cause))
    })
}

fn show_matrix(matrix: &Matrix, host: &mut Host<'_>) -> Result<(), Failure> {
    for link in &matrix.links {
        host.line(show::name(&format!(
            "{}: {} and {}, {}",
            link.link, link.entity.left, link.entity.right, link.mode
        )))?;
        let (left, right) = (&matrix.sides.left, &matrix.sides.right);
        let headings =
            [left, right, "owner", "direction", "conflict", "first link", "drift", "lost", "notes"];
        let mut table = show::table(&headings, host);
        for row in &link.rows {
            let cells = [
                &row.fields.left,
                &row.fields.right,
                &row.owner,
                &row.direction,
                &row.conflict,
                &row.first_link,
                &row.drift,
                &row.loss,
                &row.note,
            ];
            table.add_row(cells.map(|cell| show::cell(cell)));
        }
        host.line(table)?;
        host.line("")?;
    }
    Ok(())
}
