-- Moments are microseconds since 1970 in UTC.
CREATE TABLE jobs (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of submission
    id               TEXT NOT NULL UNIQUE,
    principal        TEXT NOT NULL,
    task             TEXT NOT NULL,
    spec             TEXT NOT NULL,                     -- JSON
    state            TEXT NOT NULL,                     -- queued, running, completed, failed, cancelled
    total            INTEGER NOT NULL,
    done             INTEGER NOT NULL DEFAULT 0,
    failed           INTEGER NOT NULL DEFAULT 0,
    attempts_spent   INTEGER NOT NULL DEFAULT 0,
    pages_in_attempt INTEGER NOT NULL DEFAULT 0,
    error            TEXT,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    expires_at       INTEGER,
    not_before       INTEGER,                           -- of a queued job that must wait
    token            INTEGER NOT NULL DEFAULT 0,        -- raised by every claim
    node             TEXT,
    lease_until      INTEGER,
    idempotency_key  TEXT,
    fingerprint      TEXT
) STRICT;

CREATE INDEX jobs_ready ON jobs (task, principal, seq) WHERE state = 'queued' AND not_before IS NULL;
CREATE INDEX jobs_later ON jobs (not_before) WHERE state = 'queued' AND not_before IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX jobs_listed ON jobs (principal, seq);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (principal, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- How many jobs each principal has in each state, so that nobody counts them.
CREATE TABLE tally (
    principal TEXT NOT NULL,
    state     TEXT NOT NULL,
    jobs      INTEGER NOT NULL,
    PRIMARY KEY (principal, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tally_insert AFTER INSERT ON jobs BEGIN
    INSERT INTO tally VALUES (new.principal, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER tally_update AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE principal = old.principal AND state = old.state;
    INSERT INTO tally VALUES (new.principal, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER tally_delete AFTER DELETE ON jobs BEGIN
    UPDATE tally SET jobs = jobs - 1 WHERE principal = old.principal AND state = old.state;
END;

CREATE TABLE pages (
    job     INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    idx     INTEGER NOT NULL,
    success INTEGER NOT NULL,
    error   TEXT NOT NULL,
    result  BLOB NOT NULL, -- JSON, as it is sent
    PRIMARY KEY (job, idx)
) STRICT;

CREATE TABLE deliveries (
    job           INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    receiver      TEXT NOT NULL,
    state         TEXT NOT NULL,              -- pending, delivered, exhausted, refused
    due           INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0, -- of the present schedule
    interruptions INTEGER NOT NULL DEFAULT 0, -- of the present schedule
    made          INTEGER NOT NULL DEFAULT 0, -- ever
    version       INTEGER NOT NULL DEFAULT 1,
    again         INTEGER NOT NULL DEFAULT 0, -- a replay was asked for while it was being sent
    lease_until   INTEGER                     -- while it is being sent
) STRICT;

CREATE INDEX deliveries_due ON deliveries (receiver, due) WHERE state = 'pending' AND lease_until IS NULL;
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;

-- Written to learn whether a write succeeds.
CREATE TABLE probe (
    id      INTEGER PRIMARY KEY,
    written INTEGER NOT NULL
) STRICT;

CREATE TABLE attempts (
    job         INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    status      INTEGER,
    error       TEXT,
    next_due    INTEGER,
    answer      TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
