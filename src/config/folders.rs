//! `[folders]` of the user's file: which profile counts in which folder.

use toml_edit::{DocumentMut, Item, Table, value};

use crate::error::{Error, Result};
use crate::os::paths::Paths;

/// `[folders]`: the profile for each folder, as the user wrote them. A site has no say in this.
///
/// # Errors
/// The user's file is there and cannot be read, or is not TOML.
pub fn folders(paths: &Paths) -> Result<Vec<(String, String)>> {
    let user = super::read(&paths.config_file())?;
    Ok(user.map(|(_, document)| folders_in(&document)).unwrap_or_default())
}

fn folders_in(document: &DocumentMut) -> Vec<(String, String)> {
    let table = document.get("folders").and_then(|item| item.as_table_like());
    let entries = table.into_iter().flat_map(|table| table.iter());
    entries.filter_map(|(path, name)| Some((path.to_owned(), name.as_str()?.to_owned()))).collect()
}

/// Sets the profile of a folder in the user's file, or takes it away; comments and everything else stay. Answers what
/// was there.
///
/// # Errors
/// The file cannot be read or written.
pub fn bind_folder(paths: &Paths, folder: &str, name: Option<&str>) -> Result<Option<String>> {
    let (path, mut document) = super::open(paths)?;
    let before = folders_in(&document).into_iter().find(|(known, _)| known == folder).map(|(_, name)| name);
    let table = document.entry("folders").or_insert(Item::Table(Table::new()));
    let table = table.as_table_like_mut().ok_or_else(|| {
        Error::failed(format!("'folders' in {} is not a table", path.display())).next("correct the file")
    })?;
    match name {
        Some(name) => drop(table.insert(folder, value(name))),
        None => drop(table.remove(folder)),
    }
    if table.is_empty() {
        remove_table(&mut document, "folders");
    }
    super::write(&path, &document)?;
    Ok(before)
}

/// Takes a table away, and keeps the comments that stand before it.
fn remove_table(document: &mut DocumentMut, table: &str) {
    let Some(removed) = document.remove(table) else { return };
    let decor = removed.as_table().and_then(|table| table.decor().prefix()?.as_str());
    let comments = decor.unwrap_or_default().trim_start_matches('\n');
    if !comments.is_empty() {
        let trailing = document.trailing().as_str().unwrap_or_default();
        document.set_trailing(format!("{comments}{trailing}"));
    }
}
