-- +goose Up
-- Removals that the bucket announced and no check has decided on since. upload_id is the
-- hash of bucket and key: the ledger need not know the upload.
CREATE TABLE removals (
  upload_id    TEXT    NOT NULL PRIMARY KEY,
  announced_at INTEGER NOT NULL,
  again        INTEGER NOT NULL DEFAULT 0 -- 1: the object was announced again afterwards
) WITHOUT ROWID;
