//! The file and its directory: locks, formats, damage and a full disk.

use std::path::Path;

use super::*;

#[actix::test]
async fn second_open_of_a_directory_is_rejected() {
    let first = Embedded::new();
    assert!(matches!(open(&first.directory, &first.clock), Err(OpenError::InUse { .. })));
}

#[actix::test]
async fn unsupported_format_is_rejected_and_unchanged() {
    let Embedded { store, clock, directory } = Embedded::new();
    drop(store);
    for version in [0, 2, 99] {
        database(&directory).pragma_update(None, "user_version", version).unwrap();
        let error = open(&directory, &clock).err().unwrap();
        assert!(matches!(error, OpenError::Unsupported { version: found, supported: 1, .. } if found == version));
        let stored: i64 = database(&directory).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(stored, version);
    }
}

#[actix::test]
async fn database_of_another_application_is_rejected_and_unchanged() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::default()));
    database(&directory).execute_batch("CREATE TABLE notes (text)").unwrap();
    assert!(matches!(open(&directory, &clock), Err(OpenError::Foreign { .. })));
    let tables: u32 =
        database(&directory).query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[actix::test]
async fn truncated_file_is_rejected_and_unchanged() {
    let Embedded { store, clock, directory } = Embedded::new();
    for _ in 0..20 {
        store.submit(crawl(1000)).await.unwrap();
    }
    drop(store);
    let path = directory.path().join("opilio.db");
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(open(&directory, &clock), Err(OpenError::Truncated { .. })));
    assert!(std::fs::read(&path).unwrap() == before);
}

#[actix::test]
async fn unusable_directory_is_named_in_the_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let settings = StoreSettings { retention: RETENTION, max_queued: None, max_per_principal: None };
    for path in [file.as_path(), Path::new("/proc/opilio")] {
        let error = EmbeddedStore::open(path, Arc::new(ManualClock::default()), settings).err().unwrap();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[actix::test]
async fn full_disk_rejects_new_jobs_loses_none_and_recovers() {
    let Embedded { store, clock, directory } = Embedded::new();
    let first = crawl(1);
    store.submit(first.clone()).await.unwrap();
    let limit_file_pages = |pages: &'static str| {
        store.writer.run(move |db, _| {
            let pragma = format!("PRAGMA max_page_count = {pages}");
            db.query_row(&pragma, [], |row| row.get::<_, i64>(0)).map_err(super::super::convert::store_error)
        })
    };
    limit_file_pages("1").await.unwrap();
    let mut admitted = 1;
    // Each of these jobs needs several pages of the file.
    let rejected = loop {
        match store.submit(crawl(1000)).await {
            Ok(_) => admitted += 1,
            Err(error) => break error,
        }
    };
    assert!(rejected.is_transient(), "{rejected}");
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(admitted));
    limit_file_pages("1000000").await.unwrap();
    store.submit(crawl(1000)).await.unwrap();
    drop(store);
    let store = open(&directory, &clock).unwrap();
    assert_eq!(store.counts().await.map(|counts| counts.queued), Ok(admitted + 1));
    assert!(store.job(&first.id, None).await.unwrap().is_some());
}
