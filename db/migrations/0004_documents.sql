-- The skeleton of documents, so that later issues add rooms and move no walls.
CREATE TABLE app.folders (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  parent_id uuid,
  name text NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, parent_id) REFERENCES app.folders ON DELETE CASCADE
);
CREATE TABLE app.topics (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name text NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, name)
);
CREATE TABLE app.documents (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  folder_id uuid,
  owner_id uuid,
  title text NOT NULL,
  mime text NOT NULL,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, folder_id) REFERENCES app.folders ON DELETE SET NULL (folder_id),
  FOREIGN KEY (org_id, owner_id) REFERENCES app.users ON DELETE SET NULL (owner_id)
);
CREATE INDEX documents_created ON app.documents (org_id, created_at DESC);
CREATE TABLE app.document_topics (
  org_id uuid NOT NULL,
  document_id uuid NOT NULL,
  topic_id uuid NOT NULL,
  PRIMARY KEY (org_id, document_id, topic_id),
  FOREIGN KEY (org_id, document_id) REFERENCES app.documents ON DELETE CASCADE,
  FOREIGN KEY (org_id, topic_id) REFERENCES app.topics ON DELETE CASCADE
);
CREATE TABLE app.shares (
  org_id uuid NOT NULL,
  document_id uuid NOT NULL,
  group_id uuid NOT NULL,
  can_write boolean NOT NULL DEFAULT false,
  PRIMARY KEY (org_id, document_id, group_id),
  FOREIGN KEY (org_id, document_id) REFERENCES app.documents ON DELETE CASCADE,
  FOREIGN KEY (org_id, group_id) REFERENCES app.groups ON DELETE CASCADE
);
CREATE TABLE app.document_chunks (
  org_id uuid NOT NULL,
  document_id uuid NOT NULL,
  seq int NOT NULL,
  heading text,
  content text NOT NULL,
  PRIMARY KEY (org_id, document_id, seq),
  FOREIGN KEY (org_id, document_id) REFERENCES app.documents ON DELETE CASCADE
);
SELECT app.raise_wall(t) FROM unnest(ARRAY['folders', 'topics', 'documents', 'document_topics', 'shares', 'document_chunks']::name[]) t;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON app.folders, app.topics, app.documents, app.document_topics, app.shares, app.document_chunks TO blockbot_app;
