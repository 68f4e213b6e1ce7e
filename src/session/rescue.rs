//! A place for a session that the server has renewed and the disk refuses: the runtime folder, which is memory
//! on most machines. The next run takes it home.

use std::path::PathBuf;

use super::{IDENTITY, Session, Sessions};
use crate::error::Result;
use crate::os::files;
use crate::os::paths::Paths;
use crate::session::profile::ProfileName;
use crate::store::Shelf;

/// The folders to try, best first. Each is looked into at every read, so there are few.
fn places(paths: &Paths, name: &ProfileName) -> impl Iterator<Item = PathBuf> {
    let file = format!("session+{name}.rescued");
    [Some(paths.run.clone()), paths.rescue.clone()].into_iter().flatten().map(move |dir| dir.join(&file))
}

/// Keeps the session, sealed as in the store. Answers where.
pub fn keep(sessions: &Sessions<'_>, name: &ProfileName, session: &Session) -> Result<PathBuf> {
    let sealed = sessions.store.seal(&Shelf::session(name.as_str()), IDENTITY, session)?;
    let mut refused = None;
    for place in places(sessions.paths, name) {
        let kept = files::private_dir(place.parent().unwrap_or(&place))
            .and_then(|()| crate::os::fault::disk("rescue"))
            .and_then(|()| files::replace(&place, &sealed));
        match kept {
            Ok(()) => return Ok(place),
            Err(error) => refused = Some(error),
        }
    }
    Err(crate::error::Error::store(match refused {
        Some(error) => crate::error::io_words(&error),
        None => "there is no other place".to_owned(),
    }))
}

/// The newer of what is stored and what was rescued.
pub fn newer(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    stored: Option<Session>,
) -> Result<Option<Session>> {
    let mut newest = stored;
    for place in places(sessions.paths, name) {
        let Ok(Some(sealed)) = files::read(&place, crate::store::sealed::LIMIT) else { continue };
        // One that does not open is of another store; the stored session stands.
        let Ok(rescued) = sessions.store.unseal::<Session>(&Shelf::session(name.as_str()), IDENTITY, &sealed)
        else {
            continue;
        };
        if newest.as_ref().is_none_or(|newest| rescued.generation > newest.generation) {
            newest = Some(rescued);
        }
    }
    Ok(newest)
}

/// Whether anything was rescued.
pub fn is_there(paths: &Paths, name: &ProfileName) -> bool {
    places(paths, name).any(|place| place.exists())
}

/// Removes what was rescued: it is home, or not wanted any more.
pub fn forget(paths: &Paths, name: &ProfileName) {
    for place in places(paths, name) {
        let _ = files::remove(&place);
    }
}
