-- The files of a question: what the messenger says of them and the reference by which it hands them over again,
-- never their content. The reference is taken out when nobody can ask the question again.
ALTER TABLE app.turns ADD COLUMN files jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(files) = 'array');
CREATE INDEX turns_files ON app.turns (org_id) WHERE jsonb_path_exists(files, '$[*].ref ? (@ != null)');
