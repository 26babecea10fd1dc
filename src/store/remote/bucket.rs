//! A shared store in a bucket of an S3-compatible service.
//!
//! Without credentials requests are not signed, which is what a public bucket
//! wants; no other source of credentials is ever asked.
//!
//! Nothing of this exists before the first request: setting up TLS reads the
//! machine's certificates, which a build with nothing to do must not pay for.
//! The asynchronous runtime lives in here alone.

use std::fs;
use std::io::{Read, Write};
use std::sync::OnceLock;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, Error, MultipartUpload, ObjectStoreExt, PutPayload, RetryConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::base::Diagnostic;
use crate::inputs::cannot;

use super::access::Access;
use super::{Activity, Download, SIDE_BY_SIDE, Shelf, Upload, Uploaded};

/// To get a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// For an answer to begin, and then from one piece of it to the next; tries
/// after the first included.
const ANSWER: Duration = Duration::from_secs(30);
/// What an upload must come to in a second, at least, beyond the time for the
/// answer: half a megabit.
const SLOWEST: u64 = 64 << 10;
/// Uploads at once: each holds pieces in memory.
const UPLOADS: usize = 4;
/// Files from this size on are sent in pieces of it.
const PIECE: usize = 8 << 20;
/// Below this, sending costs no more than asking whether it is there.
const WORTH_ASKING: u64 = 64 << 10;

pub(super) struct Bucket {
    /// For messages.
    location: String,
    bucket: String,
    prefix: Path,
    access: Access,
    activity: Activity,
    connection: OnceLock<Result<Connection, Diagnostic>>,
    places: Semaphore,
}

struct Connection {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    store: AmazonS3,
}

/// The end of a build does not wait for a name server.
impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({})", self.location)
    }
}

impl Bucket {
    pub(super) fn new(bucket: &str, prefix: &str, access: Access, activity: Activity) -> Self {
        let location = super::Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
        Bucket {
            location: location.to_string(),
            bucket: bucket.to_owned(),
            prefix: Path::from(prefix),
            access,
            activity,
            connection: OnceLock::new(),
            places: Semaphore::new(SIDE_BY_SIDE),
        }
    }

    fn connection(&self) -> Result<&Connection, Diagnostic> {
        let connection = self.connection.get_or_init(|| self.connect());
        connection.as_ref().map_err(Clone::clone)
    }

