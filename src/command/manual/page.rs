//! A page of the manual, written once: as roff for `man` and as text for `seqera help TOPIC`.

use std::fmt::Write;

/// A page that is not about one command.
pub struct Page {
    /// The word after `seqera help`, and the end of the page's name.
    pub topic: &'static str,
    /// The section of the manual.
    pub section: u8,
    /// Half a line.
    pub about: &'static str,
    /// What is on it.
    pub parts: Vec<Part>,
}

/// A part with a title.
pub struct Part {
    /// The title, as it stands in a sentence.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// One thing in a part.
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A term and what it means.
    Item(String, String),
}

impl Part {
    /// A part with terms.
    pub fn items(
        title: impl Into<String>,
        items: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Part {
        let blocks = items.into_iter().map(|(term, text)| Block::Item(term.into(), text.into())).collect();
        Part { title: title.into(), blocks }
    }

    /// A part that is one paragraph.
    pub fn text(title: impl Into<String>, text: impl Into<String>) -> Part {
        Part { title: title.into(), blocks: vec![Block::Text(text.into())] }
    }
}

impl Page {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("seqera-{}.{}", self.topic, self.section)
    }

    /// For `man`.
    pub fn roff(&self) -> String {
        let Page { topic, section, about, .. } = self;
        let mut roff = format!(
            ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n.TH seqera-{topic} {section} \"\" \"seqera {}\"\n.SH NAME\n{} \\- {}\n",
            env!("CARGO_PKG_VERSION"),
            escaped(&format!("seqera-{topic}")),
            escaped(about)
        );
        roff += &self::roff(&self.parts);
        roff
    }

    /// For a terminal of this width.
    pub fn text(&self, width: usize) -> String {
        let mut text = format!("seqera-{}({}) - {}\n", self.topic, self.section, self.about);
        for Part { title, blocks } in &self.parts {
            let _ = writeln!(text, "\n{title}:");
            for block in blocks {
                match block {
                    Block::Text(words) => wrapped(&mut text, words, 2, width),
                    Block::Item(term, words) => {
                        let _ = writeln!(text, "  {term}");
                        wrapped(&mut text, words, 6, width);
                    }
                }
            }
        }
        text
    }
}

/// The parts of a page for `man`.
pub fn roff(parts: &[Part]) -> String {
    let mut roff = String::new();
    for Part { title, blocks } in parts {
        let _ = writeln!(roff, ".SH \"{}\"", escaped(&title.to_uppercase()));
        for block in blocks {
            let _ = match block {
                Block::Text(text) => writeln!(roff, ".PP\n{}", escaped(text)),
                Block::Item(term, text) => {
                    writeln!(roff, ".TP\n\\fB{}\\fR\n{}", escaped(term), escaped(text))
                }
            };
        }
    }
    roff
}

/// Text in which nothing is a request to roff: groff_man(7).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            escaped += "\n.br\n";
        }
        if line.starts_with(['.', '\'']) {
            escaped += "\\&";
        }
        for c in line.chars() {
            match c {
                '\\' => escaped += "\\e",
                '-' => escaped += "\\-",
                '\'' => escaped += "\\*(Aq",
                '"' => escaped += "\\(dq",
                '`' => escaped += "\\(ga",
                '^' => escaped += "\\(ha",
                '~' => escaped += "\\(ti",
                c => escaped.push(c),
            }
        }
    }
    escaped
}

fn wrapped(into: &mut String, text: &str, indent: usize, width: usize) {
    let room = width.saturating_sub(indent).max(20);
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                let _ = writeln!(into, "{:indent$}{line}", "");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        let _ = writeln!(into, "{:indent$}{line}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_request_to_roff() {
        assert_eq!(escaped(".de x\n'br\na\\b-c"), "\\&.de x\n.br\n\\&\\*(Aqbr\n.br\na\\eb\\-c");
    }

    #[test]
    fn lines_are_wrapped_at_words() {
        let mut text = String::new();
        wrapped(&mut text, "one two three four five six seven", 2, 24);
        assert_eq!(text, "  one two three four\n  five six seven\n");
    }
}
