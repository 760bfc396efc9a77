//! A real LDAP server of the tests' own, from the system's packages; gone when the tests are.

use crate::ports::free_port;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;
use vestibule::settings::{Ldap, LdapUserSetting, Settings};

/// Passwords, planted: they must show up nowhere.
pub const SERVICE_WORD: &str = "p1anted-service-word";
/// The password of `lena`, who is in the groups `analysts`, `ops` and `staff`.
pub const LENA_WORD: &str = "p1anted-lena-word";
/// The password of `max`, who has no mail address and is in `staff` alone.
pub const MAX_WORD: &str = "p1anted-max-word";
/// The LDAP password of `alice` and `tsadmin`, who are local users.
pub const OTHER_WORD: &str = "p1anted-other-word";
/// The password of the server's own administrator.
const ROOT_WORD: &str = "p1anted-rootdn-word";
const ROOT: &str = "cn=root,dc=example,dc=org";
/// Where people are.
pub const PEOPLE: &str = "ou=people,dc=example,dc=org";
/// Runs the server for as long as somebody holds the other end of standard input, so that a test that is killed leaves
/// no server behind.
const KEEPER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & server=$!
(read -r _ <&3; kill -KILL $server) 2>/dev/null & reader=$!
wait $server
kill $reader"#;

/// A `slapd` process with a folder of its own.
pub struct Slapd {
    folder: TempDir,
    port: u16,
    tls_port: u16,
    /// Listens where the referrals point.
    trap: TcpListener,
    keeper: Mutex<Child>,
}

impl Slapd {
    /// Starts a server with `tests/data/ldap/example.ldif` in it.
    pub fn start() -> Self {
        Self::with(|ldif| ldif)
    }

    /// The same with other entries.
    pub fn with(change: impl Fn(String) -> String) -> Self {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            let trap = TcpListener::bind("127.0.0.1:0").unwrap();
            trap.set_nonblocking(true).unwrap();
            let (port, tls_port) = (free_port(), free_port());
            furnish(folder.path(), &change(entries(&trap)));
            let keeper = Mutex::new(spawn(folder.path(), port, tls_port));
            let server = Self {
                folder,
                port,
                tls_port,
                trap,
                keeper,
            };
            // If not, somebody else took a port in between.
            if server.is_up() {
                return server;
            }
        }
        panic!("slapd did not start; is it installed? run `make setup`")
    }

    /// Without encryption.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// With TLS from the start, under that name of the host.
    pub fn tls_url(&self, host: &str) -> String {
        format!("ldaps://{host}:{}", self.tls_port)
    }

    /// The authority that signed its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Settings that have the server search for people and groups.
    pub fn settings(&self) -> Ldap {
        let mut settings = Settings::defaults().ldap;
        settings.urls = vec![self.url().parse().unwrap()];
        settings.bind_dn = Some("cn=vestibule,dc=example,dc=org".to_owned());
        settings.bind_password = Some(SERVICE_WORD.into());
        settings.users = LdapUserSetting::Search {
            base: PEOPLE.to_owned(),
            filter: "(uid={})".to_owned(),
        };
        settings.group_base = Some("ou=groups,dc=example,dc=org".to_owned());
        settings
    }

    /// Settings by which people bind as themselves, and nobody else.
    pub fn pattern_settings(&self) -> Ldap {
        let mut settings = self.settings();
        settings.bind_dn = None;
        settings.bind_password = None;
        settings.users = LdapUserSetting::Pattern(format!("uid={{}},{PEOPLE}"));
        settings
    }

    /// Changes entries, as its administrator, by LDIF.
    pub fn modify(&self, ldif: &str) {
        let mut child = Command::new("ldapmodify")
            .args(["-x", "-H", &self.url(), "-D", ROOT, "-w", ROOT_WORD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(ldif.as_bytes()).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success(), "{ldif}");
    }

    /// Whom another client is taken for when it binds.
    pub fn who_is(&self, dn: &str, password: &str) -> String {
        let output = Command::new("ldapwhoami")
            .args(["-x", "-H", &self.url(), "-D", dn, "-w", password])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Whether anybody followed a referral.
    pub fn was_trapped(&self) -> bool {
        self.trap.accept().is_ok()
    }

    /// Sends the server a signal.
    pub fn signal(&self, name: &str) {
        let process = std::fs::read_to_string(self.folder.path().join("pid")).unwrap();
        let done = Command::new("kill")
            .args(["-s", name, process.trim()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Kills the server without notice.
    pub fn kill(&self) {
        self.signal("KILL");
        self.keeper.lock().unwrap().wait().unwrap();
    }

    /// Starts it again in the same place.
    pub fn start_again(&self) {
        *self.keeper.lock().unwrap() = spawn(self.folder.path(), self.port, self.tls_port);
        assert!(self.is_up(), "slapd did not start again");
    }

    fn is_up(&self) -> bool {
        for _ in 0..1500 {
            let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
            if self.folder.path().join("pid").exists()
                && answers(self.port)
                && answers(self.tls_port)
            {
                return true;
            }
            if self.keeper.lock().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            // Another process has no clock that a test could advance.
            std::thread::park_timeout(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap();
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }
}

fn entries(trap: &TcpListener) -> String {
    let port = trap.local_addr().unwrap().port().to_string();
    include_str!("../data/ldap/example.ldif").replace("{trap}", &port)
}

/// An authority nobody has heard of.
pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn furnish(folder: &Path, ldif: &str) {
    let ours = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &ours)
        .unwrap();
    let at = folder.display();
    // An empty password is let in as nobody, as many servers do: the trap that every client must know.
    let configuration = format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {at}/pid
allow bind_anon_dn
TLSCACertificateFile {at}/ca.pem
TLSCertificateFile {at}/cert.pem
TLSCertificateKeyFile {at}/key.pem
database mdb
directory {at}/data
maxsize 16777216
suffix dc=example,dc=org
rootdn {ROOT}
rootpw {ROOT_WORD}
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth by * none
"
    );
    std::fs::create_dir(folder.join("data")).unwrap();
    for (name, text) in [
        ("ca.pem", ours.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
        ("slapd.conf", configuration),
        ("entries.ldif", ldif.to_owned()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let loaded = Command::new("/usr/sbin/slapadd")
        .args(["-q", "-f"])
        .arg(folder.join("slapd.conf"))
        .arg("-l")
        .arg(folder.join("entries.ldif"))
        .output()
        .expect("slapd is missing: run `make setup`");
    let words = String::from_utf8_lossy(&loaded.stderr).into_owned();
    assert!(loaded.status.success(), "slapadd: {words}");
}

fn spawn(folder: &Path, port: u16, tls_port: u16) -> Child {
    let _ = std::fs::remove_file(folder.join("pid"));
    Command::new("sh")
        .args(["-c", KEEPER, "sh", "/usr/sbin/slapd", "-d", "0", "-f"])
        .arg(folder.join("slapd.conf"))
        .arg("-h")
        .arg(format!(
            "ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
