-- Steps of the work on a job that is not settled.
CREATE TABLE checkpoints (
    job   INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (job, name)
) STRICT;

-- However a job ends, its steps are of no more use.
CREATE TRIGGER checkpoints_settled AFTER UPDATE OF state ON jobs
WHEN new.state IN ('completed', 'failed', 'cancelled') BEGIN
    DELETE FROM checkpoints WHERE job = new.seq;
END;
