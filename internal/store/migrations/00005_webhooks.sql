-- Senders as the Zavu-shaped API makes them, and their webhooks.

-- Several senders may have the same name: their ids tell them apart. At most one is the default of its App.
DROP INDEX senders_by_name;
CREATE INDEX senders_by_name ON senders (app_id, name) WHERE deleted_at = 0;
CREATE UNIQUE INDEX senders_default ON senders (app_id) WHERE is_default AND deleted_at = 0;

-- enabled: the channels that were switched on by hand, as a JSON list, NULL for none. email: what the sender is told about email, as JSON; '' for nothing.
ALTER TABLE senders ADD COLUMN enabled TEXT;
ALTER TABLE senders ADD COLUMN email TEXT NOT NULL DEFAULT '';

-- A sender has at most one webhook.
CREATE UNIQUE INDEX endpoints_by_sender ON endpoints (sender_id) WHERE sender_id <> 0 AND deleted_at = 0;
