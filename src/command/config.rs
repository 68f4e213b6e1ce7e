//! `seqera config`: the user's settings, and where each value comes from.

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::Context;
use crate::config::{self, Config, Origin, SETTINGS, Setting};
use crate::error::Result;
use crate::ui;

/// Show and change your settings (config.toml)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Every setting, its value, and where that comes from
    List,
    /// The value of one setting
    Get {
        /// The setting
        #[arg(value_parser = names())]
        key: String,
    },
    /// Write one setting into your file; its comments stay
    Set {
        /// The setting
        #[arg(value_parser = names())]
        key: String,
        /// The value
        value: String,
    },
    /// Take one setting out of your file
    Unset {
        /// The setting
        #[arg(value_parser = names())]
        key: String,
    },
}

fn names() -> Vec<&'static str> {
    SETTINGS.iter().map(|setting| setting.key).collect()
}

#[derive(Serialize)]
struct Settings {
    file: String,
    settings: Vec<Row>,
    /// What stands in a file and does not fit its setting.
    wrong: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    key: &'static str,
    value: Option<String>,
    /// `environment`, `file`, `site` or `default`.
    origin: &'static str,
    /// The variable or the file.
    source: Option<String>,
}

impl Row {
    fn of(config: &Config, setting: &'static Setting) -> Row {
        let (value, origin) = config.get(setting);
        let (origin, source) = match origin {
            Origin::Environment(variable) => ("environment", Some(variable.to_owned())),
            Origin::File(path) => ("file", Some(path.display().to_string())),
            Origin::Site(path) => ("site", Some(path.display().to_string())),
            Origin::Default => ("default", None),
        };
        Row { key: setting.key, value: Some(value).filter(|value| !value.is_empty()), origin, source }
    }
}

/// Runs the command.
///
/// # Errors
/// A value that does not fit; a file that cannot be read or written.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match &args.command {
        None | Some(Sub::List) => list(args, context)?,
        Some(Sub::Get { key }) => get(key, args, context)?,
        Some(Sub::Set { key, value }) => set(key, Some(value), context)?,
        Some(Sub::Unset { key }) => set(key, None, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &Args, context: &Context) -> Result<()> {
    let config = Config::load(&context.paths)?;
    if args.json {
        let settings = SETTINGS.iter().map(|setting| Row::of(&config, setting)).collect();
        let wrong = config.unfit().iter().map(ToString::to_string).collect();
        let file = context.paths.config_file().display().to_string();
        return ui::out_json(&Settings { file, settings, wrong });
    }
    let width = SETTINGS.iter().map(|setting| setting.key.len()).max().unwrap_or_default();
    SETTINGS.iter().try_for_each(|setting| {
        let (value, origin) = config.get(setting);
        let value = if value.is_empty() { "-" } else { value.as_str() };
        ui::out(&ui::plain(&format!("{:width$}  {value}  ({origin})", setting.key)))
    })?;
    config
        .unfit()
        .iter()
        .try_for_each(|unfit| ui::out(&ui::plain(&format!("{:width$}  WRONG: {unfit}", unfit.setting.key))))
}

fn get(key: &str, args: &Args, context: &Context) -> Result<()> {
    let setting = config::setting(key)?;
    let config = Config::load(&context.paths)?;
    if args.json {
        return ui::out_json(&Row::of(&config, setting));
    }
    ui::out(&ui::plain(&config.get(setting).0))
}

fn set(key: &str, value: Option<&str>, context: &Context) -> Result<()> {
    let setting = config::setting(key)?;
    let turn = context.turn_at_config()?;
    config::change(&context.paths, setting, value)?;
    drop(turn);
    if let (Some(variable), Some(_)) = (setting.variable, value)
        && crate::os::env::non_empty(variable).is_some()
    {
        context.tell(&format!("{variable} is set in this shell and overrides it"));
    }
    Ok(())
}
