//! What a prompt shows of a login: letters, marks and digits of every script, and nothing that acts or deceives.
//!
//! A name from a server may hold anything. What a shell, a prompt, tmux or a terminal could act on, what is not
//! seen, and what could be taken for a sign of ours becomes `?`.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::{EastAsianWidth, GeneralCategory};

use crate::session::profile::{Profile, ProfileName};

/// `ORGANIZATION[/WORKSPACE][@PROFILE]`.
pub(super) fn of(profile: &Profile) -> String {
    let organization = match (&profile.workspace, &profile.organization) {
        (Some(workspace), _) if !workspace.organization.is_empty() => workspace.organization.as_str(),
        (_, Some(organization)) => organization.name.as_str(),
        _ => profile.provider.name(),
    };
    let mut label = harmless(organization);
    if let Some(workspace) = &profile.workspace {
        label = format!("{label}/{}", harmless(&workspace.name));
    }
    if profile.name != ProfileName::default_name() {
        label = format!("{label}@{}", profile.name);
    }
    label
}

/// Whether this may stand in a mark.
pub(super) fn is_label(label: &str) -> bool {
    !label.is_empty() && label.chars().all(|c| is_harmless(c) || matches!(c, '/' | '@' | '?'))
}

/// A name with everything that is not harmless replaced, at most so many columns wide.
fn harmless(name: &str) -> String {
    /// Columns of a terminal.
    const WIDEST: usize = 40;
    /// Marks that may be heaped on one letter.
    const MARKS: usize = 4;

    let (mut label, mut columns, mut marks) = (String::new(), 0, MARKS);
    // What is longer than this is not a name: it is not worth composing.
    let begin: String = name.chars().take(400).collect();
    for c in ComposingNormalizerBorrowed::new_nfc().normalize(&begin).chars() {
        let c = if is_harmless(c) { c } else { '?' };
        if is_mark(c) {
            // One without a letter would be drawn on what stands before the label.
            if marks < MARKS {
                marks += 1;
                label.push(c);
            }
            continue;
        }
        columns += if is_wide(c) { 2 } else { 1 };
        if columns > WIDEST {
            break;
        }
        marks = 0;
        label.push(c);
    }
    label
}

/// Letters, marks and digits of every script, `_` and `-`.
fn is_harmless(c: char) -> bool {
    use GeneralCategory as G;
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_text = matches!(
        category,
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::TitlecaseLetter
            | G::ModifierLetter
            | G::OtherLetter
            | G::NonspacingMark
            | G::SpacingMark
            | G::DecimalNumber
    );
    is_text && !deceives(c) && !is_invisible(c)
}

/// Letters by their category, and by their looks quotes, full stops, exclamation marks and bars.
fn deceives(c: char) -> bool {
    matches!(c,
        '\u{01c0}'..='\u{01c3}' | '\u{02b0}'..='\u{02ff}' | '\u{0374}' | '\u{07f4}' | '\u{07f5}'
        | '\u{a4f8}'..='\u{a4fd}' | '\u{a700}'..='\u{a721}' | '\u{a788}'..='\u{a78c}' | '\u{ff9e}' | '\u{ff9f}')
}

/// Letters and marks that are not seen: fillers, and selectors of a variant.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_mark(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

fn is_wide(c: char) -> bool {
    let width = CodePointMapData::<EastAsianWidth>::new().get(c);
    matches!(width, EastAsianWidth::Wide | EastAsianWidth::Fullwidth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_script_are_shown() {
        for name in
            ["acme-lab_2", "Universität", "Дубна", "東京大学", "جامعة", "हिन्दी", "서울대", "ไทย", "Ελλάδα"]
        {
            assert_eq!(harmless(name), name);
            assert!(is_label(&harmless(name)));
        }
        assert_eq!(harmless("u\u{0308}ber"), "über", "composed");
    }

    #[test]
    fn what_acts_or_deceives_is_not() {
        for bad in [
            "\u{202e}",
            "\u{2066}",
            "\u{200b}",
            "\u{200d}",
            "\u{feff}",
            "\u{9b}",
            "\u{1b}",
            "\u{7}",
            "\n",
            " ",
            "\u{a0}",
            "\u{3000}",
            "$",
            "`",
            "%",
            "#",
            "'",
            "\"",
            "\\",
            "!",
            "~",
            "(",
            "{",
            "[",
            "\u{2018}",
            "\u{2019}",
            "\u{201b}",
            "\u{ff07}",
            "\u{2044}",
            "\u{ff0f}",
            "\u{ff20}",
            "\u{e000}",
            "\u{10ffff}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{02bc}",
            "\u{ff04}",
            "\u{a78c}",
            "\u{ad}",
            "\u{2028}",
            "😀",
            "½",
        ] {
            assert_eq!(harmless(&format!("a{bad}b")), "a?b", "{:x?}", bad.chars().next());
            assert!(!is_label(&format!("a{bad}b")), "{bad:?}");
        }
    }

    #[test]
    fn a_label_has_a_bound() {
        assert_eq!(harmless(&"é".repeat(99)), "é".repeat(40));
        assert_eq!(harmless(&"京".repeat(99)), "京".repeat(20));
        let heap = harmless(&format!("a{}b", "\u{0323}\u{0334}".repeat(50)));
        assert!(heap.chars().count() < 10 && heap.ends_with('b'), "{heap:?}");
        assert_eq!(harmless("\u{0301}a"), "a");
    }
}
