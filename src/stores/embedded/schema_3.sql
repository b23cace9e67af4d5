-- The last admission, first start or end of each job, numbered, for who follows them all.
ALTER TABLE jobs ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_changed ON jobs (changed);
CREATE TABLE change (last INTEGER NOT NULL) STRICT;
INSERT INTO change VALUES (0);

CREATE TRIGGER changed_insert AFTER INSERT ON jobs BEGIN
    UPDATE change SET last = last + 1;
    UPDATE jobs SET changed = (SELECT last FROM change) WHERE seq = new.seq;
END;
CREATE TRIGGER changed_update AFTER UPDATE OF state ON jobs
WHEN (old.started_at IS NULL AND new.started_at IS NOT NULL) OR (old.finished_at IS NULL AND new.finished_at IS NOT NULL) BEGIN
    UPDATE change SET last = last + 1;
    UPDATE jobs SET changed = (SELECT last FROM change) WHERE seq = new.seq;
END;
