//! What a configuration of Nextflow's says of the Platform, as far as it can be read without Nextflow.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// What `nextflow auth login` wrote.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The token, where it stands there as it is.
    pub token: Option<Secret>,
    /// Where the token is good.
    pub endpoint: Option<String>,
    /// An endpoint is there that only Nextflow can work out.
    pub is_endpoint_unclear: bool,
    /// There are settings that are not of this token.
    pub has_others: bool,
    /// The number of the workspace.
    pub workspace: Option<String>,
}

/// The settings of the `tower` scope, as a block or with dots. A value that is computed is none.
pub fn parse(text: &str) -> Written {
    let mut written = Written::default();
    for (name, value) in settings(text) {
        let value = value.as_ref().map(|value| literal(value));
        match (name.as_str(), value) {
            ("tower.accessToken", Some(value)) => written.token = value.map(Secret::from),
            ("tower.endpoint", Some(Some(value))) => written.endpoint = Some(value.to_owned()),
            ("tower.workspaceId", Some(value)) => written.workspace = value.map(str::to_owned),
            ("tower.enabled", Some(_)) => {}
            (name, _) => {
                written.is_endpoint_unclear |= name.contains("tower") && name.contains("endpoint");
                written.has_others = true;
            }
        }
    }
    written
}

/// Every setting with the scopes that it is in, and the text of its value; what is none has no value.
fn settings(text: &str) -> Vec<(String, Option<Zeroizing<String>>)> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut statement = Zeroizing::new(String::new());
    let mut end = |statement: &mut Zeroizing<String>, scopes: &[String]| {
        let (name, value) = match statement.split_once('=') {
            Some((name, value)) => (name.trim(), Some(Zeroizing::new(value.trim().to_owned()))),
            None => (statement.trim(), None),
        };
        if !name.is_empty() {
            found.push(([scopes, &[name.to_owned()]].concat().join("."), value));
        }
        *statement = Zeroizing::default();
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |at| &comment[at + 2..]);
        } else if first == '\'' || first == '"' {
            let quoted = quoted(rest, first);
            statement.push_str(quoted);
            rest = &rest[quoted.len()..];
        } else {
            match first {
                '{' => {
                    scopes.push(statement.trim().to_owned());
                    statement.clear();
                }
                '}' => {
                    end(&mut statement, &scopes);
                    scopes.pop();
                }
                ';' | '\n' | '\r' => end(&mut statement, &scopes),
                other => statement.push(other),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    end(&mut statement, &scopes);
    found
}

/// The text in quotes that `text` begins with, the quotes included.
fn quoted(text: &str, quote: char) -> &str {
    let triple = quote.to_string().repeat(3);
    let mark = if text.starts_with(&triple) { &triple[..] } else { &triple[..1] };
    let mut at = mark.len();
    while at < text.len() && !text[at..].starts_with(mark) {
        let escaped = usize::from(text[at..].starts_with('\\'));
        at += escaped + text[at + escaped..].chars().next().map_or(0, char::len_utf8);
    }
    &text[..text.len().min(at + mark.len())]
}

/// A value that stands there as it is.
fn literal(value: &str) -> Option<&str> {
    let quote = value.chars().next()?;
    if quote != '\'' && quote != '"' {
        return value.chars().all(|c| c.is_ascii_digit()).then_some(value);
    }
    let (text, behind) = value[1..].split_once(quote)?;
    let is_computed = text.contains('\\') || (quote == '"' && text.contains('$'));
    (!text.is_empty() && behind.is_empty() && !is_computed).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nextflow_writes_is_read_and_what_is_computed_is_not() {
        let block = "// Seqera Platform configuration\ntower {\n    accessToken = 'eyJ0aWQ'\n    endpoint = 'https://tower.example/api'\n    enabled = true\n    workspaceId = '3001'  // acme / research [x]\n}\n";
        let written = parse(block);
        assert_eq!(written.token, Some("eyJ0aWQ".into()));
        assert_eq!(written.endpoint.as_deref(), Some("https://tower.example/api"));
        assert_eq!(written.workspace.as_deref(), Some("3001"));
        let dots = parse("tower.accessToken = \"eyJ\"\ntower.workspaceId = 17\n");
        assert_eq!((dots.token, dots.workspace.as_deref()), (Some("eyJ".into()), Some("17")));
        for computed in
            ["tower.accessToken = \"$TOWER_ACCESS_TOKEN\"", "accessToken = System.getenv('X')", ""]
        {
            assert_eq!(parse(computed).token, None, "{computed}");
        }
    }

    #[test]
    fn comments_and_other_scopes_are_no_settings_of_it() {
        let one = parse("tower { accessToken = 'eyJ'; endpoint = \"https://t.example/api\" }");
        assert_eq!((one.token, one.endpoint.as_deref()), (Some("eyJ".into()), Some("https://t.example/api")));
        for unrelated in [
            "tower.accessToken = 'eyJ'\n// tower.endpoint = 'https://old.example'",
            "tower.accessToken = 'eyJ' /* tower.endpoint = 'https://old.example'\n */",
            "tower { accessToken = 'eyJ' }\naws { client { endpoint = 'https://s3.example' } }",
            "tower.accessToken = 'eyJ'; wave.endpoint = 'https://wave.example'",
        ] {
            let written = parse(unrelated);
            assert_eq!(written.token, Some("eyJ".into()), "{unrelated}");
            assert_eq!((written.endpoint, written.is_endpoint_unclear), (None, false), "{unrelated}");
            assert_eq!(written.has_others, unrelated.contains("aws") || unrelated.contains("wave"));
        }
        for unclear in [
            "tower.endpoint = System.getenv('X') ?: 'https://t.example'",
            "tower { endpoint = \"https://${host}/api\" }",
            "tower { endpoint = 'https://' + host }",
            "if (x) { tower.endpoint = 'https://t.example' }",
            "tower['endpoint'] = 'https://t.example'",
        ] {
            assert!(parse(unclear).is_endpoint_unclear, "{unclear}");
        }
    }
}
