-- What an attempt leaves behind for who asks why it failed.

-- signed_at: the time that the signature bears, in Unix seconds; 0: not known. facts: details of the exchange as JSON; empty: none.
ALTER TABLE attempts ADD COLUMN signed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN facts BYTEA NOT NULL DEFAULT '';
