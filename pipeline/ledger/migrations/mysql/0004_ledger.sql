-- +goose Up
-- The whole schema as SQLite has it after four migrations: a number means the same schema in
-- each engine. What is compared is bytes, because the usual collation takes A.jpg for a.jpg.
-- Each statement may run again, because none of them is undone when a later one fails.
-- Times are microseconds since 1970 UTC in every engine; 0 means "not yet".

CREATE TABLE IF NOT EXISTS uploads (
  id             VARBINARY(64)   NOT NULL PRIMARY KEY,
  bucket         VARBINARY(128)  NOT NULL,
  object_key     VARBINARY(850)  NOT NULL,
  file_id        VARBINARY(1200) NOT NULL,
  owner          VARBINARY(255)  NOT NULL DEFAULT '',
  source         VARBINARY(64)   NOT NULL DEFAULT '',
  announcements  INTEGER         NOT NULL DEFAULT 1,
  etag           VARBINARY(255)  NOT NULL DEFAULT '',
  version_id     VARBINARY(255)  NOT NULL DEFAULT '',
  size           BIGINT          NOT NULL DEFAULT 0,
  content_type   VARBINARY(255)  NOT NULL DEFAULT '',
  width          INTEGER         NOT NULL DEFAULT 0,
  height         INTEGER         NOT NULL DEFAULT 0,
  frames         INTEGER         NOT NULL DEFAULT 0,
  orientation    INTEGER         NOT NULL DEFAULT 0,
  visibility     VARBINARY(32)   NOT NULL DEFAULT '',
  reason         VARBINARY(64)   NOT NULL DEFAULT '',
  detail         MEDIUMTEXT      NOT NULL DEFAULT (''),
  checked_at     BIGINT          NOT NULL DEFAULT 0,
  revision       INTEGER         NOT NULL DEFAULT 0,
  outcome_digest VARBINARY(64)   NOT NULL DEFAULT '',
  created_at     BIGINT          NOT NULL,
  updated_at     BIGINT          NOT NULL,
  UNIQUE KEY uploads_object (object_key, bucket),
  KEY uploads_file_id (file_id),
  KEY uploads_owner (owner)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS upload_steps (
  upload_id      VARBINARY(64)   NOT NULL,
  step           VARBINARY(32)   NOT NULL,
  scope          VARBINARY(400)  NOT NULL DEFAULT '',
  gen            INTEGER         NOT NULL,
  started_gen    INTEGER         NOT NULL DEFAULT 0,
  state          VARBINARY(32)   NOT NULL,
  code           VARBINARY(64)   NOT NULL DEFAULT '',
  detail         MEDIUMTEXT      NOT NULL DEFAULT (''),
  result         MEDIUMTEXT      NOT NULL DEFAULT (''),
  sweep_after    BIGINT          NOT NULL DEFAULT 0,
  ready_at       BIGINT          NOT NULL DEFAULT 0,
  updated_at     BIGINT          NOT NULL,
  PRIMARY KEY (upload_id, step, scope),
  KEY upload_steps_due (state, sweep_after),
  KEY upload_steps_pending (state, step, ready_at),
  FOREIGN KEY (upload_id) REFERENCES uploads (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS attempts (
  upload_id      VARBINARY(64)   NOT NULL,
  step           VARBINARY(32)   NOT NULL,
  scope          VARBINARY(400)  NOT NULL DEFAULT '',
  gen            INTEGER         NOT NULL,
  n              INTEGER         NOT NULL,
  worker         VARBINARY(255)  NOT NULL,
  started_at     BIGINT          NOT NULL,
  ended_at       BIGINT          NOT NULL DEFAULT 0,
  class          VARBINARY(32)   NOT NULL DEFAULT '',
  error          MEDIUMTEXT      NOT NULL DEFAULT (''),
  vanished       BOOLEAN         NOT NULL DEFAULT FALSE, -- TRUE: its worker vanished while it was being made
  PRIMARY KEY (upload_id, step, scope, gen, n),
  KEY attempts_open (worker, ended_at),
  FOREIGN KEY (upload_id) REFERENCES uploads (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS order_links (
  seq            BIGINT          NOT NULL PRIMARY KEY AUTO_INCREMENT,
  order_id       VARBINARY(255)  NOT NULL,
  upload_id      VARBINARY(64)   NOT NULL,
  batch          VARBINARY(255)  NOT NULL DEFAULT '',
  position       INTEGER,
  attached       BOOLEAN         NOT NULL DEFAULT FALSE,
  written        BOOLEAN         NOT NULL DEFAULT FALSE,
  created_at     BIGINT          NOT NULL,
  UNIQUE KEY order_links_pair (order_id, upload_id),
  KEY order_links_upload (upload_id),
  FOREIGN KEY (upload_id) REFERENCES uploads (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS order_state (
  order_id       VARBINARY(255)  NOT NULL PRIMARY KEY,
  lock_owner     VARBINARY(512)  NOT NULL DEFAULT '',
  lock_until     BIGINT          NOT NULL DEFAULT 0,
  intent         MEDIUMTEXT      NOT NULL DEFAULT (''),
  last           MEDIUMTEXT      NOT NULL DEFAULT (''),
  -- The array as subscribers know it, by its hash, and how often it was told.
  told           VARBINARY(64)   NOT NULL DEFAULT '',
  revision       INTEGER         NOT NULL DEFAULT 0,
  updated_at     BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS dead_letters (
  id             BIGINT          NOT NULL PRIMARY KEY AUTO_INCREMENT,
  upload_id      VARBINARY(64)   NOT NULL DEFAULT '',
  step           VARBINARY(32)   NOT NULL DEFAULT '',
  scope          VARBINARY(400)  NOT NULL DEFAULT '',
  gen            INTEGER         NOT NULL DEFAULT 0,
  task_type      VARBINARY(255)  NOT NULL DEFAULT '',
  payload        MEDIUMTEXT      NOT NULL DEFAULT (''),
  class          VARBINARY(32)   NOT NULL,
  code           VARBINARY(64)   NOT NULL DEFAULT '',
  error          MEDIUMTEXT      NOT NULL DEFAULT (''),
  fingerprint    VARBINARY(64)   NOT NULL DEFAULT '',
  attempts       INTEGER         NOT NULL DEFAULT 0,
  died_at        BIGINT          NOT NULL,
  state          VARBINARY(32)   NOT NULL,
  note           MEDIUMTEXT      NOT NULL DEFAULT (''),
  updated_at     BIGINT          NOT NULL,
  KEY dead_letters_state (state, id),
  KEY dead_letters_group (fingerprint, id),
  KEY dead_letters_died (died_at),
  -- NULL is in no unique index: these stand for the partial ones of the other engines.
  step_key VARBINARY(512) AS (IF(upload_id = '', NULL, CONCAT(upload_id, '/', step, '/', scope))) VIRTUAL,
  UNIQUE KEY dead_letters_step (step_key),
  KEY dead_letters_upload (upload_id),
  raw_key VARBINARY(64) AS (IF(upload_id = '', fingerprint, NULL)) VIRTUAL,
  UNIQUE KEY dead_letters_raw (raw_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operations (
  id             BIGINT          NOT NULL PRIMARY KEY AUTO_INCREMENT,
  at             BIGINT          NOT NULL,
  who            MEDIUMTEXT      NOT NULL,
  what           VARBINARY(64)   NOT NULL,
  filter         MEDIUMTEXT      NOT NULL DEFAULT (''),
  note           MEDIUMTEXT      NOT NULL DEFAULT (''),
  counts         MEDIUMTEXT      NOT NULL DEFAULT ('')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS queues (
  name           VARBINARY(255)  NOT NULL PRIMARY KEY,
  paused         BOOLEAN         NOT NULL DEFAULT FALSE,
  note           MEDIUMTEXT      NOT NULL DEFAULT (''),
  paused_by      MEDIUMTEXT      NOT NULL DEFAULT (''),
  until          BIGINT          NOT NULL DEFAULT 0, -- when the pause ends by itself
  updated_at     BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Keys that an upload was signed for, before there is an upload.
CREATE TABLE IF NOT EXISTS signed_keys (
  upload_id      VARBINARY(64)   NOT NULL PRIMARY KEY,
  bucket         VARBINARY(128)  NOT NULL,
  object_key     VARBINARY(850)  NOT NULL,
  owner          VARBINARY(255)  NOT NULL,
  order_id       VARBINARY(255)  NOT NULL DEFAULT '',
  position       INTEGER,
  expires_at     BIGINT          NOT NULL,
  created_at     BIGINT          NOT NULL,
  KEY signed_keys_owner (owner)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS inbound_ids (
  id             VARBINARY(255)  NOT NULL PRIMARY KEY,
  received_at    BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS workers (
  id             VARBINARY(255)  NOT NULL PRIMARY KEY,
  pools          MEDIUMTEXT      NOT NULL DEFAULT (''),
  started_at     BIGINT          NOT NULL,
  seen_at        BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Work that one process of all does at a time: name is free from until on.
CREATE TABLE IF NOT EXISTS leases (
  name           VARBINARY(255)  NOT NULL PRIMARY KEY,
  holder         VARBINARY(255)  NOT NULL,
  until          BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Removals that the bucket announced and no check has decided on since. upload_id is the
-- hash of bucket and key: the ledger need not know the upload.
CREATE TABLE IF NOT EXISTS removals (
  upload_id      VARBINARY(64)   NOT NULL PRIMARY KEY,
  announced_at   BIGINT          NOT NULL,
  again          BOOLEAN         NOT NULL DEFAULT FALSE -- TRUE: the object was announced again afterwards
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Receivers of webhooks that said that they are gone. One without a row is enabled.
CREATE TABLE IF NOT EXISTS endpoints (
  name           VARBINARY(255)  NOT NULL PRIMARY KEY,
  disabled_at    BIGINT          NOT NULL,
  why            MEDIUMTEXT      NOT NULL DEFAULT ('')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The last transaction that committed in each slot: whoever loses the answer to a COMMIT
-- reads it back here.
CREATE TABLE IF NOT EXISTS commits (
  slot           VARBINARY(64)   NOT NULL PRIMARY KEY,
  mark           VARBINARY(64)   NOT NULL,
  at             BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
