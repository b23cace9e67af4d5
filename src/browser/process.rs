//! One browser process: its start, and its end with all of its child processes.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process_group};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use tracing::{info, warn};

use super::cdp::CdpClient;
use super::counter::Counted;
use super::error::BrowserError;
use super::memory_watchdog;
use super::profile::Profile;
use super::settings::{BrowserSettings, Sandbox};
use super::targets::TabTargets;

/// Time for the browser to answer its first call.
const START: Duration = Duration::from_secs(10);
/// Time for the browser to exit by itself.
const CLOSE: Duration = Duration::from_secs(2);
/// Bytes of the last line of standard error.
const MAX_LINE: usize = 300;
/// The user of the browser if this process is root: Chromium's sandbox needs one without privileges.
const UNPRIVILEGED_USER: u32 = 65_534;

/// Moves standard input and output to the descriptors 3 and 4, where Chromium expects its pipe, and is replaced by it.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#;

const FLAGS: [&str; 27] = [
    "--remote-debugging-pipe",
    // All traffic passes the proxy of its page's context. Traffic outside a page's context has a proxy that does not exist.
    "--proxy-server=socks5://127.0.0.1:1",
    // Without it, loopback and link-local addresses bypass every proxy.
    "--proxy-bypass-list=<-loopback>",
    // Names are resolved by the proxies, which check the addresses.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    // WebRTC and QUIC use UDP, which has no proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-client-side-phishing-detection",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--hide-scrollbars",
    "--mute-audio",
    // Containers have a small /dev/shm.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
];

/// A running browser. When the last reference is dropped, the browser is closed in the background.
pub struct Browser {
    pub client: CdpClient,
    /// The targets of its tabs, to recognize pop-ups.
    pub targets: TabTargets,
    /// As the browser sends it.
    pub user_agent: String,
    pages: AtomicU32,
    process: Option<Process>,
}

struct Process {
    child: Child,
    group: Option<Pid>,
    profile: Profile,
    _counted: Counted,
}

impl Browser {
    /// Starts a browser on the current runtime.
    ///
    /// # Errors
    /// [`BrowserError::Start`] with the last line that it wrote to standard error.
    pub async fn start(settings: &BrowserSettings, counted: Counted) -> Result<Arc<Self>, BrowserError> {
        let failed = |reason: String| BrowserError::Start(reason);
        let user = getuid().is_root().then_some(UNPRIVILEGED_USER);
        let profile = Profile::create(user).map_err(|error| failed(format!("cannot create its profile: {error}")))?;
        let mut child = command(&settings.executable, profile.path(), settings.sandbox, user)
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", settings.executable.display())))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let last_line = LastLine::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(last_line.clone().follow(stderr));
        }
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let client = CdpClient::start(stdout, stdin);
        let mut process = Process { child, group, profile, _counted: counted };
        let version = client.call::<Version>("", "Browser.getVersion", json!({}), START).await;
        let version = match version {
            Ok(version) => version,
            Err(error) => {
                process.kill().await;
                return Err(failed(last_line.get().unwrap_or_else(|| error.to_string())));
            }
        };
        let targets = TabTargets::follow(&client).await?;
        if let Some(group) = group {
            memory_watchdog::start(&client, group, settings.page_memory, settings.memory);
        }
        info!(version = version.product, pid = group.map(Pid::as_raw_nonzero), "browser started");
        let (pages, user_agent) = (AtomicU32::new(0), version.user_agent);
        Ok(Arc::new(Self { client, targets, user_agent, pages, process: Some(process) }))
    }

    /// Counts a page, and returns the number of pages so far.
    pub fn count_page(&self) -> u32 {
        self.pages.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Kills its processes. Open pages fail.
    pub fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill_group();
        }
    }

    /// Whether its process has ended.
    pub fn is_gone(&self) -> bool {
        self.client.is_closed()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let Some(process) = self.process.take() else { return };
        let client = self.client.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(process.close(client))),
            Err(_) => process.kill_group(),
        }
    }
}

impl Process {
    async fn close(mut self, client: CdpClient) {
        let closed = async {
            let _ = client.call::<Value>("", "Browser.close", json!({}), CLOSE).await;
            self.child.wait().await
        };
        match timeout(CLOSE, closed).await {
            Ok(Ok(status)) if status.success() => info!("browser closed"),
            Ok(status) => warn!(?status, "browser exited"),
            Err(_) => warn!("browser did not exit in time and was killed"),
        }
        self.kill().await;
        let profile = self.profile;
        let _ = tokio::task::spawn_blocking(move || drop(profile)).await;
    }

    async fn kill(&mut self) {
        self.kill_group();
        let _ = self.child.kill().await;
    }

    /// Ends the child processes that outlive the browser.
    fn kill_group(&self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    product: String,
    user_agent: String,
}

fn command(executable: &Path, profile: &Path, sandbox: Sandbox, user: Option<u32>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", PIPES]).arg(executable).args(FLAGS);
    command.arg(format!("--user-data-dir={}", profile.display()));
    if sandbox == Sandbox::Off {
        command.arg("--no-sandbox");
    }
    // The environment contains secrets.
    command.env_clear().env("HOME", profile).env("TMPDIR", profile).env("PATH", "/usr/bin:/bin");
    command.env("LANG", "C.UTF-8").current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    command
}

/// The last line that the browser wrote to standard error.
#[derive(Clone, Default)]
struct LastLine(Arc<Mutex<Option<String>>>);

impl LastLine {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn follow(self, stderr: ChildStderr) {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A line without an end is read in parts.
            let mut limited = tokio::io::AsyncReadExt::take(&mut reader, 1 << 14);
            match limited.read_until(b'\n', &mut line).await {
                Ok(1..) => {
                    let text = String::from_utf8_lossy(&line);
                    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_LINE).collect();
                    if !text.is_empty() {
                        tracing::debug!(target: "browser", line = text, "browser log");
                        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                    }
                }
                _ => return,
            }
        }
    }
}
