-- What the operator sees of the server, and does to it.

-- What a node says of itself. cpu: of one core, in thousandths. memory: in bytes. drained_at: since when it is to take no work; 0: it takes some.
ALTER TABLE nodes ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN cores BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN cpu BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN memory BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN started_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN drained_at BIGINT NOT NULL DEFAULT 0;

-- How many events Apps have made, hour by hour, and how many bytes their payloads had. hour: since 1970.
CREATE TABLE volumes (
    hour   BIGINT NOT NULL,
    app_id BIGINT NOT NULL,
    node   BIGINT NOT NULL,
    events BIGINT NOT NULL,
    bytes  BIGINT NOT NULL,
    PRIMARY KEY (hour, app_id, node)
) {{counter}};
CREATE INDEX volumes_of_app ON volumes (app_id, hour);

-- Activities are chained, those of each App in their order: hash is over the entry and the hash of the one before, under a key that is not in the database. number: from 1; 0: older than the chains.
ALTER TABLE activities ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE activities ADD COLUMN previous BYTEA NOT NULL DEFAULT '';
ALTER TABLE activities ADD COLUMN hash BYTEA NOT NULL DEFAULT '';
CREATE INDEX activities_chained ON activities (app_id, number) WHERE number > 0;

-- The last entry of each chain, and the last one that is past keeping.
CREATE TABLE activity_chains (
    app_id  {{key}},
    number  BIGINT NOT NULL,
    hash    BYTEA  NOT NULL,
    dropped BIGINT NOT NULL
) {{counter}};

-- When all that an App had was removed that was deleted; 0: something may be left.
ALTER TABLE apps ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX apps_to_erase ON apps (deleted_at) WHERE deleted_at > 0 AND erased_at = 0;
