//! The keychains of KeePassXC and of KDE, each on a session bus of its own and without a screen.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::home::{Home, until};
use super::keyring::Bus;

/// A keychain that is not gnome-keyring. It ends when it is dropped.
pub struct Wallet {
    daemon: Child,
    bus: Bus,
    kind: Kind,
}

/// Whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    KeePassXc,
    KWallet,
}

const SETTINGS: &str = "\
[General]
ConfigVersion=2
UpdateCheckMessageShown=true
SingleInstance=false
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ShowNotification=false
ConfirmAccessItem=false
ConfirmDeleteItem=false
UnlockBeforeSearch=false
";

/// An empty database that gives its only group to the Secret Service.
const DATABASE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><DatabaseName>test</DatabaseName><RecycleBinEnabled>False</RecycleBinEnabled><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root></KeePassFile>
"#;

const WALLET: &str = "\
[Wallet]
Enabled=true
First Use=false
Default Wallet=kdewallet
Prompt on Open=false
Use One Wallet=true
[org.freedesktop.secrets]
apiEnabled=true
";

impl Wallet {
    /// Starts it, unlocked.
    pub fn unlocked(kind: Kind) -> Wallet {
        let bus = Bus::start();
        let folder = bus.folder().to_path_buf();
        let daemon = match kind {
            Kind::KeePassXc => keepassxc(&bus, &folder),
            Kind::KWallet => {
                std::fs::create_dir(folder.join(".config")).unwrap();
                std::fs::write(folder.join(".config/kwalletrc"), WALLET).unwrap();
                // A wallet that is made is served from the next start on.
                let mut first = kwallet(&bus, &folder);
                first.kill().unwrap();
                first.wait().unwrap();
                until(Duration::from_secs(20), "the first kwalletd has left the bus", || {
                    !bus.call(READ_ALIAS).status.success()
                });
                kwallet(&bus, &folder)
            }
        };
        let wallet = Wallet { daemon, bus, kind };
        until(Duration::from_secs(40), "the keychain has a default collection, unlocked", || {
            // KWallet says locked until it is used.
            wallet.collection().is_some_and(|found| kind == Kind::KWallet || wallet.is_unlocked(&found))
        });
        wallet
    }

    fn collection(&self) -> Option<String> {
        let alias = self.bus.call(READ_ALIAS);
        let alias = String::from_utf8_lossy(&alias.stdout).into_owned();
        let at = alias.find("/org/freedesktop/secrets/collection/")?;
        Some(alias[at..].trim_end().trim_end_matches('"').to_owned())
    }

    fn is_unlocked(&self, collection: &str) -> bool {
        let asked = [
            collection,
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        ];
        String::from_utf8_lossy(&self.bus.call(&asked).stdout).contains("boolean false")
    }

    /// Locks it. Nobody is there to unlock it again.
    pub fn lock(&self) {
        let done = match self.kind {
            Kind::KeePassXc => self.bus.send(
                "org.keepassxc.KeePassXC.MainWindow",
                &["/keepassxc", "org.keepassxc.KeePassXC.MainWindow.lockAllDatabases"],
            ),
            Kind::KWallet => self.bus.send(KWALLET, &[KWALLET_OBJECT, "org.kde.KWallet.closeAllWallets"]),
        };
        assert!(done.status.success(), "{done:?}");
        until(Duration::from_secs(20), "the keychain is locked", || {
            !self.collection().is_some_and(|found| self.is_unlocked(&found))
        });
    }

    /// Lets the programs of a home see its bus.
    pub fn join(&self, home: &mut Home) {
        self.bus.join(home);
    }
}

impl Drop for Wallet {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

const READ_ALIAS: &[&str] =
    &["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias", "string:default"];

const KWALLET: &str = "org.kde.kwalletd5";
const KWALLET_OBJECT: &str = "/modules/kwalletd5";

fn quietly(mut command: Command) -> Command {
    command.env("QT_QPA_PLATFORM", "offscreen").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn keepassxc(bus: &Bus, folder: &Path) -> Child {
    let file = |name: &str| folder.join(name);
    std::fs::write(file("settings"), SETTINGS).unwrap();
    std::fs::write(file("database.xml"), DATABASE).unwrap();
    let mut import = quietly(bus.command("keepassxc-cli"));
    import
        .args(["import", "--quiet", "-p", "-t", "100"])
        .arg(file("database.xml"))
        .arg(file("database.kdbx"));
    let mut import = import.stdin(Stdio::piped()).spawn().expect("tests/tools/install.sh installs keepassxc");
    import.stdin.take().unwrap().write_all(b"password\npassword\n").unwrap();
    assert!(import.wait().unwrap().success());
    let mut daemon = quietly(bus.command("keepassxc"));
    daemon.arg("--config").arg(file("settings")).arg("--localconfig").arg(file("local")).arg("--pw-stdin");
    let mut daemon = daemon.arg(file("database.kdbx")).stdin(Stdio::piped()).spawn().unwrap();
    daemon.stdin.take().unwrap().write_all(b"password\n").unwrap();
    daemon
}

/// Opened as PAM opens it when somebody logs in, with the hash of a password.
fn kwallet(bus: &Bus, folder: &Path) -> Child {
    let daemon = quietly(bus.command("kwalletd5")).stdin(Stdio::null()).spawn();
    let daemon = daemon.expect("tests/tools/install.sh installs libkf5wallet-bin");
    let hash = format!("array:byte:{}", ["0x41"; 56].join(","));
    let open = [KWALLET_OBJECT, "org.kde.KWallet.pamOpen", "string:kdewallet", &hash, "int32:0"];
    until(Duration::from_secs(40), "kwalletd opens its wallet", || {
        let is_open = bus
            .send(KWALLET, &open)
            .status
            .success()
            .then(|| bus.send(KWALLET, &[KWALLET_OBJECT, "org.kde.KWallet.isOpen", "string:kdewallet"]));
        is_open.is_some_and(|open| String::from_utf8_lossy(&open.stdout).contains("boolean true"))
            && folder.join(".local/share/kwalletd/kdewallet.kwl").exists()
    });
    daemon
}
