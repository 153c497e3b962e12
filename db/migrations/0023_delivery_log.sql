-- What a message belongs to in the log; null for what nobody's request led to.
ALTER TABLE pipeline.outbox ADD COLUMN correlation_id text;
