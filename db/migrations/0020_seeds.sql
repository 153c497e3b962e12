-- Which secrets of the environment have been taken into the vault: each value once, so that what a team disconnects
-- does not come back with the next start. Only a hash: the values are long and random.
CREATE TABLE pipeline.seeds (
  service text PRIMARY KEY,
  hash bytea NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON pipeline.seeds TO blockbot_app;
