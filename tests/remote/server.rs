//! An S3-compatible server on this machine, written by others (s3s, with its
//! folder behind it): it checks signatures as the real service does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3ServiceBuilder, SharedS3Service};

pub(crate) const BUCKET: &str = "films";
pub(crate) const KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

pub(crate) struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    /// `GET /films/results/ab/cdef...`
    requests: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    /// Starts a server with an empty bucket. Its thread ends with the test.
    pub(crate) fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build().into_shared();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let heard = log.clone();
        std::thread::spawn(move || serve(listener, &service, &heard));
        Server { folder, address, log }
    }

    /// What a program needs to know to use it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AUTOCUT_REMOTE", format!("s3://{BUCKET}/team/ride")),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "1".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The folder in which the prefix's objects and results are files.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join(BUCKET).join("team/ride")
    }

    /// The requests since the last call, without the bucket and the prefix:
    /// `PUT objects/ab/cdef...`.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.log.requests.lock().unwrap());
        requests.into_iter().map(|request| request.replace(&format!("/{BUCKET}/team/ride/"), "")).collect()
    }

    /// How many requests were answered at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.log.most.load(Ordering::Relaxed)
    }
}

fn serve(listener: std::net::TcpListener, service: &SharedS3Service, log: &Arc<Log>) {
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (service, log) = (service.clone(), log.clone());
            let answer = service_fn(move |request: hyper::Request<Incoming>| {
                let (service, log) = (service.clone(), log.clone());
                async move {
                    log.requests.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
                    log.most.fetch_max(log.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    let answer = service.call(request).await;
                    log.now.fetch_sub(1, Ordering::Relaxed);
                    answer
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
        }
    });
}
