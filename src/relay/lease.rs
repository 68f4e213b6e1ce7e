//! The token that is lent: kept for a moment, renewed in time, by one request for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::secret::Secret;

/// A token that lives.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// When it ends, in seconds since 1970; nothing where that is not known.
    pub expires_at: Option<u64>,
}

/// Where the relay's tokens come from.
pub trait TokenSource: Send + Sync + 'static {
    /// A token that lives, and is not `refused`, which a server has just refused; nothing where there is no other.
    /// May take its time: it is called beside the event loop, and never twice at once.
    ///
    /// # Errors
    /// There is none.
    fn token(&self, refused: Option<&Secret>) -> Result<Option<Token>>;
}

/// For so long a token is lent without asking where it comes from: a logout, and another process's renewal, count
/// after this.
const KEPT: Duration = Duration::from_secs(30);

/// A failure is told to each caller within this, instead of asking once for each of a hundred requests.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

/// After a new token was refused as well, no other is asked for until then: it is not the token that is wrong.
const HOPELESS_FOR: Duration = Duration::from_secs(60);

/// A token with so many seconds to live may be lent while the next one is on its way.
const ENOUGH: u64 = 30;

pub struct Lease {
    source: Arc<dyn TokenSource>,
    state: Mutex<State>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    failed: Option<(Instant, Error)>,
    hopeless_until: Option<Instant>,
}

struct Held {
    token: Token,
    ask_again: Instant,
}

impl Held {
    fn new(token: Token) -> Held {
        // Half of what is left each time: the source renews a token in the last part of its life.
        let left = token.expires_at.map_or(u64::MAX, |end| end.saturating_sub(now()));
        let wait = Duration::from_millis(left.saturating_mul(500)).min(KEPT);
        Held { token, ask_again: Instant::now() + wait }
    }

    fn lives_for(&self, seconds: u64) -> bool {
        self.token.expires_at.is_none_or(|end| end > now().saturating_add(seconds))
    }
}

impl Lease {
    pub fn new(source: Arc<dyn TokenSource>) -> Lease {
        Lease { source, state: Mutex::default(), asking: tokio::sync::Mutex::new(()) }
    }

    /// A token for a request.
    pub async fn token(&self) -> Result<Secret> {
        let began = Instant::now();
        if let Some(token) = self.at_hand(None) {
            return Ok(token);
        }
        let Some(_asking) = self.turn() else {
            if let Some(token) = self.while_others_ask() {
                return Ok(token);
            }
            let _asking = self.asking.lock().await;
            return match self.at_hand(None) {
                Some(token) => Ok(token),
                None => self.ask(began, None).await?.ok_or_else(none),
            };
        };
        self.ask(began, None).await?.ok_or_else(none)
    }

    /// Another one than `refused`, which a server answered with 401; nothing where there is none.
    pub async fn instead_of(&self, refused: &Secret) -> Result<Option<Secret>> {
        let began = Instant::now();
        let _asking = self.asking.lock().await;
        if let Some(token) = self.at_hand(Some(refused)) {
            return Ok(Some(token));
        }
        if self.lock().hopeless_until.is_some_and(|until| until > began) {
            return Ok(None);
        }
        self.ask(began, Some(refused)).await
    }

    /// Notes that the new token was refused, too.
    pub fn is_hopeless(&self) {
        self.lock().hopeless_until = Some(Instant::now() + HOPELESS_FOR);
    }

    fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        self.asking.try_lock().ok()
    }

    fn at_hand(&self, refused: Option<&Secret>) -> Option<Secret> {
        let state = self.lock();
        let held = state.held.as_ref()?;
        let usable = held.ask_again > Instant::now() && held.lives_for(0);
        (usable && refused.is_none_or(|refused| held.token.secret != *refused))
            .then(|| held.token.secret.clone())
    }

    fn while_others_ask(&self) -> Option<Secret> {
        let state = self.lock();
        state.held.as_ref().filter(|held| held.lives_for(ENOUGH)).map(|held| held.token.secret.clone())
    }

    async fn ask(&self, began: Instant, refused: Option<&Secret>) -> Result<Option<Secret>> {
        if let Some((at, error)) = &self.lock().failed
            && (*at >= began || at.elapsed() < FAILURE_KEPT)
        {
            return Err(error.clone());
        }
        let (source, not) = (Arc::clone(&self.source), refused.cloned());
        let answer = tokio::task::spawn_blocking(move || source.token(not.as_ref())).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::failed("the relay is ending")));
        let mut state = self.lock();
        match answer {
            Ok(Some(token)) if refused.is_none_or(|refused| token.secret != *refused) => {
                let secret = token.secret.clone();
                state.held = Some(Held::new(token));
                state.failed = None;
                Ok(Some(secret))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                // A login that has ended is not lent to its last second; a store that is locked just now is no end.
                match &state.held {
                    _ if matches!(error.kind(), Kind::SessionEnded | Kind::NotLoggedIn) => state.held = None,
                    Some(held) if refused.is_none() && held.lives_for(0) => {
                        return Ok(Some(held.token.secret.clone()));
                    }
                    _ => {}
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn none() -> Error {
    Error::not_logged_in("there is no token").next("log in with: seqera login")
}
