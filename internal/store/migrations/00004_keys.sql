-- What API keys are for, what they are called, and when they were last used.
ALTER TABLE api_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
-- Words, '' for everything.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
-- 0: never.
ALTER TABLE api_keys ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;

-- The text before the last rotation, which counts until old_until; '' for none.
ALTER TABLE api_keys ADD COLUMN rotated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN old_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN old_until BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX api_keys_by_old_hash ON api_keys (old_hash) WHERE old_hash <> '';
