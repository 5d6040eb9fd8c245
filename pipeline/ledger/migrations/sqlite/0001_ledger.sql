-- +goose Up
-- Times are microseconds since 1970 UTC in every engine; 0 means "not yet".

CREATE TABLE uploads (
  id             TEXT    NOT NULL PRIMARY KEY,
  bucket         TEXT    NOT NULL,
  object_key     TEXT    NOT NULL,
  file_id        TEXT    NOT NULL,
  owner          TEXT    NOT NULL DEFAULT '',
  source         TEXT    NOT NULL DEFAULT '',
  announcements  INTEGER NOT NULL DEFAULT 1,
  etag           TEXT    NOT NULL DEFAULT '',
  version_id     TEXT    NOT NULL DEFAULT '',
  size           INTEGER NOT NULL DEFAULT 0,
  content_type   TEXT    NOT NULL DEFAULT '',
  width          INTEGER NOT NULL DEFAULT 0,
  height         INTEGER NOT NULL DEFAULT 0,
  frames         INTEGER NOT NULL DEFAULT 0,
  orientation    INTEGER NOT NULL DEFAULT 0,
  visibility     TEXT    NOT NULL DEFAULT '',
  reason         TEXT    NOT NULL DEFAULT '',
  detail         TEXT    NOT NULL DEFAULT '',
  checked_at     INTEGER NOT NULL DEFAULT 0,
  revision       INTEGER NOT NULL DEFAULT 0,
  outcome_digest TEXT    NOT NULL DEFAULT '',
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL
);
CREATE UNIQUE INDEX uploads_object ON uploads (object_key, bucket);
CREATE INDEX uploads_file_id ON uploads (file_id);
CREATE INDEX uploads_owner ON uploads (owner);

CREATE TABLE upload_steps (
  upload_id     TEXT    NOT NULL REFERENCES uploads (id),
  step          TEXT    NOT NULL,
  scope         TEXT    NOT NULL DEFAULT '',
  gen           INTEGER NOT NULL,
  started_gen   INTEGER NOT NULL DEFAULT 0,
  state         TEXT    NOT NULL,
  code          TEXT    NOT NULL DEFAULT '',
  detail        TEXT    NOT NULL DEFAULT '',
  result        TEXT    NOT NULL DEFAULT '',
  sweep_after   INTEGER NOT NULL DEFAULT 0,
  ready_at     INTEGER NOT NULL DEFAULT 0,
  updated_at    INTEGER NOT NULL,
  PRIMARY KEY (upload_id, step, scope)
) WITHOUT ROWID;
CREATE INDEX upload_steps_due ON upload_steps (sweep_after) WHERE state = 'pending';
CREATE INDEX upload_steps_pending ON upload_steps (step, ready_at) WHERE state = 'pending';

CREATE TABLE attempts (
  upload_id  TEXT    NOT NULL REFERENCES uploads (id),
  step       TEXT    NOT NULL,
  scope      TEXT    NOT NULL DEFAULT '',
  gen        INTEGER NOT NULL,
  n          INTEGER NOT NULL,
  worker     TEXT    NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL DEFAULT 0,
  class      TEXT    NOT NULL DEFAULT '',
  error      TEXT    NOT NULL DEFAULT '',
  vanished   INTEGER NOT NULL DEFAULT 0, -- 1: its worker vanished while it was being made
  PRIMARY KEY (upload_id, step, scope, gen, n)
) WITHOUT ROWID;
CREATE INDEX attempts_open ON attempts (worker) WHERE ended_at = 0;

CREATE TABLE order_links (
  seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  order_id   TEXT    NOT NULL,
  upload_id  TEXT    NOT NULL REFERENCES uploads (id),
  batch      TEXT    NOT NULL DEFAULT '',
  position   INTEGER,
  attached   INTEGER NOT NULL DEFAULT 0,
  written    INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX order_links_pair ON order_links (order_id, upload_id);
CREATE INDEX order_links_upload ON order_links (upload_id);

CREATE TABLE order_state (
  order_id   TEXT    NOT NULL PRIMARY KEY,
  lock_owner TEXT    NOT NULL DEFAULT '',
  lock_until INTEGER NOT NULL DEFAULT 0,
  intent     TEXT    NOT NULL DEFAULT '',
  last       TEXT    NOT NULL DEFAULT '',
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE dead_letters (
  id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  upload_id   TEXT    NOT NULL DEFAULT '',
  step        TEXT    NOT NULL DEFAULT '',
  scope       TEXT    NOT NULL DEFAULT '',
  gen         INTEGER NOT NULL DEFAULT 0,
  task_type   TEXT    NOT NULL DEFAULT '',
  payload     TEXT    NOT NULL DEFAULT '',
  class       TEXT    NOT NULL,
  code        TEXT    NOT NULL DEFAULT '',
  error       TEXT    NOT NULL DEFAULT '',
  fingerprint TEXT    NOT NULL DEFAULT '',
  attempts    INTEGER NOT NULL DEFAULT 0,
  died_at     INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  note        TEXT    NOT NULL DEFAULT '',
  updated_at  INTEGER NOT NULL
);
CREATE INDEX dead_letters_state ON dead_letters (state, id);
CREATE INDEX dead_letters_group ON dead_letters (fingerprint, id);
CREATE INDEX dead_letters_died ON dead_letters (died_at);
CREATE UNIQUE INDEX dead_letters_step ON dead_letters (upload_id, step, scope) WHERE upload_id != '';
CREATE UNIQUE INDEX dead_letters_raw ON dead_letters (fingerprint) WHERE upload_id = '';

CREATE TABLE operations (
  id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  who    TEXT    NOT NULL,
  what   TEXT    NOT NULL,
  filter TEXT    NOT NULL DEFAULT '',
  note   TEXT    NOT NULL DEFAULT '',
  counts TEXT    NOT NULL DEFAULT ''
);

CREATE TABLE queues (
  name       TEXT    NOT NULL PRIMARY KEY,
  paused     INTEGER NOT NULL DEFAULT 0,
  note       TEXT    NOT NULL DEFAULT '',
  paused_by  TEXT    NOT NULL DEFAULT '',
  until      INTEGER NOT NULL DEFAULT 0, -- when the pause ends by itself
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Keys that an upload was signed for, before there is an upload.
CREATE TABLE signed_keys (
  upload_id  TEXT    NOT NULL PRIMARY KEY,
  bucket     TEXT    NOT NULL,
  object_key TEXT    NOT NULL,
  owner      TEXT    NOT NULL,
  order_id   TEXT    NOT NULL DEFAULT '',
  position   INTEGER,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX signed_keys_owner ON signed_keys (owner);

CREATE TABLE inbound_ids (
  id          TEXT    NOT NULL PRIMARY KEY,
  received_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE workers (
  id         TEXT    NOT NULL PRIMARY KEY,
  pools      TEXT    NOT NULL DEFAULT '',
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
) WITHOUT ROWID;

-- Work that one process of all does at a time: name is free from until on.
CREATE TABLE leases (
  name   TEXT    NOT NULL PRIMARY KEY,
  holder TEXT    NOT NULL,
  until  INTEGER NOT NULL
) WITHOUT ROWID;
