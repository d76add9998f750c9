-- What bins send on by themselves.

-- relay: where everything that arrives is sent on to; empty: nowhere.
ALTER TABLE bins ADD COLUMN relay TEXT NOT NULL DEFAULT '';

-- relayed: what became of sending it on, as JSON; empty: it was not, or not yet. trigger_name: what it is called among the requests that are sent again and again; empty: it is none.
ALTER TABLE bin_requests ADD COLUMN relayed TEXT NOT NULL DEFAULT '';
ALTER TABLE bin_requests ADD COLUMN trigger_name TEXT NOT NULL DEFAULT '';
