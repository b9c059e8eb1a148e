CREATE TABLE IF NOT EXISTS contacts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_at TEXT,
  updated_at TEXT
);
-- One row per value: standard attributes under their standard name, custom fields and pseudo keys under theirs.
CREATE TABLE IF NOT EXISTS field_values (
  contact_id TEXT NOT NULL,
  field_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (contact_id, field_key)
);
CREATE TABLE IF NOT EXISTS custom_fields (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tags (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  definition TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS contact_tags (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  contact_id TEXT NOT NULL,
  tag_id TEXT NOT NULL,
  UNIQUE (contact_id, tag_id)
);
CREATE INDEX IF NOT EXISTS contact_tags_by_tag ON contact_tags (tag_id, seq);
CREATE TABLE IF NOT EXISTS opportunities (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  contact_id TEXT NOT NULL,
  stage_id TEXT NOT NULL,
  created_at TEXT
);
-- What was done to a contact: automation, goal, opt_in, note.
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  contact_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS raw_pages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  resource TEXT NOT NULL,
  records TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS saved_searches (
  id TEXT PRIMARY KEY,
  query TEXT NOT NULL
);
