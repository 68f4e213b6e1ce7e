//! Who has an account: users, their organizations and the workspaces in them.

/// One account of the Platform.
#[derive(Clone)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub organizations: Vec<Organization>,
}

/// An organization as one of its members sees it.
#[derive(Clone)]
pub struct Organization {
    pub id: i64,
    pub name: String,
    pub full_name: String,
    /// `owner`, `member` or `collaborator`.
    pub role: &'static str,
    /// `academic`, `evaluating`, `pro`, `basic` or `internal`.
    pub plan: &'static str,
    pub workspaces: Vec<Workspace>,
}

/// A workspace of an organization.
#[derive(Clone)]
pub struct Workspace {
    pub id: i64,
    pub name: String,
    /// `PRIVATE` or `SHARED`.
    pub visibility: &'static str,
}

/// The accounts, and which of them the browser is signed in with.
pub struct People {
    pub users: Vec<User>,
    pub signed_in: usize,
}

impl Default for People {
    /// `ada`, signed in, with two organizations; `grace` with exactly one; `alan` with none.
    fn default() -> Self {
        let acme = Organization::new(2001, "acme", "owner", "pro")
            .workspace(3001, "research", "PRIVATE")
            .workspace(3002, "production", "PRIVATE");
        let community = Organization::new(2002, "community", "collaborator", "basic")
            .workspace(3003, "showcase", "SHARED");
        let solo = Organization::new(2003, "solo", "owner", "academic").workspace(3004, "thesis", "PRIVATE");
        People {
            users: vec![
                User::new(1001, "ada", vec![acme, community]),
                User::new(1002, "grace", vec![solo]),
                User::new(1003, "alan", vec![]),
            ],
            signed_in: 0,
        }
    }
}

impl People {
    pub fn by_id(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub fn signed_in(&self) -> &User {
        &self.users[self.signed_in]
    }

    /// Signs the browser in with another account.
    pub fn sign_in(&mut self, name: &str) {
        self.signed_in =
            self.users.iter().position(|user| user.name == name).unwrap_or_else(|| panic!("no user {name}"));
    }

    /// Gives the signed-in user one organization, with a workspace of the same name, for each of [`HOSTILE_NAMES`].
    pub fn make_names_hostile(&mut self) {
        self.users[self.signed_in].organizations = (0..)
            .zip(HOSTILE_NAMES)
            .map(|(n, name)| {
                Organization::new(6000 + n, name, "member", "pro").workspace(7000 + n, name, "PRIVATE")
            })
            .collect();
    }
}

/// Names that do harm where one is printed, evaluated or put into a prompt unread. The real Platform refuses them;
/// a client must not rest on that. What one of them runs makes a file `pwned` in the current folder.
pub const HOSTILE_NAMES: [&str; 9] = [
    "$(touch pwned)`touch pwned`",
    "'; touch pwned; '\"; touch pwned; \"",
    "line\ntouch pwned\r\nbreak",
    "colour\u{1b}[31m title\u{1b}]0;owned\u{7} c1\u{9b}31m",
    "bidi\u{202e}gro.live\u{2066}\u{200f} zero\u{200b}width",
    "prompt %F{red}%n%{ \\u\\h\\$ !! $PS1 ${(e)x}",
    "a;b|c&d>e<f*?[g]{h,i}~#=\\",
    "--help",
    "",
];

impl User {
    pub fn new(id: i64, name: &str, organizations: Vec<Organization>) -> User {
        User { id, name: name.into(), email: format!("{name}@example.org"), organizations }
    }
}

impl Organization {
    pub fn new(id: i64, name: &str, role: &'static str, plan: &'static str) -> Organization {
        Organization {
            id,
            name: name.into(),
            full_name: format!("{name} Ltd"),
            role,
            plan,
            workspaces: vec![],
        }
    }

    pub fn workspace(mut self, id: i64, name: &str, visibility: &'static str) -> Organization {
        self.workspaces.push(Workspace { id, name: name.into(), visibility });
        self
    }
}
