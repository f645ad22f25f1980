-- Kinds of a connection that nobody wants to know of: a list of their ids, JSON (governance CON-27).
ALTER TABLE connection_sync ADD COLUMN kinds_off TEXT NOT NULL DEFAULT '[]';
