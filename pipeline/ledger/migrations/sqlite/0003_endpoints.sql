-- +goose Up
-- Receivers of webhooks that said that they are gone. One without a row is enabled.
CREATE TABLE endpoints (
  name        TEXT    NOT NULL PRIMARY KEY,
  disabled_at INTEGER NOT NULL,
  why         TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;
