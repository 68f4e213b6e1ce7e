//! What the browser shows when it comes back: one page, complete in itself, that loads nothing and can do
//! nothing.

use std::fmt::Write as _;

/// A page with a sign, a heading and a few sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    sign: Sign,
    product: String,
    heading: String,
    text: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Success,
    Failure,
    Question,
}

impl Page {
    /// A page that says that it worked. `product` stands above the heading.
    pub fn success(product: &str, heading: &str, text: &[&str]) -> Page {
        Page::new(Sign::Success, product, heading, text)
    }

    /// A page that says that it did not.
    pub fn failure(product: &str, heading: &str, text: &[&str]) -> Page {
        Page::new(Sign::Failure, product, heading, text)
    }

    /// A page that says that an answer is awaited elsewhere.
    pub fn question(product: &str, heading: &str, text: &[&str]) -> Page {
        Page::new(Sign::Question, product, heading, text)
    }

    fn new(sign: Sign, product: &str, heading: &str, text: &[&str]) -> Page {
        let text = text.iter().map(|line| line.to_string()).collect();
        Page { sign, product: product.into(), heading: heading.into(), text }
    }

    /// The complete HTTP response, the last on its connection. `extra` is further header lines.
    pub(super) fn response(&self, status: &str, extra: &str) -> Vec<u8> {
        // A nonce rather than a hash, so that a change of the style needs no other change.
        let nonce = oauth2::CsrfToken::new_random().into_secret();
        let body = self.html(&nonce);
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {length}\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'\r\n\
             Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             X-Frame-Options: DENY\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n\
             {extra}Connection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }

    fn html(&self, nonce: &str) -> String {
        let (class, drawing) = match self.sign {
            Sign::Success => ("success", "M15 25l7 7 12-15"),
            Sign::Failure => ("failure", "M17 17l14 14M31 17L17 31"),
            Sign::Question => ("question", "M24 13v14M24 34v1"),
        };
        let product = escape(&self.product);
        let heading = escape(&self.heading);
        let mut text = String::new();
        for line in &self.text {
            let _ = write!(text, "<p>{}</p>", escape(line));
        }
        format!(
            "<!doctype html>\n\
             <html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{heading} · {product}</title>\n\
             <style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n\
             <body>\n<main class=\"{class}\">\n\
             <svg viewBox=\"0 0 48 48\" width=\"56\" height=\"56\" fill=\"none\" stroke=\"currentColor\" \
             stroke-width=\"3\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">\
             <circle cx=\"24\" cy=\"24\" r=\"21\"/><path d=\"{drawing}\"/></svg>\n\
             <p class=\"product\">{product}</p>\n<h1>{heading}</h1>\n{text}\n</main>\n</body>\n</html>\n"
        )
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#f3f4f6;--card:#fff;--ink:#1b1f27;--soft:#5a6270;--line:#dfe2e7;--good:#0f7b53;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--card:#1d2128;--ink:#eceff4;--soft:#a6afbd;--line:#313742;--good:#4cc38a;--bad:#ff8d85}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:24px;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif}\
main{width:100%;max-width:460px;padding:40px 32px;text-align:center;background:var(--card);border:1px solid var(--line);border-radius:14px;overflow-wrap:anywhere;text-wrap:balance}\
.success svg{color:var(--good)}.failure svg{color:var(--bad)}\
.product{margin:16px 0 0;font-size:14px;letter-spacing:.02em}\
h1{margin:4px 0 16px;font-size:24px;line-height:1.25;font-weight:600}\
p{margin:8px 0 0;color:var(--soft)}";

/// Text as HTML, in any place of the page. Control and direction characters, which could make a page say
/// something else than its source, become visible as �.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push('\u{fffd}');
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        let hostile = "<script>alert(1)</script>\"'&\u{202e}\u{1b}";
        let page = Page::failure(hostile, hostile, &[hostile]).html("n");
        assert!(!page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}'));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_anywhere() {
        let page = Page::success("Product", "Done", &["Text"]).html("n");
        for asking in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "style=\""]
        {
            assert!(!page.contains(asking), "{asking}");
        }
    }

    #[test]
    fn every_response_carries_the_strict_headers_and_its_own_nonce() {
        let responses: Vec<String> = (0..2)
            .map(|_| String::from_utf8(Page::success("P", "H", &[]).response("200 OK", "")).unwrap())
            .collect();
        let nonce = |text: &str| text.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert_ne!(nonce(&responses[0]), nonce(&responses[1]));
        let (head, body) = responses[0].split_once("\r\n\r\n").unwrap();
        assert!(body.contains(&format!("<style nonce=\"{}\">", nonce(head))));
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        for header in [
            "Content-Security-Policy: default-src 'none';",
            "Cache-Control: no-store",
            "Referrer-Policy: no-referrer",
            "X-Content-Type-Options: nosniff",
            "X-Frame-Options: DENY",
            "Connection: close",
        ] {
            assert!(head.contains(header), "{header}");
        }
    }
}
