//! Several processes of one installation, killed and started again while they are used.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::{Reply, Running, root_token};
use crate::workers::SECRET;

/// How long one call may be tried again, and how long a start may take.
const LIMIT: Duration = Duration::from_mins(2);
const ONE_CALL: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_millis(100);

/// What a process of an installation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Serve,
    Worker,
}

/// A program that a fleet can be made of.
pub(crate) fn program() -> Program {
    // Callers here call again at once.
    crate::workers::program().with_environment("TUTELA_SECURITY_REQUEST_RATE_LIMIT", "100000/minute")
}

/// Where servers are now; none: it is being started.
type Addresses = Arc<Vec<Mutex<Option<String>>>>;

/// The processes. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Fleet {
    program: Arc<Program>,
    more: Vec<String>,
    members: Vec<Member>,
    addresses: Addresses,
    /// How many were killed.
    pub(crate) kills: usize,
    random: u64,
}

#[derive(Debug)]
struct Member {
    kind: Kind,
    child: Child,
}

impl Fleet {
    /// Starts a process of each of these kinds, servers first, each with these arguments; waits until
    /// the first server answers before the others are started.
    pub(crate) async fn start(program: Arc<Program>, kinds: &[Kind], more: &[&str]) -> Self {
        let addresses = kinds.iter().map(|_| Mutex::new(None)).collect();
        let mut fleet = Self {
            program,
            more: more.iter().map(|&one| one.to_owned()).collect(),
            members: Vec::new(),
            addresses: Arc::new(addresses),
            kills: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        for (slot, kind) in kinds.iter().enumerate() {
            let member = fleet.begin(slot, *kind);
            fleet.members.push(member);
            if slot == 0 {
                fleet.caller_without_token().any_address().await;
            }
        }
        fleet
    }

    fn begin(&self, slot: usize, kind: Kind) -> Member {
        let mut arguments = vec!["--format", "json"];
        match kind {
            Kind::Serve => arguments.extend(["serve", "--listen", "127.0.0.1:0"]),
            Kind::Worker => arguments.push("worker"),
        }
        arguments.extend(["--data", "data"]);
        arguments.extend(self.more.iter().map(String::as_str));
        let mut command = self.program.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(self.log(slot)).spawn().unwrap();
        let (stdout, addresses) = (child.stdout.take().unwrap(), Arc::clone(&self.addresses));
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let said: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(url) = said["url"].as_str() {
                    *lock(&addresses[slot]) = Some(url.to_owned());
                }
            }
        });
        Member { kind, child }
    }

    fn log(&self, slot: usize) -> File {
        let path = self.program.folder().join(format!("said-{slot}.log"));
        OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    /// Kills one of them, whichever, and starts another in its place; a server that is still being started
    /// is left alone, so that even a slow machine gets somewhere.
    pub(crate) fn kill_one(&mut self) {
        // Any sequence will do that is the same each time.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let slot = usize::try_from(self.random >> 33).unwrap() % self.members.len();
        let is_server = self.members[slot].kind == Kind::Serve;
        if is_server && lock(&self.addresses[slot]).is_none() {
            return;
        }
        self.kill(slot);
    }

    /// Kills the process in this place, and starts another.
    pub(crate) fn kill(&mut self, slot: usize) {
        *lock(&self.addresses[slot]) = None;
        let member = &mut self.members[slot];
        member.child.kill().unwrap();
        member.child.wait().unwrap();
        self.kills += 1;
        self.members[slot] = self.begin(slot, self.members[slot].kind);
    }

    /// The process in this place.
    pub(crate) fn process(&self, slot: usize) -> u32 {
        self.members[slot].child.id()
    }

    /// Whether all of them still run that were not killed.
    pub(crate) fn all_run(&mut self) -> bool {
        self.members.iter_mut().all(|member| member.child.try_wait().unwrap().is_none())
    }

    /// What all of them complained of.
    pub(crate) fn said(&self) -> String {
        let of = |slot| self.program.read(&format!("said-{slot}.log"));
        (0..self.members.len()).map(of).collect()
    }

    /// A caller with all scopes.
    pub(crate) async fn caller(&self) -> Caller {
        let mut caller = self.caller_without_token();
        let form = format!("grant_type=client_credentials&client_id=setup&client_secret={SECRET}");
        let reply = caller.call_as("POST /api/v1/oauth/token", (&form, FORM), None).await;
        let reply = reply.json();
        let token = reply["access_token"].as_str().unwrap_or_else(|| panic!("{reply}"));
        token.clone_into(&mut caller.token);
        caller
    }

    fn caller_without_token(&self) -> Caller {
        Caller {
            addresses: Arc::clone(&self.addresses),
            client: Arc::new(client()),
            token: String::new(),
            next: Arc::default(),
            troubles: Arc::default(),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[expect(clippy::disallowed_types, reason = "servers are called as their users call them")]
type HttpClient = reqwest::Client;

fn client() -> HttpClient {
    HttpClient::builder().timeout(ONE_CALL).build().unwrap()
}

/// Somebody who calls whichever server answers, and calls again where one does not.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    addresses: Addresses,
    client: Arc<HttpClient>,
    token: String,
    next: Arc<AtomicUsize>,
    /// What went wrong with calls that were made again, and how often.
    troubles: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Caller {
    /// Somebody with all scopes who calls one server of a [`program`].
    pub(crate) async fn of_server(running: &Running) -> Self {
        Self {
            addresses: Arc::new(vec![Mutex::new(Some(running.url.clone()))]),
            client: Arc::new(client()),
            token: root_token(running, SECRET).await,
            next: Arc::default(),
            troubles: Arc::default(),
        }
    }

    /// Calls, until a server answers with anything but a trouble of its own.
    pub(crate) async fn call(&self, line: &str, body: Option<&Value>) -> Reply {
        self.call_with_key(line, body, None).await
    }

    /// The same by this key, so that nothing is done twice however often it is called.
    pub(crate) async fn call_with_key(&self, line: &str, body: Option<&Value>, key: Option<&str>) -> Reply {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.call_as(line, (&body, JSON), key).await
    }

    async fn call_as(&self, line: &str, body: (&str, &str), key: Option<&str>) -> Reply {
        let begun = Instant::now();
        loop {
            let url = self.any_address().await;
            match self.try_once(&url, line, body, key).await {
                Ok(reply) if reply.status < 500 => return reply,
                Ok(reply) => self.note(format!("{} {}", reply.status, reply.text)),
                Err(_) => self.note("no answer".to_owned()),
            }
            assert!(begun.elapsed() < LIMIT, "{line}: {:?}", self.troubles());
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Calls one server once.
    pub(crate) async fn call_once(&self, line: &str, body: Option<&Value>) -> Option<Reply> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let url = self.any_address().await;
        self.try_once(&url, line, (&body, JSON), None).await.ok()
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the call, named by its place")]
    async fn try_once(
        &self,
        url: &str,
        line: &str,
        (body, media): (&str, &str),
        key: Option<&str>,
    ) -> Result<Reply, reqwest::Error> {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = self.client.request(method.parse().unwrap(), format!("{url}{path}"));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_empty() {
            request = request.header("content-type", media).body(body.to_owned());
        }
        let answer = request.send().await?;
        Ok(Reply { status: answer.status().as_u16(), text: answer.text().await? })
    }

    /// The address of a server that is up as far as anybody knows; of another one each time.
    async fn any_address(&self) -> String {
        let begun = Instant::now();
        loop {
            let first = self.next.fetch_add(1, Ordering::Relaxed);
            let slots = self.addresses.len();
            let found = (0..slots).find_map(|more| lock(&self.addresses[(first + more) % slots]).clone());
            if let Some(found) = found {
                return found;
            }
            assert!(begun.elapsed() < LIMIT, "no server is up");
            tokio::time::sleep(BEAT).await;
        }
    }

    fn note(&self, trouble: String) {
        *lock(&self.troubles).entry(trouble).or_default() += 1;
    }

    /// What went wrong with calls that were made again.
    pub(crate) fn troubles(&self) -> BTreeMap<String, usize> {
        lock(&self.troubles).clone()
    }

    /// Sends what must be taken as a whole.
    pub(crate) async fn send(&self, line: &str, body: &Value) -> Value {
        let reply = self.call(line, Some(body)).await;
        assert_eq!(reply.status, 200, "{line}: {}", reply.text);
        let reply = reply.json();
        let failed = reply.get("failed").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(failed, 0, "{line}: {reply}");
        reply
    }

    /// Reads what must be there.
    pub(crate) async fn read(&self, line: &str) -> Value {
        let reply = self.call(line, None).await;
        assert_eq!(reply.status, 200, "{line}: {}", reply.text);
        reply.json()
    }

    /// Asks for one request about a person, by a key of its own; its id.
    pub(crate) async fn ask(&self, policy: &str, email: &str) -> String {
        let body = json!([{"policy_key": policy, "identity": {"email": email}}]);
        let line = "POST /api/v1/privacy-request/authenticated";
        let reply = self.call_with_key(line, Some(&body), Some(&format!("{policy} {email}"))).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let reply = reply.json();
        reply["succeeded"][0]["id"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// Every request that there is, by id, with its status.
    pub(crate) async fn statuses(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for page in 1.. {
            let reply = self.read(&format!("GET /api/v1/privacy-request?size=100&page={page}")).await;
            let items = reply["items"].as_array().unwrap();
            for item in items {
                let text = |key: &str| item[key].as_str().unwrap().to_owned();
                found.insert(text("id"), text("status"));
            }
            if items.len() < 100 {
                break;
            }
        }
        found
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
