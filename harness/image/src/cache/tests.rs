use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use super::{Cache, CacheError, CacheEvent, Digest, Entry};

fn digest() -> Digest {
    blake3::hash(b"what it is made from")
}

async fn make(cache: &Cache, events: &Mutex<Vec<CacheEvent>>) -> Result<Entry, CacheError> {
    let tell = |event| events.lock().unwrap().push(event);
    let fill = async |work: &Path| {
        fs::write(work.join("file"), "contents").unwrap();
        Ok(())
    };
    cache.get_or_make("images", digest(), &tell, fill).await
}

fn cache() -> (tempfile::TempDir, Cache) {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::at(directory.path()).unwrap();
    (directory, cache)
}

#[tokio::test]
async fn an_entry_is_named_by_its_digest_and_made_once() {
    let (directory, cache) = cache();
    let events = Mutex::default();
    make(&cache, &events).await.unwrap();
    let entry = make(&cache, &events).await.unwrap();
    let expected = directory.path().join("images").join(digest().to_hex().as_str()).join("file");
    assert_eq!(entry.path("file"), expected);
    assert_eq!(events.into_inner().unwrap(), [CacheEvent::Making]);
    assert_eq!(cache.list("images").unwrap()[0].digest, digest());
}

#[tokio::test]
async fn the_second_maker_waits_and_uses_the_first_ones_result() {
    let (directory, first) = cache();
    let second = Cache::at(directory.path()).unwrap();
    let (begun, wait_begun) = tokio::sync::oneshot::channel();
    let (go_on, wait_go_on) = tokio::sync::oneshot::channel();
    let waiting = tokio::sync::Notify::new();

    let slow = first.get_or_make::<CacheError, _>("images", digest(), &|_| {}, async |work| {
        begun.send(()).unwrap();
        wait_go_on.await.unwrap();
        fs::write(work.join("file"), "of the first").unwrap();
        Ok(())
    });
    let late = async {
        wait_begun.await.unwrap();
        let tell = |event| {
            assert_eq!(event, CacheEvent::Waiting);
            waiting.notify_one();
        };
        let never = async |_: &Path| -> Result<(), CacheError> { panic!("made twice") };
        second.get_or_make("images", digest(), &tell, never).await
    };
    let release = async {
        waiting.notified().await;
        go_on.send(()).unwrap();
    };
    let (slow, late, ()) = tokio::join!(slow, late, release);
    slow.unwrap();
    assert_eq!(fs::read_to_string(late.unwrap().path("file")).unwrap(), "of the first");
}

#[tokio::test]
async fn a_corrupted_file_is_named_and_the_entry_made_again() {
    let (_directory, cache) = cache();
    let events = Mutex::default();
    let path = make(&cache, &events).await.unwrap().path("file");
    fs::write(&path, "CONTENTS").unwrap();
    let entry = make(&cache, &events).await.unwrap();
    assert_eq!(fs::read_to_string(entry.path("file")).unwrap(), "contents");
    let reason = "its contents have changed".to_owned();
    let corrupted = CacheEvent::Corrupted { file: path, reason };
    let expected = [CacheEvent::Making, corrupted, CacheEvent::Making];
    assert_eq!(events.into_inner().unwrap(), expected);
}

#[tokio::test]
async fn a_corruption_that_hides_its_time_is_found() {
    let (_directory, cache) = cache();
    let events = Mutex::default();
    let path = make(&cache, &events).await.unwrap().path("file");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "CONTENTS").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let entry = make(&cache, &events).await.unwrap();
    assert_eq!(fs::read_to_string(entry.path("file")).unwrap(), "contents");
}

#[tokio::test]
async fn an_entry_in_use_is_not_removed() {
    let (_directory, cache) = cache();
    let entry = make(&cache, &Mutex::default()).await.unwrap();
    let refused = cache.remove("images", digest());
    assert!(matches!(refused, Err(CacheError::InUse(_))), "{refused:?}");
    drop(entry);
    assert!(cache.remove("images", digest()).unwrap());
    assert!(!cache.remove("images", digest()).unwrap());
}

#[tokio::test]
async fn a_failed_entry_leaves_nothing() {
    let (directory, cache) = cache();
    let fail = async |work: &Path| {
        fs::write(work.join("half"), "done").unwrap();
        Err(CacheError::Nowhere)
    };
    let failed = cache.get_or_make("images", digest(), &|_| {}, fail).await;
    assert!(matches!(failed, Err(CacheError::Nowhere)));
    assert_eq!(fs::read_dir(directory.path().join("work")).unwrap().count(), 0);
    assert!(cache.list("images").unwrap().is_empty());
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "run by the_work_of_a_killed_process_is_swept"]
fn maker_that_is_killed() {
    let cache = Cache::at(std::env::var_os("ASSAY_CACHE").unwrap()).unwrap();
    let work = super::Work::begin(&cache).unwrap();
    println!("\nworking in {}", work.path().display());
    std::thread::park();
}

#[test]
fn the_work_of_a_killed_process_is_swept() {
    use std::io::{BufRead, BufReader};

    let (directory, _cache) = cache();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["cache::tests::maker_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env("ASSAY_CACHE", directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with("working in ")).unwrap().unwrap();

    let left = || fs::read_dir(directory.path().join("work")).unwrap().count();
    Cache::at(directory.path()).unwrap();
    assert_eq!(left(), 1, "what a living process works on stays");
    child.kill().unwrap();
    child.wait().unwrap();
    Cache::at(directory.path()).unwrap();
    assert_eq!(left(), 0);
}

#[test]
fn holes_and_zeros_are_the_same_to_the_digest() {
    let sparse = tempfile::tempfile().unwrap();
    sparse.set_len(8 << 20).unwrap();
    let filled = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &filled, &vec![0; 8 << 20]).unwrap();
    let sum = super::manifest::sum;
    assert_eq!(sum(&sparse).unwrap(), sum(&filled).unwrap());
    filled.set_len(9 << 20).unwrap();
    assert_ne!(sum(&sparse).unwrap(), sum(&filled).unwrap());
}

#[tokio::test]
async fn what_was_not_used_for_longest_makes_room() {
    const SIZE: u64 = 1 << 20;
    let (directory, mut cache) = cache();
    fs::write(directory.path().join("a-file-of-somebody"), "").unwrap();
    // Room for three, and for what a file system adds to each.
    cache.limit = 3 * SIZE + SIZE / 2;
    let digest = |name: &str| blake3::hash(name.as_bytes());
    let made = async |name: &str| {
        let fill = async |work: &Path| {
            fs::write(work.join("file"), vec![1; SIZE as usize]).unwrap();
            Ok::<_, CacheError>(())
        };
        cache.get_or_make("images", digest(name), &|_| {}, fill).await.unwrap()
    };
    let there = || {
        let mut there = ["held", "used", "unused", "new"].map(|name| (name, digest(name))).to_vec();
        let listed = cache.list("images").unwrap();
        there.retain(|(_, digest)| listed.iter().any(|entry| entry.digest == *digest));
        there.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };

    let held = made("held").await;
    drop(made("used").await);
    drop(made("unused").await);
    drop(made("used").await);
    assert_eq!(there(), ["held", "used", "unused"]);
    drop(made("new").await);
    assert_eq!(
        there(),
        ["held", "used", "new"],
        "what is in use and what was used again stay, older as they are"
    );
    assert!(held.path("file").exists());
}
