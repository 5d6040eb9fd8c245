-- +goose Up
-- The array of an order as subscribers know it, by its hash, and how often it was told.
ALTER TABLE order_state ADD COLUMN told TEXT NOT NULL DEFAULT '';
ALTER TABLE order_state ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