    fn connect(&self) -> Result<Connection, Diagnostic> {
        // Fails where another part of the process installed one: also good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: 3,
            retry_timeout: ANSWER / 2,
        };
        // Not for the whole of a request: a long download may take its time.
        let client = ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_retry(retry)
            .with_client_options(client.with_allow_http(self.access.allow_http));
        if let Some(region) = &self.access.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.access.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match &self.access.key {
            None => builder.with_skip_signature(true),
            Some(key) => {
                let builder = builder.with_access_key_id(&key.id).with_secret_access_key(&key.secret);
                match &key.token {
                    Some(token) => builder.with_token(token),
                    None => builder,
                }
            }
        };
        let store = builder.build().map_err(|error| self.trouble("cannot be used", &reason(&error)))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| self.trouble("cannot be used", &error.to_string()))?;
        Ok(Connection { runtime: Some(runtime), store })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    fn trouble(&self, what: &str, why: &str) -> Diagnostic {
        Diagnostic::warning(format!("the shared store {} {what}: {why}", self.location))
    }

    fn failed(&self, what: &str, error: &Error) -> Diagnostic {
        let problem = self.trouble(what, &reason(error));
        match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } if self.access.key.is_none() => {
                problem.hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            }
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                problem.hint("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and what they may do in this bucket")
            }
            _ if no_such_bucket(error) => problem.hint("create the bucket, or check its name and AWS_ENDPOINT_URL"),
            _ => problem,
        }
    }

    /// Waits for a step of an exchange, but not for ever.
    async fn within<T>(
        &self,
        what: &str,
        limit: Duration,
        step: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Stopped> {
        match tokio::time::timeout(limit, step).await {
            Ok(Ok(done)) => {
                self.activity.tick();
                Ok(done)
            }
            Ok(Err(error @ Error::NotFound { .. })) if !no_such_bucket(&error) => Err(Stopped::Absent),
            Ok(Err(error)) => Err(Stopped::Trouble(self.failed(what, &error))),
            Err(_) => {
                let why = format!("no answer within {} s", limit.as_secs());
                Err(Stopped::Trouble(self.trouble(what, &why)))
            }
        }
    }

    async fn read_one(&self, store: &AmazonS3, name: &str, most: u64) -> Result<Vec<u8>, Stopped> {
        let what = "cannot be read";
        let found = self.within(what, ANSWER, store.get(&self.path(name))).await?;
        let mut bytes = Vec::new();
        let mut body = found.into_stream();
        while let Some(piece) = self.within(what, ANSWER, body.try_next()).await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > most {
                break;
            }
        }
        Ok(bytes)
    }

    async fn download_one(&self, store: &AmazonS3, download: &Download) -> Result<(), Stopped> {
        let what = "cannot be read";
        let failed = |error: std::io::Error| Stopped::Trouble(cannot("write", &download.to, &error));
        let found = self.within(what, ANSWER, store.get(&self.path(&download.name))).await?;
        let mut to = fs::File::create(&download.to).map_err(failed)?;
        let mut body = found.into_stream();
        let mut copied = 0;
        while let Some(piece) = self.within(what, ANSWER, body.try_next()).await? {
            to.write_all(&piece).map_err(failed)?;
            copied += piece.len() as u64;
            if copied > download.bytes {
                break;
            }
        }
        Ok(())
    }

    async fn put(&self, store: &AmazonS3, name: &str, bytes: Vec<u8>) -> Result<(), Stopped> {
        let limit = patience(bytes.len());
        let path = self.path(name);
        self.within("cannot be written", limit, store.put(&path, PutPayload::from(bytes))).await.map(drop)
    }

    async fn write_one(&self, store: &AmazonS3, (name, bytes): &(String, Vec<u8>)) -> Result<(), Stopped> {
        self.put(store, name, bytes.clone()).await
    }

    async fn upload_one(&self, store: &AmazonS3, upload: &Upload) -> Result<Uploaded, Stopped> {
        let size = upload.artifact.bytes;
        if !upload.replace && size >= WORTH_ASKING {
            match self.within("cannot be read", ANSWER, store.head(&self.path(&upload.name))).await {
                Ok(there) if there.size == size => return Ok(Uploaded::There),
                Ok(_) | Err(Stopped::Absent) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let Ok(file) = fs::File::open(&upload.from) else { return Ok(Uploaded::Changed) };
        let mut pieces = Pieces { file, hasher: blake3::Hasher::new(), left: size };
        if size <= PIECE as u64 {
            let piece = pieces.next().unwrap_or_default();
            if !pieces.are(upload) {
                return Ok(Uploaded::Changed);
            }
            self.put(store, &upload.name, piece).await?;
            return Ok(Uploaded::There);
        }
        let path = self.path(&upload.name);
        let mut sending = self.within("cannot be written", ANSWER, store.put_multipart(&path)).await?;
        let sent = self.send(sending.as_mut(), &mut pieces, upload).await;
        if !matches!(sent, Ok(Uploaded::There)) {
            // Parts that nobody completes cost money; the service's own rules
            // remove what this does not reach.
            let _ = self.within("cannot be written", ANSWER, sending.abort()).await;
        }
        sent
    }

    /// Sends a file in pieces. It appears whole, or not at all where it turns
    /// out to be another.
    async fn send(
        &self,
        sending: &mut dyn MultipartUpload,
        pieces: &mut Pieces,
        upload: &Upload,
    ) -> Result<Uploaded, Stopped> {
        let what = "cannot be written";
        // One piece is read and hashed while the one before is on its way.
        let mut on_its_way: Option<object_store::UploadPart> = None;
        loop {
            let piece = pieces.next();
            let length = piece.as_ref().map_or(0, Vec::len);
            let next = piece.map(|piece| sending.put_part(PutPayload::from(piece)));
            if let Some(part) = on_its_way.take() {
                self.within(what, patience(PIECE.max(length)), part).await?;
            }
            match next {
                Some(part) => on_its_way = Some(part),
                None => break,
            }
        }
        if !pieces.are(upload) {
            return Ok(Uploaded::Changed);
        }
        self.within(what, patience(0), sending.complete()).await?;
        Ok(Uploaded::There)
    }

    /// Runs one exchange for each item, several at once, and hands the answers
    /// over as they come. The exchanges have a thread of their own: an answer may
    /// take long to work on (a film is compared with its digest), and meanwhile
    /// others must not run out of their time.
    fn side_by_side<'a, T: Sync, R: Send, F>(
        &'a self,
        items: &'a [T],
        at_once: usize,
        work: impl Fn(&'a AmazonS3, &'a T) -> F + Send,
        each: &mut dyn FnMut(usize, Option<R>) -> bool,
    ) -> Result<(), Diagnostic>
    where
        F: Future<Output = Result<R, Stopped>>,
    {
        let Connection { runtime: Some(runtime), store } = self.connection()? else { return Ok(()) };
        let (sender, answers) = crossbeam_channel::unbounded();
        let exchange_all = move || async move {
            let exchange = |(index, item)| {
                let exchange = work(store, item);
                async move {
                    // Several calls share the bound.
                    let _place = self.places.acquire().await;
                    (index, exchange.await)
                }
            };
            let mut answered = stream::iter(items.iter().enumerate().map(exchange)).buffer_unordered(at_once);
            while let Some(answer) = answered.next().await {
                if sender.send(answer).is_err() {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            // Ends the exchanges as it is dropped, however that comes.
            let (listening, nobody_listens) = futures::channel::oneshot::channel::<()>();
            scope.spawn(move || {
                runtime.block_on(futures::future::select(Box::pin(exchange_all()), nobody_listens));
            });
            let _listening = listening;
            for (index, answer) in answers {
                let answer = match answer {
                    Ok(answer) => Some(answer),
                    Err(Stopped::Absent) => None,
                    Err(Stopped::Trouble(problem)) => return Err(problem),
                };
                if !each(index, answer) {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// Why an exchange ended early.
enum Stopped {
    Absent,
    Trouble(Diagnostic),
}

/// How long so many bytes may take to be sent, if all of the places to upload
/// share the line.
fn patience(bytes: usize) -> Duration {
    ANSWER + Duration::from_secs(bytes as u64 * UPLOADS as u64 / SLOWEST)
}

/// A file, piece by piece, hashed along the way.
struct Pieces {
    file: fs::File,
    hasher: blake3::Hasher,
    /// Bytes that are still expected.
    left: u64,
}

impl Pieces {
    /// Whether all that was read is what was to be read.
    fn are(&self, upload: &Upload) -> bool {
        self.left == 0 && *self.hasher.finalize().as_bytes() == upload.artifact.digest.0
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    /// `None` at the end, and where the file cannot be read on.
    fn next(&mut self) -> Option<Vec<u8>> {
        let wanted = self.left.min(PIECE as u64);
        let mut piece = Vec::with_capacity(usize::try_from(wanted).ok()?);
        Read::take(&mut self.file, wanted).read_to_end(&mut piece).ok()?;
        self.left -= piece.len() as u64;
        self.hasher.update(&piece);
        (!piece.is_empty()).then_some(piece)
    }
}

/// The service's word for a bucket that does not exist: a missing object has
/// the same status.
fn no_such_bucket(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && error.to_string().contains("NoSuchBucket")
}

/// Why a request failed, in a few words: the library's own message repeats the
/// whole answer, in which a service may repeat the request.
fn reason(error: &Error) -> String {
    if no_such_bucket(error) {
        return "there is no such bucket".to_owned();
    }
    let text = error.to_string();
    let code = between(&text, "<Code>", "</Code>").filter(|code| code.chars().all(char::is_alphanumeric));
    let code = code.map_or_else(String::new, |code| format!(" ({code})"));
    match error {
        Error::NotFound { .. } => return "it is not there".to_owned(),
        Error::PermissionDenied { .. } => return format!("access is denied{code}"),
        Error::Unauthenticated { .. } => return format!("it wants other credentials{code}"),
        _ => {}
    }
    if let Some(status) = between(&text, "status code: ", ": ") {
        let hint = if status.starts_with("301") { " (AWS_REGION may be another)" } else { "" };
        return format!("the service answered {status}{code}{hint}");
    }
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    let kind = causes.find_map(|cause| Some(cause.downcast_ref::<HttpError>()?.kind()));
    // The last cause is the machine's or the certificate check's own words.
    let last = causes.last().map(ToString::to_string).unwrap_or_default();
    let last = last.split(" (os error ").next().unwrap_or_default();
    match kind {
        Some(HttpErrorKind::Timeout) => "no answer in time".to_owned(),
        Some(HttpErrorKind::Connect) => format!("no connection ({last})"),
        Some(_) => format!("the connection broke ({last})"),
        None => "its settings cannot be used; check AWS_ENDPOINT_URL and AWS_REGION".to_owned(),
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

impl Shelf for Bucket {
    fn read(
        &self,
        names: &[String],
        most: u64,
        each: &mut dyn FnMut(usize, Option<Vec<u8>>) -> bool,
    ) -> Result<(), Diagnostic> {
        self.side_by_side(names, SIDE_BY_SIDE, |store, name| self.read_one(store, name, most), each)
    }

    fn download(&self, wanted: &[Download], each: &mut dyn FnMut(usize, bool) -> bool) -> Result<(), Diagnostic> {
        let work = |store, download| self.download_one(store, download);
        self.side_by_side(wanted, SIDE_BY_SIDE, work, &mut |index, there| each(index, there.is_some()))
    }

    fn write(&self, entries: &[(String, Vec<u8>)], each: &mut dyn FnMut(usize) -> bool) -> Result<(), Diagnostic> {
        let work = |store, entry| self.write_one(store, entry);
        self.side_by_side(entries, SIDE_BY_SIDE, work, &mut |index, written| written.is_none() || each(index))
    }

    fn upload(&self, files: &[Upload], each: &mut dyn FnMut(usize, Uploaded) -> bool) -> Result<(), Diagnostic> {
        let work = |store, upload| self.upload_one(store, upload);
        self.side_by_side(files, UPLOADS, work, &mut |index, uploaded| {
            each(index, uploaded.unwrap_or(Uploaded::Changed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a real answer of S3, in which it repeats what it was asked.
    #[test]
    fn an_answer_is_not_repeated_whole() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>";
        let denied = Error::PermissionDenied { path: "x".into(), source: body.into() };
        assert_eq!(reason(&denied), "access is denied (SignatureDoesNotMatch)");
        let busy = "Server returned non-2xx status code: 503 Service Unavailable: <Code>SlowDown</Code>";
        let busy = Error::Generic { store: "S3", source: busy.into() };
        assert_eq!(reason(&busy), "the service answered 503 Service Unavailable (SlowDown)");
    }

    /// S3 answers 404 for both, in these words (API reference, error responses).
    #[test]
    fn a_missing_bucket_is_not_a_missing_object() {
        let missing = |code: &str| {
            let body = format!("<Error><Code>{code}</Code><BucketName>films</BucketName></Error>");
            Error::NotFound { path: "x".into(), source: body.into() }
        };
        assert!(no_such_bucket(&missing("NoSuchBucket")) && !no_such_bucket(&missing("NoSuchKey")));
        assert_eq!(reason(&missing("NoSuchBucket")), "there is no such bucket");
    }

    /// TLS is set up with what this program is built with; a port that nobody
    /// listens on is trouble and no panic.
    #[test]
    fn a_closed_port_behind_tls_is_told_in_words() {
        let access = Access { endpoint: Some("https://127.0.0.1:1".into()), ..Access::default() };
        let bucket = Bucket::new("films", "", access, Activity::default());
        let problem = bucket.read(&["results/ab/cd".into()], 10, &mut |_, _| true).unwrap_err();
        assert!(problem.message.contains("s3://films cannot be read: no connection"), "{}", problem.message);
    }
}
