//! A setting is taken out of a file, and nothing else: the comments around it stay where they are.

use std::ops::Range;

use toml_edit::{Document, DocumentMut, Table};

/// The file without the setting, and without its table where nothing else is in that. Nothing where the setting is not
/// in it.
pub fn without(text: &str, key: &str) -> Option<DocumentMut> {
    let rest = match own_lines(text, key) {
        Some(lines) => cut(text, lines),
        None => without_inline(text, key)?,
    };
    let table = key.split_once('.').and_then(|(table, _)| header(&rest, table));
    table.map_or(rest.clone(), |line| cut_with_gap(&rest, line)).parse().ok()
}

/// The lines that the setting has for itself.
fn own_lines(text: &str, key: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let root = document.as_table();
    let (holder, key) = match key.split_once('.') {
        Some((table, key)) => (root.get(table)?.as_table()?, key),
        None => (root, key),
    };
    let (name, item) = holder.get_key_value(key)?;
    item.as_value()?;
    Some(lines(text, &(name.span()?.start..item.span()?.end)))
}

/// The text without a setting that stands on a line with others, or is a table.
fn without_inline(text: &str, key: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let Some((name, key)) = key.split_once('.') else {
        document.remove(key)?;
        return Some(document.to_string());
    };
    let table = document.get_mut(name)?.as_table_like_mut()?;
    table.remove(key)?;
    let is_empty = table.is_empty();
    match own_lines(text, name) {
        Some(lines) if is_empty => Some(cut(text, lines)),
        _ => Some(document.to_string()),
    }
}

/// The line that begins a table with nothing in it.
fn header(text: &str, table: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let found: &Table = document.as_table().get(table)?.as_table()?;
    let is_empty = found.is_empty() && !found.is_implicit() && !found.is_dotted();
    let start = found.span().filter(|_| is_empty)?.start;
    Some(lines(text, &(start..start)))
}

/// What a part of the text is on: whole lines.
fn lines(text: &str, part: &Range<usize>) -> Range<usize> {
    let start = text[..part.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[part.end..].find('\n').map_or(text.len(), |at| part.end + at + 1);
    start..end
}

fn cut(text: &str, lines: Range<usize>) -> String {
    [&text[..lines.start], &text[lines.end..]].concat()
}

/// The empty line before goes, too, where another one or the end follows.
fn cut_with_gap(text: &str, mut lines: Range<usize>) -> String {
    let after = &text[lines.end..];
    if text[..lines.start].ends_with("\n\n") && (after.is_empty() || after.starts_with('\n')) {
        lines.start -= 1;
    }
    cut(text, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stay_and_an_empty_table_goes() {
        for (before, key, after) in [
            ("# mine\nkey_cache = 5 # short\nstore = 'file'\n", "key_cache", "# mine\nstore = 'file'\n"),
            ("# mine\nkey_cache = 5", "key_cache", "# mine\n"),
            ("# a\nforbid = [\n  'file', # why\n]\n# b\n", "forbid", "# a\n# b\n"),
            (
                "store = 'file'\n\n# a\n[seqera]\n# b\nrelay = false\n",
                "seqera.relay",
                "store = 'file'\n\n# a\n# b\n",
            ),
            ("store = 'file'\n\n[seqera]\nrelay = false\n", "seqera.relay", "store = 'file'\n"),
            (
                "[seqera]\nrelay = false\n\n[folders]\n'/a' = 'b'\n",
                "seqera.relay",
                "\n[folders]\n'/a' = 'b'\n",
            ),
            ("[seqera]\n# a\nrelay = false\nmore = 1\n", "seqera.relay", "[seqera]\n# a\nmore = 1\n"),
            ("# a\nseqera.relay = false\n", "seqera.relay", "# a\n"),
            ("# a\nseqera = { relay = false }\n", "seqera.relay", "# a\n"),
            ("# a\nseqera = { relay = false, more = 1 }\n", "seqera.relay", "# a\nseqera = { more = 1 }\n"),
            ("# a\n[seqera]\n[seqera.relay]\nx = 1\n", "seqera.relay", ""),
        ] {
            let rest = without(before, key).map(|rest| rest.to_string());
            match after {
                "" => assert!(rest.is_some_and(|rest| !rest.contains("x = 1")), "{before}"),
                after => assert_eq!(rest.as_deref(), Some(after), "{before}"),
            }
        }
        assert!(without("store = 'file'\n", "key_cache").is_none());
        assert!(without("seqera = 7\n", "seqera.relay").is_none());
    }
}
