-- Routes over which nothing can be sent, and reports that wait to be told of.

-- disabled_at: since when the provider takes nothing more with the route's credentials; 0: it does. disabled_cause: why, in its words.
ALTER TABLE routes ADD COLUMN disabled_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN disabled_cause TEXT NOT NULL DEFAULT '';

-- held_by: the conversation in which a message was being sent that a report of an unknown message may have been about; it is told of when that is known. 0: the report waits for nothing.
-- channel, recipient: what such a report is about.
ALTER TABLE receipts ADD COLUMN held_by BIGINT NOT NULL DEFAULT 0;
ALTER TABLE receipts ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE receipts ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
CREATE INDEX receipts_held ON receipts (held_by, id) WHERE held_by <> 0;
