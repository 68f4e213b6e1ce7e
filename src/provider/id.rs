//! A platform by name: what profiles, sealed files and command lines say of it, and the handle to its facts.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ALL, Provider};
use crate::error::{Error, Result};

/// A handle to a platform's facts; stored and typed by its name.
#[derive(Clone, Copy)]
pub struct ProviderId(&'static dyn Provider);

impl ProviderId {
    /// The handle to these facts.
    pub const fn of(provider: &'static dyn Provider) -> ProviderId {
        ProviderId(provider)
    }

    /// The platform that is meant where nothing else is said.
    pub fn first() -> ProviderId {
        ALL[0]
    }

    /// The platform's name, which is also that of the program that is all its own.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }
}

impl Deref for ProviderId {
    type Target = dyn Provider;

    fn deref(&self) -> &'static dyn Provider {
        self.0
    }
}

impl PartialEq for ProviderId {
    fn eq(&self, other: &ProviderId) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ProviderId {}

impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProviderId {
    type Err = Error;

    fn from_str(name: &str) -> Result<ProviderId> {
        ALL.iter().copied().find(|known| known.name() == name).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|known| known.name()).collect();
            Error::usage("unknown platform").next(format!("known are: {}", names.join(", ")))
        })
    }
}

impl Serialize for ProviderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ProviderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProviderId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: Error| de::Error::custom(error.what()))
    }
}

impl ValueEnum for ProviderId {
    fn value_variants<'a>() -> &'a [ProviderId] {
        ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_stored_by_its_name() {
        for id in ALL {
            let stored = serde_json::to_string(id).unwrap();
            assert_eq!(stored, format!("\"{}\"", id.name()));
            assert_eq!(serde_json::from_str::<ProviderId>(&stored).unwrap(), *id);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_does_not_repeat_it() {
        let error = serde_json::from_str::<ProviderId>("\"\\u001b[2J\"").unwrap_err().to_string();
        assert!(error.starts_with("unknown platform"), "{error}");
        assert!(serde_json::from_str::<ProviderId>("\"Seqera\"").is_err());
    }
}
