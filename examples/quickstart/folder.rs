//! The folder that the story leaves behind: a project that the workbench can open.
//!
//! A folder of an earlier story is replaced; any other one is refused, so that nobody loses work to a demonstration.
//! Door: [`prepare`].

use std::fs;
use std::path::Path;

use crate::systems::{MAPPING, MAPPING_FILE};
use crate::world::Outcome;

/// Says that the folder is ours to replace.
const MARKER: &str = ".seamless-quickstart";

const ENVIRONMENT: &str = "\
# One environment: which connectors the sides have here. Paths are relative to the project's folder.
# ${env:NAME} inside texts stands for what this machine holds; write secrets like that.
connectors:
  crm: { kind: sqlite, path: crm.db }
  erp: { kind: sqlite, path: erp.db }
";

/// Makes the folder anew, with everything of a project but its databases.
///
/// Errors: something else is there.
pub(crate) fn prepare(folder: &Path) -> Outcome<()> {
    if folder.exists() {
        if !folder.join(MARKER).is_file() {
            let message = "was not made by this example: name another folder with --dir, or remove it";
            return Err(format!("{} {message}", folder.display()).into());
        }
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder.join("environments"))?;
    fs::create_dir_all(folder.join("state"))?;
    fs::write(folder.join(MARKER), "Made by `cargo run --example quickstart`, which replaces it.\n")?;
    fs::write(folder.join(MAPPING_FILE), MAPPING)?;
    fs::write(folder.join("environments/demo.yaml"), ENVIRONMENT)?;
    Ok(())
}
