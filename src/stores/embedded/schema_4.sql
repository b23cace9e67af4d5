-- Where a job that is not settled waits for its turn.
ALTER TABLE jobs ADD COLUMN line TEXT NOT NULL DEFAULT '';
UPDATE jobs SET line = principal WHERE state IN ('queued', 'running');
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (task, line, seq) WHERE state = 'queued' AND not_before IS NULL;
