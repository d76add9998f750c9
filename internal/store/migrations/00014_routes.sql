-- Routes over which nothing can be sent.

-- disabled_at: since when the provider takes nothing more with the route's credentials; 0: it does. disabled_cause: why, in its words.
ALTER TABLE routes ADD COLUMN disabled_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN disabled_cause TEXT NOT NULL DEFAULT '';
