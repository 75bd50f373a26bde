-- A database that takes 5 000 orders a second and no more: each statement takes as long as 16 connections side by side may be given.
--   hold:     psql -f examples/ingestion-service.sql
--   let go:   DROP TRIGGER held ON orders
CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, n bigint, at timestamptz, raw jsonb);
CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep((SELECT count(*) FROM fresh) * 16 / 5000.0);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER held AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION hold();
