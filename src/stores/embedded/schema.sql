-- Moments are microseconds since 1970 in UTC.
CREATE TABLE jobs (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT, -- order of submission
    id                  TEXT NOT NULL UNIQUE,
    principal           TEXT NOT NULL,
    queue               TEXT NOT NULL,                     -- name of a QueueKey
    kind                TEXT NOT NULL,
    spec                TEXT NOT NULL,                     -- JSON
    state               TEXT NOT NULL,                     -- queued, running, completed, failed, cancelled
    total               INTEGER NOT NULL,
    done                INTEGER NOT NULL DEFAULT 0,
    failed              INTEGER NOT NULL DEFAULT 0,
    attempts_spent      INTEGER NOT NULL DEFAULT 0,
    crashes             INTEGER NOT NULL DEFAULT 0,        -- consecutive, of processes while the job was running
    error               TEXT,
    waiting_for         TEXT,                              -- what the running job waits for
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    finished_at         INTEGER,
    expires_at          INTEGER,
    not_before          INTEGER,                           -- end of a queued job's delay
    token               INTEGER NOT NULL DEFAULT 0,        -- fencing token, incremented by every claim
    node                TEXT,
    lease_until         INTEGER,
    change_number       INTEGER NOT NULL DEFAULT 0,        -- of the last admission, first start or settlement
    idempotency_key     TEXT,
    fingerprint         TEXT
) STRICT;

CREATE INDEX jobs_ready ON jobs (kind, queue, seq) WHERE state = 'queued' AND not_before IS NULL;
CREATE INDEX jobs_delayed ON jobs (not_before) WHERE state = 'queued' AND not_before IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX jobs_by_principal ON jobs (principal, seq);
CREATE INDEX jobs_changed ON jobs (change_number);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (principal, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- The number of jobs by principal and state.
CREATE TABLE job_counts (
    principal TEXT NOT NULL,
    state     TEXT NOT NULL,
    jobs      INTEGER NOT NULL,
    PRIMARY KEY (principal, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_counts_insert AFTER INSERT ON jobs BEGIN
    INSERT INTO job_counts VALUES (new.principal, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_counts_update AFTER UPDATE OF state ON jobs WHEN old.state <> new.state BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE principal = old.principal AND state = old.state;
    INSERT INTO job_counts VALUES (new.principal, new.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_counts_delete AFTER DELETE ON jobs BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE principal = old.principal AND state = old.state;
END;

-- The number of the last change of any job.
CREATE TABLE last_change (number INTEGER NOT NULL) STRICT;
INSERT INTO last_change VALUES (0);

CREATE TRIGGER change_on_insert AFTER INSERT ON jobs BEGIN
    UPDATE last_change SET number = number + 1;
    UPDATE jobs SET change_number = (SELECT number FROM last_change) WHERE seq = new.seq;
END;
CREATE TRIGGER change_on_update AFTER UPDATE OF state ON jobs
WHEN (old.started_at IS NULL AND new.started_at IS NOT NULL) OR (old.finished_at IS NULL AND new.finished_at IS NOT NULL) BEGIN
    UPDATE last_change SET number = number + 1;
    UPDATE jobs SET change_number = (SELECT number FROM last_change) WHERE seq = new.seq;
END;

CREATE TABLE pages (
    job     INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    idx     INTEGER NOT NULL,
    success INTEGER NOT NULL,
    error   TEXT NOT NULL,
    result  BLOB NOT NULL, -- JSON as sent to clients
    PRIMARY KEY (job, idx)
) STRICT;

CREATE TABLE checkpoints (
    job   INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (job, name)
) STRICT;

-- A settled job has no checkpoints.
CREATE TRIGGER checkpoints_settled AFTER UPDATE OF state ON jobs
WHEN new.state IN ('completed', 'failed', 'cancelled') BEGIN
    DELETE FROM checkpoints WHERE job = new.seq;
END;

CREATE TABLE deliveries (
    job              INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    principal        TEXT NOT NULL,              -- of the job
    receiver         TEXT NOT NULL,
    state            TEXT NOT NULL,              -- pending, delivered, exhausted, refused
    due              INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0, -- of the present retry schedule
    interruptions    INTEGER NOT NULL DEFAULT 0, -- consecutive
    total_attempts   INTEGER NOT NULL DEFAULT 0,
    version          INTEGER NOT NULL DEFAULT 1, -- incremented by every change
    replay_requested INTEGER NOT NULL DEFAULT 0, -- during the attempt in progress
    lease_until      INTEGER                     -- of the attempt in progress
) STRICT;

CREATE INDEX deliveries_due ON deliveries (principal, receiver, due) WHERE state = 'pending' AND lease_until IS NULL;
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE attempts (
    job         INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    status      INTEGER,
    error       TEXT,
    next_due    INTEGER,
    response    TEXT, -- the beginning of the receiver's response
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Written by the readiness check.
CREATE TABLE write_probe (
    id      INTEGER PRIMARY KEY,
    written INTEGER NOT NULL
) STRICT;
