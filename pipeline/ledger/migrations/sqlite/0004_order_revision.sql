-- +goose Up
-- How often we wrote the order's array.
ALTER TABLE order_state ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
