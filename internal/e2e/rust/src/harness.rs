//! What the checks share: the client, waiting, walking through lists, and the receiver.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    fmt::Debug,
    future::Future,
    panic,
    pin::Pin,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc, Mutex,
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use svix::{
    api::{Svix, SvixOptions},
    error::Error,
    models::*,
    webhooks::Webhook,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub type Check = fn(Suite) -> Pin<Box<dyn Future<Output = ()>>>;

/// Runs the checks one after the other. A check fails by panicking.
pub fn run(checks: Vec<(&'static str, Check)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let said = Arc::new(Mutex::new(String::new()));
    let hook = said.clone();
    panic::set_hook(Box::new(move |info| hook.lock().expect("no poison").push_str(&info.to_string())));
    println!("checks {}", checks.len());
    let suite = Suite::new();
    let tasks = tokio::task::LocalSet::new();
    for (title, check) in checks {
        said.lock().expect("no poison").clear();
        match tasks.block_on(&runtime, tasks.spawn_local(check(suite.clone()))) {
            Ok(()) => println!("ok {title}"),
            Err(_) => println!("not ok {title}\n    {}", said.lock().expect("no poison").replace('\n', "\n    ")),
        }
    }
}

/// The value of a call that must succeed.
#[track_caller]
pub fn have<T>(result: svix::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{e}"),
    }
}

/// A value that must be there.
#[track_caller]
pub fn need<T>(value: Option<T>) -> T {
    value.expect("a value")
}

/// Expects the client's own error: word is the code, or for 422 the last word of where.
#[track_caller]
pub fn fails<T: Debug>(status: u16, word: &str, result: svix::Result<T>) {
    match result {
        Err(Error::Http(e)) => {
            let payload = e.payload.expect("an error that the client can read");
            assert_eq!((e.status.as_u16(), payload.code.as_str()), (status, word));
            assert!(!payload.detail.is_empty());
        }
        Err(Error::Validation(e)) => {
            let payload = e.payload.expect("a validation error that the client can read");
            let where_ = payload.detail[0].loc.last().map(String::as_str);
            assert_eq!((e.status.as_u16(), where_), (status, Some(word)));
        }
        other => panic!("got {other:?}, want {status} {word}"),
    }
}

/// A set of names, as the client's types have it.
pub fn set<S: AsRef<str>, const N: usize>(names: [S; N]) -> Option<BTreeSet<String>> {
    Some(names.iter().map(|n| n.as_ref().to_owned()).collect())
}

/// A page of any list.
pub struct Rows {
    keys: Vec<String>,
    done: bool,
    iterator: Option<String>,
    prev_iterator: Option<String>,
}

impl Rows {
    pub fn new(keys: impl Iterator<Item = String>, done: bool, iterator: Option<String>, prev_iterator: Option<String>) -> Self {
        Self { keys: keys.collect(), done, iterator, prev_iterator }
    }
}

/// Goes through a list two rows at a time, to its end and back, and returns the keys of its rows.
pub async fn walk(list: impl AsyncFn(Option<u64>, Option<String>) -> Rows) -> Vec<String> {
    let mut page = list(Some(2), None).await;
    let mut there = page.keys.clone();
    while !page.done {
        page = list(Some(2), page.iterator).await;
        there.extend(page.keys.clone());
    }
    let mut back = page.keys.clone();
    while let Some(iterator) = page.prev_iterator.take() {
        page = list(Some(2), Some(iterator)).await;
        back = [page.keys.clone(), back].concat();
        if page.done {
            break;
        }
    }
    assert_eq!(back, there, "the rows on the way back");
    there
}

/// Polls until n ids have come.
pub async fn collect(s: &Suite, n: usize, mut iterator: Option<String>, poll: impl AsyncFn(Option<String>) -> (Vec<String>, String)) -> Vec<String> {
    let mut got = vec![];
    let end = Instant::now() + Suite::LIMIT;
    while got.len() < n {
        let (ids, next) = poll(iterator.take()).await;
        got.extend(ids);
        iterator = Some(next);
        s.wait(end, "all are polled").await;
    }
    got
}

/// A request that came to the receiver.
pub struct Request {
    headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Panics unless the client's own verifier takes the request.
    pub fn proven(&self, secret: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"));
        }
        let webhook = Webhook::new(secret).expect("a secret");
        webhook.verify(self.body.as_bytes(), &headers).expect("it verifies");
        assert!(webhook.verify(format!("{} ", self.body).as_bytes(), &headers).is_err(), "a changed body verifies");
    }
}

