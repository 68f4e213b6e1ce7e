//! Which server a path goes to.

use url::Url;

use super::path::decoded_once;

/// Requests whose path begins with `prefix` go to `base`, with the rest of their path.
#[derive(Debug, Clone)]
pub struct Route {
    /// `/api`, or nothing for all that no other route takes.
    pub prefix: &'static str,
    /// The server, and the path that comes before the rest.
    pub base: Url,
}

impl Route {
    /// The part of `path` below the prefix, where it is there at all.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.prefix)? {
            "" => Some("/"),
            below => below.starts_with('/').then_some(below),
        }
    }

    /// The server's address for it; nothing where it would be read as another path there.
    pub(super) fn url(&self, below: &str, query: Option<&str>) -> Option<Url> {
        let path = format!("{}{below}", self.base.path().trim_end_matches('/'));
        let mut url = self.base.clone();
        url.set_path(&path);
        url.set_query(query);
        let is_same = decoded_once(url.path()) == decoded_once(&path) && url.origin() == self.base.origin();
        is_same.then_some(url)
    }
}
