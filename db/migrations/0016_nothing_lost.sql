-- The tenure that has this update in hand: only one that ends with it in hand counts against it.
ALTER TABLE pipeline.updates ADD COLUMN begun_epoch bigint;
-- How many attempts at this message may have arrived, and the language of whoever reads it.
ALTER TABLE pipeline.outbox ADD COLUMN maybe_sent int NOT NULL DEFAULT 0, ADD COLUMN locale text;
UPDATE pipeline.outbox SET maybe_sent = 1 WHERE error = 'unknown' AND state IN ('queued', 'sending');
