//! What every command works with: who is meant, where our folders are, and how much is said.

use std::cell::OnceCell;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::{Change, non_empty};
use crate::os::paths::Paths;
use crate::provider::ProviderId;
use crate::secret::Secret;
use crate::session::exports::{self, Ours};
use crate::session::inherited;
use crate::session::mark::Mark;
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Fresh, Sessions, Want, not_logged_in};
use crate::store::lock::{Lock, turn};
use crate::ui;

/// What a command works with.
#[derive(Debug)]
pub(super) struct Context {
    /// The platform whose name the program was called by.
    pub(super) called: ProviderId,
    pub(super) paths: Paths,
    pub(super) quiet: bool,
    pub(super) profile: Option<ProfileName>,
    /// The login in use, as it was read first.
    pub(super) in_use: OnceCell<(ProfileName, Option<Profile>)>,
}

/// A command that needs the network ends within this.
pub(super) const TIME: Duration = Duration::from_secs(30);

impl Context {
    /// The name of the login in use: `--profile`, `SEQERA_PROFILE`, `seqera profile use`, `default`. Called by
    /// another platform's name, it is that platform's.
    pub(super) fn name(&self) -> Result<ProfileName> {
        match (&self.profile, self.called) {
            (Some(name), _) => Ok(name.clone()),
            (None, called) if called == ProviderId::first() => Profile::selected(&self.paths),
            (None, called) => self.name_for(called),
        }
    }

    /// The name of the login in use, if it is one of this platform or may become one; else the platform's own.
    /// So nobody loses a login of one platform by logging in to the other.
    pub(super) fn name_for(&self, provider: ProviderId) -> Result<ProfileName> {
        if let Some(name) = &self.profile {
            return match Profile::load(&self.paths, name)? {
                Some(other) if other.provider != provider => {
                    Err(Error::usage(format!("the profile '{name}' is a login of {}", other.provider.name()))
                        .next("name another profile, or log out of that one first"))
                }
                _ => Ok(name.clone()),
            };
        }
        let (selected, home) = (Profile::selected(&self.paths)?, ProfileName::home_of(provider));
        let fits = match Profile::load(&self.paths, &selected)? {
            Some(profile) => profile.provider == provider,
            None => selected != ProfileName::default_name(),
        };
        Ok(if fits { selected } else { home })
    }

    /// The login in use: its name, and its profile where there is one. Its file is read once.
    pub(super) fn in_use(&self) -> Result<(&ProfileName, Option<&Profile>)> {
        if self.in_use.get().is_none() {
            let name = self.name()?;
            let profile = Profile::load(&self.paths, &name)?;
            let _ = self.in_use.set((name, profile));
        }
        let (name, profile) = self.in_use.get().ok_or_else(|| Error::failed("no login was read"))?;
        Ok((name, profile.as_ref()))
    }

    /// What the program is called.
    pub(super) fn program(&self) -> &'static str {
        self.called.name()
    }

    /// The token of the login in use.
    pub(super) fn fresh(&self, want: &Want<'_>) -> Result<Fresh> {
        let (name, profile) = self.in_use()?;
        let profile = profile.ok_or_else(|| not_logged_in(name))?;
        let fresh = Sessions::new(&self.paths, Deadline::after(TIME)).fresh_of(profile.clone(), want)?;
        if let Some(notice) = &fresh.notice {
            self.tell(&format!("{}: {notice}", self.program()));
        }
        Ok(fresh)
    }

    /// The token that the environment gives instead of a login, and the variable it is in. A profile named
    /// on the command line is meant, whatever the environment says.
    pub(super) fn outside_token(&self) -> Result<Option<(&'static str, Secret)>> {
        if self.profile.is_some() {
            return Ok(None);
        }
        let provider = match self.in_use() {
            // A token from outside needs no home.
            Err(_) if !self.paths.is_known() => self.called,
            in_use => in_use?.1.map_or(self.called, |profile| profile.provider),
        };
        Ok(exports::outside_token(provider, &non_empty)
            .or_else(|| inherited::token(&self.paths, provider, &non_empty)))
    }

    /// What a program needs in its environment to use the token in use.
    pub(super) fn changes(&self) -> Result<Vec<Change>> {
        if let Some((variable, token)) = self.outside_token()? {
            let is_exported = Ours::in_env(&non_empty).is_some_and(|ours| ours.is_token(token.expose()));
            // What we exported elsewhere is whole as it is.
            let changes = || exports::for_outside(variable, &token, &non_empty);
            return Ok(if is_exported { Vec::new() } else { changes() });
        }
        let fresh = self.fresh(&Want::default())?;
        Self::must_stay_home(&fresh.profile)?;
        // Programs that are started in a shell which was given a login by its name use that one too.
        let is_named = self.profile.is_some() || non_empty(exports::PROFILE).is_some();
        let changes = if is_named { exports::for_named } else { exports::for_profile };
        Ok(changes(&fresh.profile, &fresh.token, &non_empty))
    }

    /// Sees that the marks of the login in use are there and true, for prompts: a restart, another machine or
    /// another runtime folder may have taken them away.
    pub(super) fn restore_marks(&self) {
        let restore = |name: &ProfileName, profile: Option<&Profile>| {
            // Where nobody has logged in yet, there is nothing to follow.
            if profile.is_some() || self.paths.state.exists() {
                Mark::restore(&self.paths, name, profile);
            }
        };
        // Prompts follow the shell's login, whichever is named on the command line.
        let is_the_shells = self.profile.is_none() && self.called == ProviderId::first();
        if is_the_shells {
            let _ = self.in_use().map(|(name, profile)| restore(name, profile));
        } else if let Ok(name) = Profile::selected(&self.paths)
            && let Ok(profile) = Profile::load(&self.paths, &name)
        {
            restore(&name, profile.as_ref());
        }
    }

    /// Makes sure that the login's token does not come to stand beside the address of another server, to which
    /// programs would send it.
    pub(super) fn must_stay_home(profile: &Profile) -> Result<()> {
        let Some(variable) = exports::foreign_endpoint_kept(profile, &non_empty) else { return Ok(()) };
        Err(Error::refused(format!(
            "{variable} names another server than the login '{}', whose {} is not put beside it",
            profile.name,
            profile.provider.login_way().secret()
        ))
        .next(format!("unset {variable}, or use a login of that server with --profile")))
    }

    /// A command as the person would have to type it: with the profile that they named here.
    pub(super) fn typed(&self, command: &str) -> String {
        match &self.profile {
            Some(name) => format!("{command} --profile {name}"),
            None => command.to_owned(),
        }
    }

    /// Our turn to read the person's configuration and to write it anew. Another command may be at it, on this host or
    /// on another that shares the home.
    ///
    /// # Errors
    /// The other one takes too long; the state folder cannot be used.
    pub(super) fn turn_at_config(&self) -> Result<Lock> {
        turn(&self.paths, "config.lock", Deadline::after(TIME))
    }

    /// Tells the person how it goes, unless they asked for quiet.
    pub(super) fn tell(&self, line: &str) {
        if !self.quiet {
            ui::say(line);
        }
    }
}