#[derive(Clone)]
pub struct Suite {
    client: Svix,
    receiver: String,
    run: String,
    made: Arc<AtomicUsize>,
}

impl Suite {
    const LIMIT: Duration = Duration::from_secs(20);

    fn new() -> Self {
        let var = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let options = SvixOptions { server_url: Some(var("SERVER_URL")), ..Default::default() };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        Self { client: Svix::new(var("SERVER_TOKEN"), Some(options)), receiver: var("RECEIVER_URL"), run: format!("rust-{now}"), made: Arc::default() }
    }

    pub fn client(&self) -> Svix {
        self.client.clone()
    }

    /// A name that no other run uses.
    pub fn name(&self, last: &str) -> String {
        format!("{}.{last}", self.run)
    }

    pub fn path(&self, last: &str) -> String {
        format!("/{}/{last}", self.run)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.receiver)
    }

    pub async fn app(&self) -> String {
        let name = format!("{}-{}", self.run, self.made.fetch_add(1, Ordering::Relaxed));
        let app = ApplicationIn { uid: Some(name.clone()), ..ApplicationIn::new(name) };
        have(self.client.application().create(app, None).await).id
    }

    pub async fn event_type(&self, last: &str) -> String {
        let name = self.name(last);
        have(self.client.event_type().create(EventTypeIn::new(name.clone(), name), None).await).name
    }

    pub async fn endpoint(&self, app: &str, path: &str) -> String {
        have(self.client.endpoint().create(app.to_owned(), EndpointIn::new(self.url(path)), None).await).id
    }

    pub async fn send(&self, app: &str, event_type: &str) -> String {
        let message = MessageIn::new(event_type.to_owned(), serde_json::json!({"n": 1}));
        have(self.client.message().create(app.to_owned(), message, None).await).id
    }

    async fn wait(&self, end: Instant, what: &str) {
        assert!(Instant::now() < end, "after {:?}: {what}", Self::LIMIT);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }

    pub async fn until(&self, what: &str, ask: impl AsyncFn() -> bool) {
        let end = Instant::now() + Self::LIMIT;
        while !ask().await {
            self.wait(end, what).await;
        }
    }

    /// What came to the receiver at a path.
    pub async fn received(&self, path: &str) -> Vec<Request> {
        let address = self.receiver.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("the receiver");
        stream.write_all(format!("GET /received?path={path} HTTP/1.0\r\n\r\n").as_bytes()).await.expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let list: Vec<Value> = serde_json::from_str(body).expect("a list");
        list.into_iter()
            .map(|r| Request { headers: serde_json::from_value(r["headers"].clone()).expect("headers"), body: r["body"].as_str().expect("a body").to_owned() })
            .collect()
    }

    pub async fn arrived(&self, path: &str, n: usize) -> Vec<Request> {
        self.until(&format!("{n} requests at {path}"), async || self.received(path).await.len() >= n).await;
        self.received(path).await
    }

    /// Waits until each message has come to a path.
    pub async fn taken(&self, path: &str, messages: &[&str]) {
        self.until(&format!("{messages:?} at {path}"), async || {
            let there = self.received(path).await;
            messages.iter().all(|id| there.iter().any(|r| r.header("svix-id") == *id))
        })
        .await;
    }

    /// Waits until a message has n attempts.
    pub async fn attempted(&self, app: &str, message: &str, n: usize) -> Vec<MessageAttemptOut> {
        let list = async || have(self.client.message_attempt().list_by_msg(app.to_owned(), message.to_owned(), None).await).data;
        self.until(&format!("{n} attempts for {message}"), async || list().await.len() >= n).await;
        list().await
    }

    /// Waits until a background task has done its work.
    pub async fn finished(&self, id: &str, task: BackgroundTaskType) {
        self.until(&format!("task {id} is finished"), async || {
            let now = have(self.client.background_task().get(id.to_owned()).await);
            assert_eq!(now.task, task);
            assert_ne!(now.status, BackgroundTaskStatus::Failed, "{:?}", now.data);
            now.status == BackgroundTaskStatus::Finished
        })
        .await;
    }
}
