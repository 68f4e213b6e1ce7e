//! Login with a code that the person types into a browser anywhere.

use std::time::Instant;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::place;
use super::settings::Settings;
use crate::error::Result;
use crate::http::Http;
use crate::oauth::Tokens;
use crate::oauth::device::{self, Prompt};
use crate::oauth::discovery::Server;
use crate::os::paths::Paths;
use crate::ui::{self, Spinner};

/// Logs in.
pub fn login(http: &Http, server: &Server, settings: &Settings, paths: &Paths) -> Result<Tokens> {
    let mut spinner = None;
    device::login(http, server, &settings.client, Instant::now() + settings.patience, |prompt| {
        let pages = [&prompt.verification_uri].into_iter().chain(&prompt.complete);
        pages.into_iter().try_for_each(|page| place::must_be_of_one_server(paths, server, page))?;
        show(prompt);
        spinner = Some(Spinner::turn("Waiting for you to confirm the code ..."));
        Ok(())
    })
}

fn show(prompt: &Prompt) {
    ui::say("On any device, go to:");
    ui::say("");
    ui::say(&format!("  {}", prompt.verification_uri));
    ui::say("");
    ui::say(&format!("and type the code:  {}", prompt.user_code));
    ui::say("");
    let direct = prompt.complete.as_ref().unwrap_or(&prompt.verification_uri);
    for line in ui::width().and_then(|width| picture(direct.as_str(), width)).unwrap_or_default() {
        ui::say(&line);
    }
}

/// The address as a QR code for a terminal `width` characters wide; nothing where it would not fit. Light is
/// drawn and dark is left out, since most terminals are dark.
fn picture(address: &str, width: usize) -> Option<Vec<String>> {
    let code = QrCode::new(address).ok()?;
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let lines: Vec<String> = picture.lines().map(str::to_owned).collect();
    lines.iter().all(|line| line.chars().count() <= width).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_shown_whole_or_not_at_all() {
        let address = "https://cloud.seqera.io/device?user_code=ABCD-EFGH";
        let lines = picture(address, 80).unwrap();
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0] && (25..=80).contains(width)), "{widths:?}");
        assert!(picture(address, widths[0]).is_some() && picture(address, widths[0] - 1).is_none());
    }
}
