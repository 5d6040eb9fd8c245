-- +goose Up
-- When that was announced which made a run necessary: how late a step is counts from there.
ALTER TABLE upload_steps ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;
